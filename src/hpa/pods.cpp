#include "hpa/pods.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "hpa/numbers.hpp"

namespace fluxmetrics::hpa {
namespace {

using Names = std::set<std::string>;

struct Groups {
  std::size_t counted = 0;
  Names missing;
  Names unready;
  Names ignored;
};

// CPU of a pod that has not settled says little: its sample is not used.
bool unsettled(const HpaPod& pod, const PodQuestion& q) {
  if (pod.ready == PodReady::absent || !pod.start_ms) return true;
  if (*pod.start_ms + q.flags.cpu_initialization_ms > q.now_ms) {
    return pod.ready == PodReady::no || q.sample_time_ms < pod.ready_since_ms + q.sample_window_ms;
  }
  return pod.ready == PodReady::no && *pod.start_ms + q.flags.readiness_delay_ms > pod.ready_since_ms;
}

Groups group(const PodQuestion& q) {
  Groups groups;
  for (const auto& pod : q.pods) {
    if (pod.deleting || pod.phase == "Failed") {
      groups.ignored.insert(pod.name);
    } else if (pod.phase == "Pending") {
      groups.unready.insert(pod.name);
    } else if (!q.samples.contains(pod.name)) {
      groups.missing.insert(pod.name);
    } else if (q.target.resource == "cpu" && unsettled(pod, q)) {
      groups.unready.insert(pod.name);
    } else {
      ++groups.counted;
    }
  }
  return groups;
}

// Only some resources can be requested at the level of the pod; others that are written there do not count.
bool counts_for_pods(const std::string& resource) {
  return resource == "cpu" || resource == "memory" || resource.starts_with("hugepages-");
}

bool has_pod_level_requests(const HpaPod& pod) {
  return std::ranges::any_of(pod.pod_requests,
                             [](const auto& entry) { return counts_for_pods(entry.first); });
}

// With a request at the level of the pod, that one counts; other resources are the sum over its containers.
Result<std::int64_t> pod_level_request(const HpaPod& pod, const std::string& resource) {
  const auto own = pod.pod_requests.find(resource);
  if (own != pod.pod_requests.end() && counts_for_pods(resource)) return own->second;
  std::optional<std::int64_t> sum;
  for (const auto& [container, requests] : pod.requests) {
    if (const auto found = requests.find(resource); found != requests.end()) {
      sum = wrap_add(sum.value_or(0), found->second);
    }
  }
  if (!sum) return fail(Code::unavailable, "missing pod-level request for {} in Pod {}", resource, pod.name);
  return *sum;
}

// Before 1.35 a container that the pod has not got requests nothing.
Result<std::int64_t> container_requests(const HpaPod& pod, const PodTarget& target,
                                        const HpaPlatform& platform) {
  std::int64_t sum = 0;
  for (const auto& [container, requests] : pod.requests) {
    if (!target.container.empty() && target.container != container) continue;
    const auto found = requests.find(target.resource);
    if (found == requests.end()) {
      return fail(Code::unavailable, "missing request for {} in container {} of Pod {}", target.resource,
                  container, pod.name);
    }
    sum = wrap_add(sum, found->second);
    if (target.container == container) return sum;
  }
  if (!platform.since(35)) return sum;
  if (!target.container.empty())
    return fail(Code::unavailable, "container {} not found in Pod {}", target.container, pod.name);
  if (pod.requests.empty())
    return fail(Code::unavailable, "missing request for {} in Pod {}", target.resource, pod.name);
  return sum;
}

// Of every pod that is listed, whatever its state; the same name twice counts once.
Result<Samples> requests_of(const PodQuestion& q) {
  Samples requests;
  for (const auto& pod : q.pods) {
    const bool pod_level = q.platform.since(34) && q.platform.gates.pod_level_resources &&
                           q.target.container.empty() && has_pod_level_requests(pod);
    const auto request =
        pod_level ? pod_level_request(pod, q.target.resource) : container_requests(pod, q.target, q.platform);
    if (!request) return std::unexpected(request.error());
    requests[pod.name] = *request;
  }
  return requests;
}

struct Usage {
  double ratio = 0;
  std::int64_t average = 0;
  std::optional<std::int32_t> utilization = {};
};

Usage plain_usage(const Samples& samples, std::int64_t target) {
  std::int64_t sum = 0;
  for (const auto& [pod, value] : samples)
    sum = wrap_add(sum, value);
  const auto average = wrap_divide(sum, static_cast<std::int64_t>(samples.size()));
  return {.ratio = static_cast<double>(average) / static_cast<double>(target), .average = average};
}

Result<Usage> utilization(const Samples& samples, const Samples& requests, std::int32_t percent) {
  std::int64_t used = 0;
  std::int64_t requested = 0;
  std::int64_t count = 0;
  for (const auto& [pod, value] : samples) {
    const auto request = requests.find(pod);
    if (request == requests.end()) continue;
    used = wrap_add(used, value);
    requested = wrap_add(requested, request->second);
    ++count;
  }
  if (requested == 0) return fail(Code::unavailable, "no metrics returned matched known pods");
  const auto now = wrap_int32(wrap_divide(wrap_multiply(used, 100), requested));
  return Usage{.ratio = static_cast<double>(now) / static_cast<double>(percent),
               .average = wrap_divide(used, count),
               .utilization = now};
}

class Calculation {
 public:
  explicit Calculation(PodQuestion question) : q_(std::move(question)), groups_(group(q_)) {}

  Result<PodAnswer> run() {
    for (const auto* names : {&groups_.ignored, &groups_.unready}) {
      for (const auto& name : *names)
        q_.samples.erase(name);
    }
    if (q_.samples.empty()) {
      return fail(Code::unavailable, "did not receive metrics for targeted pods (pods might be unready)");
    }
    if (q_.target.percent) {
      auto requests = requests_of(q_);
      if (!requests) return std::unexpected(requests.error());
      requests_ = std::move(*requests);
    }
    const auto first = usage();
    if (!first) return std::unexpected(first.error());
    PodAnswer answer{.replicas = q_.current,
                     .average = first->average,
                     .utilization = first->utilization,
                     .ratio = first->ratio,
                     .counted = groups_.counted,
                     .missing = groups_.missing.size(),
                     .unready = groups_.unready.size()};
    const bool unready_matter = !groups_.unready.empty() && first->ratio > 1.0;
    if (groups_.missing.empty() && !unready_matter) {
      if (!q_.tolerances.within(first->ratio)) {
        answer.replicas = to_int32(std::ceil(first->ratio * static_cast<double>(groups_.counted)));
      }
      return answer;
    }
    fill_in(first->ratio, unready_matter);
    return second_look(first->ratio, answer);
  }

 private:
  [[nodiscard]] Result<Usage> usage() const {
    if (q_.target.percent) return utilization(q_.samples, requests_, *q_.target.percent);
    return plain_usage(q_.samples, q_.target.value);
  }

  // On the way down a missing pod is taken to use all that it may, on the way up nothing; one that is not
  // ready uses nothing. Exactly on target it is left out, but before 1.28, of a plain value, taken to use
  // nothing.
  void fill_in(double ratio, bool unready_matter) {
    for (const auto& name : groups_.missing) {
      if (ratio < 1.0) q_.samples[name] = full_use(name);
      if (ratio > 1.0 || (ratio == 1.0 && !q_.target.percent && !q_.platform.since(28))) q_.samples[name] = 0;
    }
    if (!unready_matter) return;
    for (const auto& name : groups_.unready)
      q_.samples[name] = 0;
  }
  [[nodiscard]] std::int64_t full_use(const std::string& name) const {
    if (!q_.target.percent) return q_.target.value;
    const auto request = requests_.find(name);
    const auto whole = request == requests_.end() ? 0 : request->second;
    return wrap_divide(wrap_multiply(whole, std::max(100, *q_.target.percent)), 100);
  }

  // With what was filled in the direction must still be the same.
  Result<PodAnswer> second_look(double first, PodAnswer answer) const {
    const auto second = usage();
    if (!second) return std::unexpected(second.error());
    const double ratio = second->ratio;
    answer.ratio = ratio;
    if (q_.tolerances.within(ratio) || (first < 1.0 && ratio > 1.0) || (first > 1.0 && ratio < 1.0))
      return answer;
    const auto proposal = to_int32(std::ceil(ratio * static_cast<double>(q_.samples.size())));
    if ((ratio < 1.0 && proposal > q_.current) || (ratio > 1.0 && proposal < q_.current)) return answer;
    answer.replicas = proposal;
    return answer;
  }

  PodQuestion q_;
  Groups groups_;
  Samples requests_;
};

}  // namespace

Result<PodAnswer> propose_by_pods(PodQuestion question) {
  if (question.pods.empty()) {
    return fail(Code::unavailable, "no pods returned by selector while calculating replica count");
  }
  return Calculation(std::move(question)).run();
}

}  // namespace fluxmetrics::hpa
