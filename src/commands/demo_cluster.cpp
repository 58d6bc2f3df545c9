#include "commands/demo_cluster.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "http/client.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::commands {
namespace json = boost::json;
namespace {

// The one value of a MetricValueList, in thousandths.
Result<std::int64_t> value_of(const std::string& body) {
  boost::system::error_code error;
  const auto document = json::parse(body, error);
  const auto* items = error                  ? nullptr
                      : document.is_object() ? document.get_object().if_contains("items")
                                             : nullptr;
  if (items == nullptr || !items->is_array() || items->get_array().size() != 1) {
    return fail(Code::protocol, "the metrics server did not return a list of exactly one value: {}", body);
  }
  const auto* item = items->get_array()[0].if_object();
  const auto* value = item == nullptr ? nullptr : item->if_contains("value");
  if (value == nullptr || !value->is_string())
    return fail(Code::protocol, "the value is not a quantity: {}", body);
  return kube::parse_milli(value->get_string());
}

}  // namespace

std::string ranks_text(const flux::IdSet& ranks) {
  return fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", ranks.to_string());
}

Result<std::uint32_t> DemoAutoscaler::desired(std::uint32_t replicas, MonoTime now) {
  const auto size = static_cast<std::int32_t>(replicas);
  // As a MiniCluster's scale: status.size is what spec.size says.
  hpa::HpaObservation seen{.spec_replicas = size,
                           .status_replicas = size,
                           .selector = "hpa-selector=flux-sample",
                           .pods_listed = size,
                           .pods_ready = size};
  const auto answer = http::fetch(url_, {.ca_file = ca_file_, .headers = {}, .timeout = Seconds(5)});
  Result<std::int64_t> metric = fail(Code::unavailable, "the metrics server did not answer");
  if (!answer) {
    metric = std::unexpected(answer.error());
  } else if (answer->status != 200) {
    metric = fail(Code::unavailable, "the metrics server answered {}: {}", answer->status, answer->body);
  } else {
    metric = value_of(answer->body);
  }
  const auto spec = hpa::follow_wanted_size(min_replicas, max_replicas);
  if (metric) {
    hpa::set_object_value(seen, spec.metrics[0], *metric);
  } else {
    seen.faults.object = metric.error().message;
  }
  if (!began_) began_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - *began_) * hastened;
  const auto decision = controller_.sync(spec, seen, elapsed.count());
  if (!metric) return std::unexpected(metric.error());
  return static_cast<std::uint32_t>(decision.replicas);
}

Result<void> DemoCluster::scale(std::uint32_t size, MonoTime now) {
  if (size < size_) return shrink(size, now);
  if (size > size_) grow(size, now);
  return {};
}

Result<void> DemoCluster::shrink(std::uint32_t size, MonoTime now) {
  const auto leaving = flux::IdSet::range(size, size_ - 1);
  tell_(fmt::format("size {} -> {}: the pods of {} are deleted", size_, size, ranks_text(leaving)));
  const auto gone =
      broker_.rpc("simulate.offline", json::object{{"ranks", leaving.to_string()}, {"how", "deleted"}});
  if (!gone) return std::unexpected(gone.error());
  std::erase_if(births_, [&](const Change& birth) { return birth.rank >= size; });
  sizes_.push_back(size);
  const auto end = now + std::chrono::duration_cast<MonoTime::duration>(times_.pod_grace);
  const std::scoped_lock lock(mutex_);
  for (auto rank = size; rank < pods_; ++rank)
    deaths_.push_back({rank, end});
  pods_ = std::min(pods_, size);
  size_ = size;
  return {};
}

void DemoCluster::grow(std::uint32_t size, MonoTime now) {
  tell_(fmt::format("size {} -> {}: {} start", size_, size, ranks_text(flux::IdSet::range(size_, size - 1))));
  const auto start = now + std::chrono::duration_cast<MonoTime::duration>(times_.pod_start);
  for (auto rank = size_; rank < size; ++rank)
    births_.push_back({rank, start});
  sizes_.push_back(size);
  const std::scoped_lock lock(mutex_);
  size_ = size;
}

Result<void> DemoCluster::advance(MonoTime now) {
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(deaths_, [&](const Change& death) { return death.when <= now; });
  }
  flux::IdSet born;
  std::erase_if(births_, [&](const Change& birth) {
    if (birth.when > now) return false;
    born.insert(birth.rank);
    return true;
  });
  if (born.empty()) return {};
  const auto joined = broker_.rpc("simulate.online", json::object{{"ranks", born.to_string()}});
  if (!joined) return std::unexpected(joined.error());
  pods_ += static_cast<std::uint32_t>(born.size());
  tell_(fmt::format("{} joined", ranks_text(born)));
  return {};
}

autoscale::ClusterLook DemoCluster::look() const {
  const std::scoped_lock lock(mutex_);
  autoscale::ClusterLook seen{.size = size_, .parallelism = size_, .terminating = {}, .staying = {}};
  for (const auto& death : deaths_)
    seen.terminating.insert(death.rank);
  seen.staying = flux::IdSet::range(0, size_ - 1);
  return seen;
}

}  // namespace fluxmetrics::commands
