#include "agent/commander.hpp"

#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/refusal.hpp"
#include "autoscale/drain.hpp"
#include "base/text.hpp"
#include "instance/broker_contact.hpp"
#include "instance/queries.hpp"
#include "instance/rpc_times.hpp"
#include "instance/state.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::agent {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_commands_waiting = 16;

std::unexpected<kube::Status> refused(int code, std::string message) {
  return std::unexpected(refusal(code, std::move(message)));
}

// Why `ranks` are not ours to drain or undrain: who has drained them, with their reason.
std::optional<std::string> held_by_others(const flux::IdSet& ranks, const flux::ResourceStatus& status) {
  for (const auto& drain : status.drains) {
    const auto held = drain.ranks & ranks;
    if (held.empty() || drain.reason.starts_with(instance::own_drain_prefix)) continue;
    return fmt::format(
        "ranks {} are drained by somebody else ({}): their drain is left alone; leave them out",
        held.to_string(), drain.reason.empty() ? "without a reason" : "'" + printable(drain.reason) + "'");
  }
  if (const auto excluded = status.exclude & ranks; !excluded.empty())
    return fmt::format("ranks {} are excluded by Flux's configuration: leave them out", excluded.to_string());
  return std::nullopt;
}

// Flux was told, but did not say that it is done.
kube::Status perhaps_done(const Command& command, const Error& why) {
  auto status = refusal(why);
  if (why.code != Code::unavailable && why.code != Code::timed_out) return status;
  status.message = fmt::format("{} of ranks {} may have taken effect, Flux did not say: {}; send it again",
                               to_string(command.kind), command.ranks.to_string(), why.message);
  return status;
}

// The command's effect when it cannot be told what runs.
kube::Status half_told(const Command& command, const Error& why) {
  auto status = refusal(why);
  if (status.code != 504) status = refusal(503, why.message);
  status.message =
      fmt::format("{} of ranks {} was acknowledged, but not what runs there now: {}; send it again",
                  to_string(command.kind), command.ranks.to_string(), why.message);
  return status;
}

}  // namespace

// Of the one command that is being obeyed.
struct Commander::Turn {
  Turn(Commander& owner, std::shared_ptr<asio::steady_timer> freed_)
      : commander(owner), freed(std::move(freed_)) {
    commander.busy_ = true;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    commander.busy_ = false;
    freed->cancel();
  }
  Commander& commander;
  std::shared_ptr<asio::steady_timer> freed;
};

asio::awaitable<Outcome> Commander::obey(Command command) {
  if (waiting_ >= most_commands_waiting)
    co_return refused(429, fmt::format("{} commands wait for their turn: try again", waiting_));
  const auto executor = co_await asio::this_coro::executor;
  auto freed = freed_.lock();
  if (!freed) {
    freed = std::make_shared<asio::steady_timer>(executor, MonoTime::max());
    freed_ = freed;
  }
  ++waiting_;
  while (busy_)
    co_await freed->async_wait(asio::as_tuple(asio::use_awaitable));
  --waiting_;
  const Turn turn(*this, std::move(freed));
  co_return co_await obey_now(std::move(command));
}

asio::awaitable<Outcome> Commander::obey_now(Command command) {
  std::string reasons;
  for (const auto& path : broker_.socket_paths) {
    instance::RpcTimes times;
    instance::BrokerContact contact(path, clock_, times);
    instance::InstanceState state;
    const auto open = co_await contact.open(broker_.follow_to_top, state);
    if (!open) {
      reasons += (reasons.empty() ? "" : "; ") + open.error().message;
      continue;
    }
    if (const auto allowed = autoscale::may_act(state); !allowed)
      co_return std::unexpected(refusal(allowed.error()));
    auto outcome = co_await obey_at(contact.streams().shared_from_this(), std::move(command));
    contact.close("the command is obeyed");
    co_return outcome;
  }
  co_return refused(503, "Flux cannot be asked: " + reasons);
}

Result<void> Commander::check(const Command& command, const flux::ResourceStatus& status) {
  memory_.recall(status.drains);
  if (const auto checked = memory_.check(command.lease); !checked) return checked;
  if (const auto timely = check_deadline(command); !timely) return timely;
  if (command.ranks.contains(0))
    return fail(Code::invalid, "ranks: rank 0 leads the instance and is never drained; leave it out");
  const auto size = sizing::end_of(status.resources.ranks());
  const auto beyond = command.ranks.last().value_or(0);
  if (beyond >= size) {
    return fail(Code::invalid,
                "ranks: rank {} does not exist, the last one is {}; name ranks of this instance", beyond,
                size - 1);
  }
  if (auto held = held_by_others(command.ranks, status)) return fail(Code::conflict, "ranks: {}", *held);
  return {};
}

Result<void> Commander::check_deadline(const Command& command) const {
  const auto now = clock_().wall;
  if (now <= command.deadline) return {};
  return fail(Code::conflict, "deadline: {} has passed, it is {}: decide again, or set the clocks",
              format_rfc3339(command.deadline), format_rfc3339(now));
}

asio::awaitable<Outcome> Commander::obey_at(std::shared_ptr<flux::Client> client, Command command) {
  instance::Queries queries(client);
  const auto status = co_await queries.resource_status();
  if (!status) co_return std::unexpected(refusal(status.error()));
  if (const auto checked = check(command, *status); !checked) {
    if (checked.error().code == Code::invalid) co_return refused(422, checked.error().message);
    co_return std::unexpected(refusal(checked.error()));
  }
  const bool drains = command.kind == Command::Kind::drain;
  if (drains) {
    const auto bears = co_await autoscale::scheduler_bears_drains(client);
    if (!bears) co_return std::unexpected(refusal(bears.error()));
  }
  if (const auto timely = check_deadline(command); !timely)
    co_return std::unexpected(refusal(timely.error()));
  memory_.obeyed(command.lease);  // also when nobody ever hears that it was
  auto doing = drains ? autoscale::send_drain(client, command.ranks, reason_of(command))
                      : autoscale::undrain_ours(client, command.ranks);
  const auto done = co_await std::move(doing);
  if (!done) co_return std::unexpected(perhaps_done(command, done.error()));
  auto looking = drains ? autoscale::look_behind_scheduler(client) : autoscale::look_at_ranks(client);
  const auto seen = co_await std::move(looking);
  if (!seen) co_return std::unexpected(half_told(command, seen.error()));
  auto busy = co_await autoscale::jobs_of(client, seen->busy & seen->ours);
  if (!busy) co_return std::unexpected(half_told(command, busy.error()));
  co_return Effect{.drained = seen->ours, .busy = *std::move(busy)};
}

}  // namespace fluxmetrics::agent
