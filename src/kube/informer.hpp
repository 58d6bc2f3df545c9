// Follows the objects of one collection (pods of a Job, a ConfigMap): a list, then a watch from the list's
// version on, and again from where the last one ended.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "base/pauses.hpp"
#include "base/result.hpp"
#include "kube/rest_client.hpp"
#include "kube/watch.hpp"

namespace fluxmetrics::kube {

struct ObjectKey {
  std::string name_space;  // "" outside of namespaces
  std::string name;
  [[nodiscard]] auto operator<=>(const ObjectKey&) const = default;
};

// What is followed.
struct Collection {
  std::string path = {};                         // with a query, where a selector belongs to it
  std::string what = {};                         // "the pods of the Job x", for log lines
  std::string kind = {};                         // "pods", for sentences
  std::string accept_list = "application/json";  // of a list, and of a watch's events
  std::string accept_events = "application/json";
  [[nodiscard]] bool operator==(const Collection&) const = default;
};

// Who is told what an informer learns, on the network's executor. The objects of a list have no kind and no
// apiVersion, as API servers leave them away there.
class InformerHandler {
 public:
  InformerHandler() = default;
  InformerHandler(const InformerHandler&) = delete;
  InformerHandler& operator=(const InformerHandler&) = delete;
  virtual ~InformerHandler() = default;

  // An object is there, or has changed. A list tells each of its objects, those that are as they were too.
  virtual void changed(const boost::json::object& object) = 0;
  // An object is gone. It may have gone while nobody watched, and one of the same name may have come since:
  // that one's changed() follows then.
  virtual void deleted(const ObjectKey& key) = 0;
  // All objects of a list have been told, and those told before that it does not have.
  virtual void synced() = 0;
  // A list failed; it is tried again. What was told before may be outdated from here on, until synced().
  virtual void failed(const Error& trouble) = 0;
  // The error in an answer that is not 200.
  [[nodiscard]] virtual Error refusal(const http::Fetched& answer) const;
};

struct InformerTimings {
  Seconds watch{300};            // the server ends a watch after so long
  Seconds longest_silence{330};  // a watch that is silent longer has lost its connection
  Seconds between_lists{5};      // where a watch is not allowed
  PauseRule pauses = {
      .first = Seconds(0.5), .longest = Seconds(5), .growth = 2, .jitter = 0.2};  // after errors
  int page = 500;  // objects of a list that are asked for at once
};

// Lives on the network's executor.
class Informer {
 public:
  Informer(RestClient& client, InformerHandler& handler, InformerTimings timings, Clock clock = Now::read,
           Chance chance = any_chance);
  // Which objects to follow; called between rounds. Of another collection than before, the next round lists,
  // and tells that the objects of the former one are gone.
  void follow(Collection collection);
  // A list where one is due (at first, and after a watch that could not begin or that was too old), a watch
  // until it ends, and the pause that is due after an error.
  boost::asio::awaitable<void> round();
  // Rounds without end.
  boost::asio::awaitable<void> run();
  // What the handler was told is whole: true from synced() until another list begins.
  [[nodiscard]] bool synced() const { return synced_; }

 private:
  struct WatchEnd {
    bool began = false;
    bool useful = false;  // told something, or lasted
    std::optional<Error> why;
  };
  boost::asio::awaitable<Result<void>> list();
  boost::asio::awaitable<Result<boost::json::object>> page(std::string more, bool whole);
  boost::asio::awaitable<WatchEnd> watch();
  [[nodiscard]] RestCall call(const std::string& query, const std::string& accept) const;
  std::optional<ObjectKey> take(const boost::json::object& object);
  void forget(const ObjectKey& key);
  bool apply(const WatchEvent& event);

  RestClient& client_;
  InformerHandler& handler_;
  InformerTimings timings_;
  Clock clock_;
  Pauses pauses_;
  Collection collection_;
  std::map<ObjectKey, std::string> known_;  // key -> uid
  std::string version_;                     // to watch from; "" when a list is due
  bool synced_ = false;
};

}  // namespace fluxmetrics::kube
