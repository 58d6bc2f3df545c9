#include "autoscale/drain.hpp"

#include <boost/json.hpp>

#include "flux/replies.hpp"
#include "flux/resource_set.hpp"
#include "instance/queries.hpp"
#include "instance/scheduler_findings.hpp"
#include "instance/state.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::autoscale {
namespace json = boost::json;
namespace {

static_assert(drain_reason.starts_with(instance::own_drain_prefix), "the collector knows our drains by it");

std::string drain_request(const flux::IdSet& ranks) {
  return json::serialize(
      json::object{{"targets", ranks.to_string()}, {"reason", drain_reason}, {"mode", "update"}});
}

std::string undrain_request(const flux::IdSet& ranks) {
  return json::serialize(json::object{{"targets", ranks.to_string()}});
}

// What a state says about whose drains these are.
instance::InstanceState with_drains(const flux::ResourceStatus& status) {
  instance::InstanceState state;
  state.drains = status.drains;
  return state;
}

}  // namespace

Result<void> may_drain(const instance::Scheduler& scheduler) {
  if (scheduler.kind != instance::Scheduler::Kind::fluxion || scheduler.denies_wide_jobs() == false)
    return {};
  for (const auto& finding : instance::scheduler_findings(scheduler))
    if (finding.id == instance::denies_wide_jobs_id)
      return fail(Code::unsupported, "nothing is drained: {} {}", finding.fault, finding.how);
  return fail(Code::unsupported,
              "nothing is drained: it is not known whether Fluxion would then deny waiting jobs ({})",
              scheduler.queue_policy.unknown);
}

boost::asio::awaitable<Result<sizing::ResizeObservation>> look_at_ranks(
    std::shared_ptr<flux::Client> client) {
  instance::Queries questions(client);
  const auto status = co_await questions.resource_status();
  if (!status) co_return std::unexpected(status.error());
  const auto allocated = co_await questions.allocated();
  if (!allocated) co_return std::unexpected(allocated.error());
  sizing::ResizeObservation seen;
  seen.ranks = sizing::end_of(status->resources.ranks());
  seen.online = status->online;
  const auto drains = with_drains(*status);
  seen.ours = drains.drained_by_us();
  seen.others = drains.drained() - seen.ours;
  seen.busy = sizing::busy_ranks(*allocated) - status->offline;
  co_return seen;
}

boost::asio::awaitable<Result<void>> drain(std::shared_ptr<flux::Client> client, flux::IdSet ranks) {
  instance::Queries questions(client);
  const auto scheduler = co_await questions.scheduler();
  if (!scheduler) co_return std::unexpected(scheduler.error());
  if (const auto allowed = may_drain(*scheduler); !allowed) co_return std::unexpected(allowed.error());
  const auto acknowledged = co_await client->rpc("resource.drain", drain_request(ranks));
  if (!acknowledged) co_return std::unexpected(acknowledged.error());
  co_return Result<void>{};
}

boost::asio::awaitable<Result<void>> undrain_ours(std::shared_ptr<flux::Client> client, flux::IdSet ranks) {
  instance::Queries queries(client);
  const auto status = co_await queries.resource_status();
  if (!status) co_return std::unexpected(status.error());
  const auto ours = with_drains(*status).drained_by_us() & ranks;
  if (ours.empty()) co_return Result<void>{};
  const auto undrained = co_await client->rpc("resource.undrain", undrain_request(ours));
  if (!undrained) co_return std::unexpected(undrained.error());
  co_return Result<void>{};
}

}  // namespace fluxmetrics::autoscale
