#include "autoscale/drain.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/rest.hpp"
#include "flux/replies.hpp"
#include "flux/resource_set.hpp"
#include "instance/queries.hpp"
#include "instance/scheduler_findings.hpp"
#include "instance/state.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::autoscale {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

constexpr Seconds grants_arrive_within{0.05};

// A broker that lives answers in milliseconds. One that does not is asked again in the next round.
constexpr auto answer_deadline = std::chrono::seconds(1);

static_assert(drain_reason.starts_with(instance::own_drain_prefix), "the collector knows our drains by it");

std::string drain_request(const flux::IdSet& ranks, const std::string& reason) {
  return json::serialize(
      json::object{{"targets", ranks.to_string()}, {"reason", reason}, {"mode", "update"}});
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

// Requests to brokers that are under way at the same time.
struct RankCalls {
  RankCalls(const asio::any_io_executor& executor, std::size_t count)
      : open(count), all_here(executor, MonoTime::max()) {}
  flux::IdSet answered;
  std::size_t open;
  asio::steady_timer all_here;  // cancelled by the last answer
};

struct RankAnswered {
  std::shared_ptr<RankCalls> calls;
  void operator()(const std::exception_ptr& /*fault*/) const {
    if (--calls->open == 0) calls->all_here.cancel();
  }
};

asio::awaitable<void> call_rank(std::shared_ptr<flux::Client> client, std::shared_ptr<RankCalls> calls,
                                flux::IdSet::Id rank) {
  std::string request = R"({"name":"rank"})";
  const flux::RpcOptions options{.deadline = answer_deadline, .nodeid = rank};
  const auto answer = co_await client->rpc("attr.get", std::move(request), options);
  if (answer) calls->answered.insert(rank);
}

}  // namespace

Result<void> may_act(const instance::InstanceState& state) {
  if (!state.owner) {
    return fail(
        Code::denied,
        "draining nodes needs the owner of the Flux instance, and this program is a guest there: run it "
        "as the user who runs the broker, or as root with access.allow-root-owner = true in Flux's "
        "configuration");
  }
  if (state.level > 0) {
    return fail(Code::unsupported,
                "this Flux instance runs inside a job of another one (instance-level {}): its ranks are no "
                "pods, and draining them gives nothing back; drain in the top instance",
                state.level);
  }
  return {};
}

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
  seen.others = (drains.drained() - seen.ours) | status->exclude;
  seen.busy = sizing::busy_ranks(*allocated) - status->offline;
  co_return seen;
}

asio::awaitable<Result<sizing::ResizeObservation>> look_behind_scheduler(
    std::shared_ptr<flux::Client> client) {
  instance::Queries questions(client);
  const auto used = co_await questions.ranks_in_schedule();
  if (!used) co_return std::unexpected(used.error());
  // What it granted before it answered is on its way to the job manager.
  co_await rest_for(grants_arrive_within);
  auto seen = co_await look_at_ranks(client);
  if (seen && *used) seen->ours = seen->ours - **used;
  co_return seen;
}

asio::awaitable<Result<void>> scheduler_bears_drains(std::shared_ptr<flux::Client> client) {
  instance::Queries questions(client);
  const auto scheduler = co_await questions.scheduler();
  if (!scheduler) co_return std::unexpected(scheduler.error());
  co_return may_drain(*scheduler);
}

asio::awaitable<Result<void>> send_drain(std::shared_ptr<flux::Client> client, flux::IdSet ranks,
                                         std::string reason) {
  const auto acknowledged = co_await client->rpc("resource.drain", drain_request(ranks, reason));
  if (!acknowledged) co_return std::unexpected(acknowledged.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> drain(std::shared_ptr<flux::Client> client, flux::IdSet ranks,
                                    std::string reason) {
  const auto allowed = co_await scheduler_bears_drains(client);
  if (!allowed) co_return allowed;
  co_return co_await send_drain(client, std::move(ranks), std::move(reason));
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

asio::awaitable<flux::IdSet> ranks_that_answer(std::shared_ptr<flux::Client> client, flux::IdSet ranks) {
  if (ranks.empty()) co_return flux::IdSet{};
  const auto executor = co_await asio::this_coro::executor;
  const auto calls = std::make_shared<RankCalls>(executor, ranks.size());
  for (const auto rank : ranks)
    asio::co_spawn(executor, call_rank(client, calls, rank), RankAnswered{calls});
  while (calls->open > 0)
    co_await calls->all_here.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return calls->answered;
}

}  // namespace fluxmetrics::autoscale
