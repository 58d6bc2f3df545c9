// What clients are told without asking again: streaming RPCs that stay open, and event subscriptions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "flux/job.hpp"
#include "simulate/instance.hpp"
#include "simulate/observer.hpp"
#include "simulate/request.hpp"

namespace fluxmetrics::simulate {

class Streams final : public Observer {
 public:
  // `userid` signs event messages.
  explicit Streams(std::uint32_t userid) : userid_(userid) {}
  // Must come before anything else; the instance needs its observer to be made.
  void attach(Instance& instance) { instance_ = &instance; }

  // Each sends what there is now and keeps the request when it streams.
  Answered job_stats(const Request& request);
  Answered groups(const Request& request, std::string name);
  Answered health(const Request& request);
  Answered resource_journal(const Request& request);
  Answered events_journal(const Request& request, bool full, std::optional<std::set<std::string>> allow,
                          std::set<std::string> deny);
  Answered eventlog(const Request& request, const Job& job);
  // Ends the client's stream with ENODATA; `journals` are events-journal, resource.journal or eventlog-watch.
  enum class Kind { job_stats, groups, health, resource_journal, events_journal, eventlog };
  Answered cancel(const Request& request, Kind kind, std::uint32_t matchtag);

  void subscribe(const std::shared_ptr<Peer>& peer, const std::string& prefix);
  [[nodiscard]] bool unsubscribe(const Peer& peer,
                                 const std::string& prefix);  // false: it was not subscribed
  void forget(const Peer* peer);
  // Whether the broker exited: its connections are to be closed.
  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] std::size_t count(Kind kind) const;
  [[nodiscard]] boost::json::value stats_now() const;  // job-list.job-stats
  [[nodiscard]] boost::json::value health_now() const;

  void on_job_event(const Job& job, const flux::Event& event) override;
  void on_resource_event(const flux::Event& event) override;
  void on_members() override { tell_members("broker.online"); }
  void on_torpid() override { tell_members("broker.torpid"); }
  void on_health() override;
  void on_stats() override;
  void on_unload() override;
  void on_exit() override { ended_ = true; }
  void on_publish(std::string_view topic, const boost::json::object* payload, bool is_private) override;

 private:
  struct Stream {
    Kind kind;
    Request request;
    std::string name{};                            // groups
    flux::JobId id = 0;                            // eventlog
    std::optional<std::set<std::string>> allow{};  // events_journal
    std::set<std::string> deny{};
    [[nodiscard]] bool wants(const std::string& event) const {
      return (!allow || allow->contains(event)) && !deny.contains(event);
    }
  };
  struct Subscriber {
    std::weak_ptr<Peer> peer;
    std::map<std::string, int> prefixes;  // counted
  };

  void keep(Stream stream);
  void send(Kind kind, const boost::json::value& payload) const;
  void tell_members(std::string_view group) const;
  [[nodiscard]] boost::json::value old_backlog(const Stream& stream) const;
  [[nodiscard]] boost::json::value members(std::string_view group) const;

  std::uint32_t userid_;
  Instance* instance_ = nullptr;
  std::vector<Stream> streams_;
  std::map<const Peer*, Subscriber> subscribers_;
  std::uint32_t sequence_ = 0;
  bool stats_armed_ = false;
  bool ended_ = false;
};

}  // namespace fluxmetrics::simulate
