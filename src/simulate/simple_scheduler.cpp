#include "simulate/simple_scheduler.hpp"

#include <cerrno>
#include <utility>

#include "simulate/resources.hpp"

namespace fluxmetrics::simulate {

namespace json = boost::json;

void SimpleScheduler::schedule(AllocRequests& requests, Time now) {
  for (Job* job = requests.next(nullptr); job != nullptr; job = requests.next(job)) {
    const flux::Shape& shape = job->terms.request.shape;
    // What was admitted at submission may have been removed since.
    const flux::IdSet admitted = job->admitted & resources_.schedulable();
    if (auto placement = resources_.pool().place(shape, resources_.up(), admitted)) {
      requests.succeed(*job, grant(*job, std::move(*placement), now));
      continue;
    }
    auto note = resources_.pool().unsatisfiable(shape, admitted);
    if (!note) return;
    requests.deny(*job, std::move(*note));
  }
}

Grant SimpleScheduler::grant(const Job& job, Placement placement, Time since) const {
  flux::ResourceSet R = make_resource_set(placement.slices, resources_.hosts(), resources_.properties());
  R.starttime = since;
  R.expiration = job.terms.request.duration > 0 ? R.starttime + job.terms.request.duration : 0.0;
  R.nslots = placement.slots;
  json::object annotations{{"sched", json::object{{"resource_summary", summary(R)}}}};
  return {.placement = std::move(placement), .R = std::move(R), .annotations = std::move(annotations)};
}

Result<void> SimpleScheduler::feasible(const flux::Shape& shape, const flux::IdSet& admitted) const {
  if (auto note = resources_.pool().unsatisfiable(shape, admitted))
    return std::unexpected(Error{Code::invalid, std::move(*note), EOVERFLOW});
  return {};
}

}  // namespace fluxmetrics::simulate
