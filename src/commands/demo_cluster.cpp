#include "commands/demo_cluster.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "autoscale/drain.hpp"
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

std::string ranks_text(const flux::IdSet& ranks) {
  return fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", ranks.to_string());
}

}  // namespace

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

void DemoCluster::set_size(std::uint32_t size) {
  size_ = size;
  sizes_.push_back(size);
}

Result<void> DemoCluster::scale(std::uint32_t desired, MonoTime now) {
  desired_ = desired;
  return obey_protocol(now);
}

Result<void> DemoCluster::obey_protocol(MonoTime now) {
  // What depends on an action is decided once its effect is seen: until nothing is left to do.
  for (;;) {
    auto seen = broker_.wait_for(autoscale::look_at_ranks(broker_.client()));
    if (!seen) return std::unexpected(seen.error());
    seen->now = seen->flux_seen = now;
    seen->need = desired_;
    seen->handed_out = sizing::nobody;  // the size is written here, and nowhere else
    seen->cluster = sizing::ClusterSight{.seen = now,
                                         .size = size_,
                                         .parallelism = size_,
                                         .terminating = {},
                                         .joined = flux::IdSet::range(0, pods_ - 1)};
    const auto actions = resize_.step(*seen);
    if (!actions.drain.empty()) {
      const auto leaving = actions.drain & flux::IdSet::range(0, size_ - 1);
      if (!leaving.empty()) tell_(fmt::format("draining {} before giving them back", ranks_text(leaving)));
      const auto drained = broker_.wait_for(autoscale::drain(broker_.client(), actions.drain));
      if (!drained) return drained;
    }
    if (actions.scale) {
      const auto scaled = *actions.scale < size_ ? shrink(*actions.scale) : grow(*actions.scale, now);
      if (!scaled) return scaled;
    }
    if (!actions.undrain.empty()) {
      const auto undrained = broker_.wait_for(autoscale::undrain_ours(broker_.client(), actions.undrain));
      if (!undrained) return undrained;
    }
    if (actions.drain.empty() && !actions.scale && actions.undrain.empty()) return {};
  }
}

Result<void> DemoCluster::shrink(std::uint32_t size) {
  const auto leaving = flux::IdSet::range(size, size_ - 1);
  tell_(fmt::format("{} are drained and empty: size {} -> {}", ranks_text(leaving), size_, size));
  const auto gone =
      broker_.rpc("simulate.offline", json::object{{"ranks", leaving.to_string()}, {"how", "shutdown"}});
  if (!gone) return std::unexpected(gone.error());
  std::erase_if(births_, [&](const Birth& birth) { return birth.rank >= size; });
  pods_ = std::min(pods_, size);
  set_size(size);
  return {};
}

Result<void> DemoCluster::grow(std::uint32_t size, MonoTime now) {
  tell_(fmt::format("size {} -> {}: {} start", size_, size, ranks_text(flux::IdSet::range(size_, size - 1))));
  const auto start = std::chrono::duration_cast<MonoTime::duration>(pod_start_);
  for (auto rank = size_; rank < size; ++rank)
    births_.push_back({rank, now + start});
  set_size(size);
  return {};
}

Result<void> DemoCluster::advance(MonoTime now) {
  flux::IdSet born;
  std::erase_if(births_, [&](const Birth& birth) {
    if (birth.when > now) return false;
    born.insert(birth.rank);
    return true;
  });
  if (born.empty()) return {};
  const auto joined = broker_.rpc("simulate.online", json::object{{"ranks", born.to_string()}});
  if (!joined) return std::unexpected(joined.error());
  pods_ += static_cast<std::uint32_t>(born.size());
  tell_(fmt::format("{} joined", ranks_text(born)));
  return obey_protocol(now);
}

}  // namespace fluxmetrics::commands
