// Which jobs job-list.list shows: its constraint objects (RFC 31's shape, job-list's own operators).
#pragma once

#include <cstdint>
#include <functional>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "simulate/job.hpp"

namespace fluxmetrics::simulate {

using JobFilter = std::function<bool(const Job&)>;

// An empty object lets every job pass. Errors: EPROTO with job-list's text.
[[nodiscard]] Result<JobFilter> read_filter(const boost::json::value& constraint);

// The states that a job may have which `constraint` lets pass; all when it does not say.
[[nodiscard]] std::uint32_t possible_states(const boost::json::value& constraint);

// The earliest t_sched that a job may have which `constraint` lets pass; 0 when it does not say.
[[nodiscard]] Time earliest_sched(const boost::json::value& constraint);

}  // namespace fluxmetrics::simulate
