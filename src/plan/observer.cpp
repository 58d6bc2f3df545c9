#include "plan/observer.hpp"

#include <algorithm>
#include <cmath>

#include "kube/quantity.hpp"

namespace fluxmetrics::plan {
namespace {

constexpr double cpu_of_a_core = 0.95;              // what a busy core shows
constexpr std::int64_t sample_window_ms = 15'000;   // metrics-server's --metric-resolution
constexpr std::int64_t long_before_ms = 3'600'000;  // the pods of the first sync have settled
constexpr const char* container = "flux";
constexpr const char* cpu = "cpu";

std::int64_t to_ms(double seconds) {
  return std::llround(seconds * 1000);
}

// As the server writes a number and the controller reads it; nullopt: it is none.
std::optional<std::int64_t> as_read(double value) {
  const auto quantity = kube::format_quantity(value);
  if (!quantity) return std::nullopt;
  const auto milli = kube::parse_milli(*quantity);
  return milli ? std::optional(*milli) : std::nullopt;
}

// The pod of the rank that stays.
bool is_ready(const PlanMoment& moment, std::uint32_t rank) {
  return moment.ranks.up(rank) && !moment.leaving.contains(rank);
}

}  // namespace

PlanObserver::PlanObserver(const PlanStrategy& strategy) : strategy_(strategy) {
  if (!strategy.hpa) return;
  for (const auto& metric : strategy.hpa->metrics) {
    looks_at_cpu_ = looks_at_cpu_ || metric.source == hpa::MetricSource::resource;
    looks_at_pods_ = looks_at_pods_ || metric.source == hpa::MetricSource::pods;
  }
  looks_at_pods_ = looks_at_pods_ || looks_at_cpu_;
}

hpa::HpaObservation PlanObserver::look(PlanFacts& facts, std::uint32_t size) {
  const auto& moment = facts.moment();
  hpa::HpaObservation seen{.spec_replicas = static_cast<std::int32_t>(size),
                           .status_replicas = static_cast<std::int32_t>(size),
                           .selector = "hpa-selector=plan",
                           .pods_listed = size + static_cast<std::int64_t>(moment.leaving.size()),
                           .pods_ready = moment.ranks.up_count()};
  if (looks_at_pods_) list_pods(seen, moment, size);
  if (looks_at_cpu_) sample_cpu(seen, moment, size);
  for (std::size_t i = 0; i < strategy_.hpa->metrics.size(); ++i)
    add_value(seen, i, facts);
  return seen;
}

// A metric without a value fails, as it does when the server answers an error.
void PlanObserver::add_value(hpa::HpaObservation& seen, std::size_t index, PlanFacts& facts) const {
  const auto& metric = strategy_.hpa->metrics[index];
  const auto& known = strategy_.metrics[index];
  if (known.of_pods != nullptr) {
    auto& samples = seen.pod_metrics[metric.name];
    for (std::uint32_t rank = 0; rank < seen.pods->size(); ++rank) {
      if (facts.moment().leaving.contains(rank)) continue;
      if (const auto value = known.of_pods(facts.moment().ranks, rank))
        samples[names_[rank]] = as_read(*value);
    }
  } else if (known.of_instance) {
    const auto value = known.of_instance->value(facts);
    const auto milli = value ? as_read(*value) : std::nullopt;
    if (!milli) return;
    if (metric.source == hpa::MetricSource::object) hpa::set_object_value(seen, metric, *milli);
    if (metric.source == hpa::MetricSource::external) seen.external[metric.name] = {*milli};
  }
}

// A pod whose node has not come yet is pending. The controller ignores pods that are being deleted.
void PlanObserver::list_pods(hpa::HpaObservation& seen, const PlanMoment& moment, std::uint32_t size) {
  const bool first = names_.empty();
  const auto now_ms = to_ms(moment.now);
  ready_since_.resize(moment.ranks.count());
  for (auto rank = static_cast<std::uint32_t>(names_.size()); rank < moment.ranks.count(); ++rank)
    names_.push_back(fmt::format("flux-sample-{}", rank));
  for (std::uint32_t rank = 0; rank < moment.ranks.count(); ++rank) {
    auto& since = ready_since_[rank];
    if (!is_ready(moment, rank)) {
      since.reset();
    } else if (!since) {
      since = first ? now_ms - long_before_ms : now_ms;
    }
  }
  auto& pods = seen.pods.emplace();
  pods.reserve(size);
  for (std::uint32_t rank = 0; rank < size; ++rank) {
    auto& pod = pods.emplace_back();
    pod.name = names_[rank];
    if (const auto since = ready_since_[rank]) {
      pod.ready_since_ms = *since;
      pod.start_ms = since;
    } else {
      pod.phase = "Pending";
      pod.ready = hpa::PodReady::no;
      pod.start_ms = std::nullopt;
    }
    if (looks_at_cpu_) pod.requests = {{container, {{cpu, moment.ranks.cores() * std::int64_t{1000}}}}};
  }
}

// The metrics of pods are some 15 to 30 s old: those of the sync before.
void PlanObserver::sample_cpu(hpa::HpaObservation& seen, const PlanMoment& moment, std::uint32_t size) {
  seen.resource = std::move(usage_);
  seen.resource_time_ms = usage_ms_;
  seen.resource_window_ms = sample_window_ms;
  usage_.emplace();
  usage_ms_ = to_ms(moment.now);
  for (std::uint32_t rank = 0; rank < size; ++rank) {
    if (!is_ready(moment, rank)) continue;
    (*usage_)[names_[rank]][container][cpu] = std::llround(moment.ranks.used(rank) * cpu_of_a_core * 1000);
  }
}

}  // namespace fluxmetrics::plan
