// How a job comes into being: the checks of job-ingest, and the states NEW to SCHED.
#include <algorithm>
#include <cerrno>
#include <cmath>

#include <boost/json/parse.hpp>

#include "flux/constraint.hpp"
#include "simulate/job_request.hpp"
#include "simulate/jobs.hpp"
#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// A queue that requires a property adds that to the jobspec's constraints.
void add_constraint(json::object& jobspec, const std::string& property) {
  json::object& system = jobspec["attributes"].as_object()["system"].as_object();
  json::object required{{"properties", json::array{property}}};
  json::value* present = system.if_contains("constraints");
  if (present == nullptr || !present->is_object() || present->get_object().empty()) {
    system["constraints"] = std::move(required);
    return;
  }
  system["constraints"] = json::object{{"and", json::array{*present, std::move(required)}}};
}

}  // namespace

flux::JobId Jobs::new_id() {
  // RFC 19: 40 bits of milliseconds since the start, a generator's number (0), and 10 bits that count.
  const auto milliseconds = static_cast<flux::JobId>(std::floor((timers_.now() - start_time_) * 1000.0));
  max_id_ = std::max(milliseconds << 24U, max_id_ + 1);
  return max_id_;
}

Result<std::size_t> Jobs::queue_of(const JobTerms& terms) const {
  const std::string& name = terms.request.queue;
  if (queues_.named() && name.empty()) return fail_errno(Code::invalid, EPERM, "no queue specified");
  const auto index = queues_.find(name);
  // Where queues are configured, the ingest's validator knows them and comes first.
  if (!index && queues_.named())
    return fail_errno(Code::invalid, EPERM, "Invalid queue '{}' specified", name);
  if (!index) return std::unexpected(index.error());
  const Queue& queue = queues_.all()[*index];
  if (!queue.status.enable)
    return fail_errno(Code::invalid, EINVAL, "job submission{} is disabled: {}",
                      name.empty() ? "" : " to " + name, queue.status.disable_reason.value_or(""));
  return *index;
}

Result<void> Jobs::prepare(Job& job, const Submission& submission) const {
  const auto unwrapped = unwrap_unsigned(submission.J);
  if (!unwrapped) return fail_errno(Code::invalid, EINVAL, "could not unwrap jobspec: Invalid argument");
  if (unwrapped->userid != submission.userid)
    return fail_errno(Code::denied, EPERM, "signer={} != requestor={}", unwrapped->userid, submission.userid);
  if (submission.urgency < 0 || submission.urgency > 31)
    return fail_errno(Code::invalid, EINVAL, "urgency range is [0:31]");
  boost::system::error_code error;
  json::value jobspec = json::parse(unwrapped->jobspec, error);
  if (error || !jobspec.is_object()) return fail_errno(Code::invalid, EINVAL, "jobspec: not a JSON object");
  auto terms = read_terms(jobspec.get_object());
  if (!terms) return std::unexpected(terms.error());
  const auto queue = queue_of(*terms);
  if (!queue) return std::unexpected(queue.error());

  job.J = std::make_shared<const std::string>(submission.J);
  job.urgency = submission.urgency;
  job.userid = submission.userid;
  job.queue = *queue;
  job.terms = std::move(*terms);
  flux::Constraint constraint = job.terms.request.shape.constraint;
  if (const Queue& admits = queues_.all()[*queue]; admits.ranks) {
    add_constraint(jobspec.get_object(), admits.name);
    constraint =
        flux::Constraint::both(std::move(constraint), flux::Constraint::requires_properties({admits.name}));
  }
  job.jobspec = std::make_shared<const json::object>(std::move(jobspec.get_object()));
  job.constrained = !constraint.admits_all();
  if (!job.constrained) {
    job.admitted = resources_.all().ranks();
    return {};
  }
  const auto hosts = resources_.all().hosts();
  if (!hosts) return std::unexpected(hosts.error());
  job.admitted = constraint.admitted(resources_.all(), *hosts);
  return {};
}

Result<flux::JobId> Jobs::submit(const Submission& submission) {
  Job prepared;
  if (auto ready = prepare(prepared, submission); !ready) return std::unexpected(ready.error());
  prepared.id = new_id();
  Job& job = jobs_.emplace(prepared.id, std::move(prepared)).first->second;
  event(job, "submit", {{"userid", job.userid}, {"urgency", job.urgency}, {"flags", 0}, {"version", 1}});
  job.t_submit = job.eventlog.back().timestamp;
  step_after(job, timing::validate, &Jobs::validate);
  return job.id;
}

void Jobs::validate(Job& job) {
  for (const std::string& dependency : job.terms.dependencies)
    event(job, "dependency-add", {{"description", dependency}});
  event(job, "validate");
  set_state(job, flux::JobState::depend);
  const auto latest = std::ranges::max_element(job.terms.begin_times);
  const double wait = latest == job.terms.begin_times.end() ? 0.0 : *latest - timers_.now();
  step_after(job, std::max(wait, timing::depend), &Jobs::depend);
}

void Jobs::depend(Job& job) {
  while (!job.terms.dependencies.empty()) {
    event(job, "dependency-remove", {{"description", job.terms.dependencies.front()}});
    job.terms.dependencies.erase(job.terms.dependencies.begin());
  }
  event(job, "depend");
  set_state(job, flux::JobState::priority);
  assign_priority(job);
}

}  // namespace fluxmetrics::simulate
