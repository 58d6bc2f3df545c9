#include "plan/workload.hpp"

#include <algorithm>
#include <set>

namespace fluxmetrics::plan {
namespace {

constexpr double latest = 1e8;  // seconds, three years

std::uint32_t divide_up(std::uint32_t number, std::uint32_t by) {
  return by == 0 ? 0 : (number / by) + (number % by == 0 ? 0 : 1);
}

PlanJob plan_job(const simulate::TraceJob& job) {
  const auto& request = job.request;
  PlanJob plan{.submit = job.t, .duration = request.duration, .cores = request.cores};
  plan.nodes = request.nodes.value_or(0);
  plan.whole = request.exclusive || (request.nodes && !request.slots);
  const auto slots = request.slots.value_or(std::max(plan.nodes, 1U));
  plan.slots = plan.nodes == 0 ? slots : divide_up(slots, plan.nodes);
  return plan;
}

}  // namespace

std::uint32_t nodes_of(const PlanJob& job, std::uint32_t cores) {
  return job.nodes > 0 ? job.nodes : divide_up(job.slots, cores / job.cores);
}

double weight_of(const PlanJob& job, std::uint32_t cores) {
  if (job.whole) return job.nodes;
  const double slots = static_cast<double>(job.slots) * std::max(job.nodes, 1U);
  const std::uint32_t slots_of_a_node = cores / job.cores;
  return slots / slots_of_a_node;
}

double work_of(const PlanJob& job, std::uint32_t cores) {
  const double slots = static_cast<double>(job.slots) * std::max(job.nodes, 1U);
  return job.duration * (job.whole ? static_cast<double>(job.nodes) * cores : slots * job.cores);
}

std::vector<std::string> queues_of(std::span<const simulate::TraceJob> trace) {
  std::set<std::string> names;
  for (const auto& job : trace)
    names.insert(job.request.queue);
  if (names == std::set<std::string>{""}) return {};
  return {names.begin(), names.end()};
}

Result<std::vector<PlanJob>> plan_jobs(std::span<const simulate::TraceJob> trace, std::uint32_t nodes,
                                       std::uint32_t cores) {
  std::vector<PlanJob> jobs;
  jobs.reserve(trace.size());
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const auto job = plan_job(trace[i]);
    if (job.duration <= 0) {
      return fail(Code::invalid,
                  "job {} of the trace (t {:g}) has no duration: a plan needs to know when it ends", i + 1,
                  job.submit);
    }
    if (job.submit > latest || job.duration > latest) {
      return fail(Code::invalid,
                  "job {} of the trace (t {:g}, {:g} s long) lies beyond {:g} s: that is no workload", i + 1,
                  job.submit, job.duration, latest);
    }
    const bool wide = job.cores > cores || nodes_of(job, cores) > nodes ||
                      (job.nodes > 0 && !job.whole && std::uint64_t{job.slots} * job.cores > cores);
    if (wide) {
      return fail(Code::invalid,
                  "job {} of the trace (t {:g}) does not fit {} nodes of {} cores: see --max and --cores",
                  i + 1, job.submit, nodes, cores);
    }
    jobs.push_back(job);
  }
  std::ranges::stable_sort(jobs, {}, &PlanJob::submit);
  return jobs;
}

}  // namespace fluxmetrics::plan
