// What runs on ranks, by name: whoever waits for a drained rank wants to know for whom.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/idset.hpp"
#include "flux/job.hpp"

namespace fluxmetrics::autoscale {

struct BusyRank {
  flux::IdSet::Id rank = 0;
  std::vector<flux::JobId>
      jobs;  // by id; empty while housekeeping runs, or before job-list has heard of them
};

// Each of `busy`, which look_at_ranks() found, with its jobs in RUN and CLEANUP. One request, or two to a
// Flux before 0.64. Errors: those of the request.
[[nodiscard]] boost::asio::awaitable<Result<std::vector<BusyRank>>> jobs_of(
    std::shared_ptr<flux::Client> client, flux::IdSet busy);

// All jobs of `ranks`, each once, by id.
[[nodiscard]] std::vector<flux::JobId> jobs_in(const std::vector<BusyRank>& ranks);

}  // namespace fluxmetrics::autoscale
