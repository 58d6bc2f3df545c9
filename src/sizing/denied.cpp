#include "sizing/denied.hpp"

#include <algorithm>
#include <chrono>

#include "sizing/need.hpp"

namespace fluxmetrics::sizing {
namespace {

constexpr Seconds lately = std::chrono::minutes(10);

}  // namespace

Denied denied_lately(const instance::InstanceState& state, const SizePolicy& policy, const Runs& ranks,
                     Admission& admission, WallTime now) {
  Denied denied;
  const bool counts = policy.count_denied > Seconds(0);
  const double since = to_unix(now) - (counts ? policy.count_denied : lately).count();
  for (const auto& job : state.denied) {
    if (job.t_denied <= since) continue;
    Runs open = ranks;
    open_only(open, admission.usable(admission.of(job.queue, job.shape)));
    // What is busy was no reason: jobs wait for that.
    const auto fit = lowest_fit(open, need_of(state.shapes[job.shape], state.scheduler.whole_nodes()), true);
    if (!fit) continue;
    ++denied.jobs;
    if (counts) denied.ranks = std::max(denied.ranks, static_cast<std::uint32_t>(fit->end));
  }
  return denied;
}

}  // namespace fluxmetrics::sizing
