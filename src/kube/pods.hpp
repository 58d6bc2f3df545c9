// The pods of a Job by their completion index: values, and where one thread finds what another one has
// learned.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace fluxmetrics::kube {

struct Pod {
  std::string name;
  std::uint32_t index = 0;  // batch.kubernetes.io/job-completion-index
  std::vector<std::pair<std::string, std::string>> labels;
  bool leaving = false;  // it is being deleted
  std::string created;   // RFC 3339, in UTC: sorts as time
  [[nodiscard]] bool operator==(const Pod&) const = default;
};

// Of a Pod, or the PartialObjectMetadata of one; nullopt when it has no name or no index.
[[nodiscard]] std::optional<Pod> pod_from_json(const boost::json::object& object);

// Pods are shared, because there may be thousands, and tables are made one after the other while they come.
using PodPtr = std::shared_ptr<const Pod>;
using PodsByName = std::map<std::string, PodPtr>;
using PodTable = std::map<std::uint32_t, PodPtr>;  // by index

// One pod for each index: of several, one that stays before one that leaves, then the youngest.
[[nodiscard]] PodTable pods_by_index(const PodsByName& by_name);

struct PodView {
  std::shared_ptr<const PodTable> table;  // null while they are not known
  std::optional<Error> trouble;           // why they are not known, or not followed any more
};

class PodStore {
 public:
  void publish(PodTable table);  // clears the trouble
  // Has `changed` called after each publish(), on that thread. To be called before the first.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  // What was known stays, unless the trouble is Code::denied: it was not for us to know.
  void set_trouble(Error trouble);
  [[nodiscard]] PodView view() const;
  // Grows with each table.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  PodView view_;
  std::atomic<std::uint64_t> generation_{0};
  std::function<void()> changed_;
};

}  // namespace fluxmetrics::kube
