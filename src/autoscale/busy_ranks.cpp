#include "autoscale/busy_ranks.hpp"

#include <algorithm>
#include <string>

#include <boost/json.hpp>

#include "flux/fields.hpp"
#include "instance/queries.hpp"

namespace fluxmetrics::autoscale {
namespace {

// Also of ranks that are not asked for: brokers before 0.64 cannot choose by rank.
std::string running_jobs_request() {
  namespace json = boost::json;
  return json::serialize(json::object{{"max_entries", 0},
                                      {"attrs", json::array{"ranks"}},
                                      {"constraint", {{"states", json::array{flux::states_running}}}}});
}

Result<void> add_jobs(const boost::json::value& reply, const flux::IdSet& busy,
                      std::vector<BusyRank>& ranks) {
  flux::Fields in(reply, "job-list.list");
  in.require("jobs");
  const auto* jobs = in.array("jobs");
  if (!in.ok()) return in.error();
  for (const auto& value : *jobs) {
    flux::Fields job(value, "job-list.list: a running job");
    const flux::JobId id = job.integer("id").value_or(0);
    const auto held = job.idset("ranks") & busy;
    if (!job.ok()) return job.error();
    for (const auto rank : held)
      std::ranges::lower_bound(ranks, rank, {}, &BusyRank::rank)->jobs.push_back(id);
  }
  return {};
}

}  // namespace

boost::asio::awaitable<Result<std::vector<BusyRank>>> jobs_of(std::shared_ptr<flux::Client> client,
                                                              flux::IdSet busy) {
  std::vector<BusyRank> ranks;
  if (busy.empty()) co_return ranks;
  for (const auto rank : busy)
    ranks.push_back({.rank = rank, .jobs = {}});
  instance::Queries queries(client);
  const auto list = co_await queries.list_as_json(running_jobs_request());
  if (!list) co_return std::unexpected(list.error());
  if (const auto added = add_jobs(*list, busy, ranks); !added) co_return std::unexpected(added.error());
  for (auto& rank : ranks)
    std::ranges::sort(rank.jobs);
  co_return ranks;
}

}  // namespace fluxmetrics::autoscale
