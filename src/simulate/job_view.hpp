// Jobs as job-list shows them: attributes by name, in job-list's order.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "simulate/job.hpp"
#include "simulate/job_filter.hpp"
#include "simulate/jobs.hpp"

namespace fluxmetrics::simulate {

class JobView {
 public:
  // `attrs` are names of attributes, or "all". Errors: EINVAL "x is not a valid attribute".
  [[nodiscard]] static Result<JobView> of(const boost::json::array& attrs);
  // The id and what was asked for, as far as the job has it.
  [[nodiscard]] boost::json::object show(const Job& job) const;

 private:
  std::vector<std::size_t> attrs_;  // indexes into the table of all attributes
};

// Every attribute, "all" last.
[[nodiscard]] boost::json::array all_attributes();

// Sorts: pending (priority, then id), running (latest start first), inactive (latest end first). Jobs that
// are still new are left out, as job-list has not heard of their state, and so are those that do not pass.
// Only jobs that may pass are looked at: in those of job-list's three lists that hold jobs in `states`, and
// with a t_sched not before `earliest_sched`.
[[nodiscard]] std::vector<const Job*> in_list_order(const Jobs& jobs, std::uint32_t states,
                                                    Time earliest_sched, const JobFilter& passes);

}  // namespace fluxmetrics::simulate
