#include "autoscale/busy_ranks.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/json.hpp>

#include "flux/fields.hpp"
#include "instance/queries.hpp"

namespace fluxmetrics::autoscale {
namespace {

namespace json = boost::json;

json::object running() {
  return {{"states", json::array{flux::states_running}}};
}

json::object running_on(const flux::IdSet& ranks) {
  const json::object there{{"ranks", json::array{ranks.to_string()}}};
  return {{"and", json::array{running(), there}}};
}

std::string list_request(json::object constraint) {
  return json::serialize(json::object{
      {"max_entries", 0}, {"attrs", json::array{"ranks"}}, {"constraint", std::move(constraint)}});
}

// Brokers before 0.64 cannot choose by rank: they are asked for all that run.
boost::asio::awaitable<Result<json::value>> list_jobs_on(std::shared_ptr<flux::Client> client,
                                                         flux::IdSet ranks) {
  instance::Queries queries(client);
  auto request = list_request(running_on(ranks));
  auto list = co_await queries.list_as_json(std::move(request));
  if (list || list.error().code != Code::invalid) co_return list;
  request = list_request(running());
  list = co_await queries.list_as_json(std::move(request));
  co_return list;
}

Result<void> add_jobs(const json::value& reply, const flux::IdSet& busy, std::vector<BusyRank>& ranks) {
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
  const auto list = co_await list_jobs_on(client, busy);
  if (!list) co_return std::unexpected(list.error());
  if (const auto added = add_jobs(*list, busy, ranks); !added) co_return std::unexpected(added.error());
  for (auto& rank : ranks)
    std::ranges::sort(rank.jobs);
  co_return ranks;
}

std::vector<flux::JobId> jobs_in(const std::vector<BusyRank>& ranks) {
  std::vector<flux::JobId> jobs;
  for (const auto& rank : ranks)
    jobs.insert(jobs.end(), rank.jobs.begin(), rank.jobs.end());
  std::ranges::sort(jobs);
  const auto doubles = std::ranges::unique(jobs);
  jobs.erase(doubles.begin(), doubles.end());
  return jobs;
}

}  // namespace fluxmetrics::autoscale
