#include "autoscale/drainer.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "autoscale/drain.hpp"
#include "base/log.hpp"
#include "base/pauses.hpp"
#include "instance/broker_contact.hpp"
#include "instance/rpc_times.hpp"

namespace fluxmetrics::autoscale {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr auto between_rounds = 50ms;  // at least
constexpr auto waiting_round = 1s;     // while something waits, or longer after a long one
constexpr int rests_after_round = 10;  // so many times as long
constexpr auto quiet_round = 15s;      // while nothing does
constexpr auto watchful_round = 5s;    // ... and a cluster may change the size by itself

// What is worth a round while nothing waits: other needs, or other nodes.
bool same_nodes(const metrics::Needed& a, const metrics::Needed& b) {
  if (a.need != b.need || a.known != b.known || !a.state != !b.state) return false;
  return !a.state || a.state == b.state ||
         (a.state->drains == b.state->drains && a.state->online == b.state->online &&
          a.state->started == b.state->started);
}

asio::awaitable<Result<void>> check_contact(instance::BrokerContact& contact, bool follow_to_top) {
  instance::InstanceState state;
  auto ready = co_await contact.open(follow_to_top, state);
  if (!ready) co_return Result<void>{};
  if (auto allowed = may_act(state); !allowed) co_return allowed;
  const auto scheduler = co_await contact.queries().scheduler();
  co_return scheduler ? may_drain(*scheduler) : Result<void>{};
}

}  // namespace

Result<void> check_drainer(const DrainerOptions& options) {
  for (const auto& path : options.socket_paths) {
    asio::io_context io{1};
    instance::RpcTimes times;
    instance::BrokerContact contact(path, options.clock, times);
    Result<void> checked;
    asio::co_spawn(io, check_contact(contact, options.follow_to_top),
                   [&](const std::exception_ptr& fault, Result<void> result) {
                     if (!fault) checked = std::move(result);
                     contact.close("checked");
                   });
    io.run();
    if (!checked) return checked;
  }
  return {};
}

struct Drainer::Impl {
  DrainerOptions options;
  metrics::Store& store;
  asio::io_context io{1};
  Rounds rounds;
  instance::RpcTimes times;
  std::thread thread;
  std::atomic<bool> ending{false};

  std::mutex mutex;
  metrics::Needed needed;  // the last one; without a state before the first
  bool in_touch = false;

  // Of the drainer's thread.
  asio::steady_timer timer{io};
  bool woken = false;
  metrics::Needed acted_on;  // in the last round
  MonoTime::duration round_took{};

  Impl(DrainerOptions options_, metrics::Store& store_, metrics::Publisher& publisher)
      : options(std::move(options_)),
        store(store_),
        rounds(options.policy, options.cluster, store_, publisher, options.clock) {}

  void wake() {
    asio::post(io, [this] {
      woken = true;
      timer.cancel();
    });
  }

  std::pair<metrics::Needed, bool> latest() {
    const std::scoped_lock lock(mutex);
    return {needed, in_touch};
  }

  asio::awaitable<void> rest(MonoTime::duration time) {
    timer.expires_after(time);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  // Whether there is a reason for a round before its time.
  bool due() {
    const auto [now_needed, touch] = latest();
    if (!same_nodes(now_needed, acted_on) || rounds.pods_leave()) return true;
    if (rounds.settled()) return !touch;
    return store.told(options.clock().mono).handed_out != rounds.handed_out();
  }

  asio::awaitable<void> await_next_round() {
    const auto began = options.clock().mono;
    const auto quiet = options.cluster.look ? watchful_round : quiet_round;
    // What is asked costs the broker more the more ranks and jobs there are.
    const auto waiting = std::clamp<MonoTime::duration>(round_took * rests_after_round, waiting_round, quiet);
    const auto end = began + (rounds.settled() ? quiet : waiting);
    for (auto now = began; !ending && now < began + between_rounds; now = options.clock().mono)
      co_await rest(began + between_rounds - now);
    while (!ending && options.clock().mono < end && !due()) {
      // While something waits, a value may be handed out that it waits for: a look at that costs nothing.
      if (!woken) co_await rest(rounds.settled() ? end - options.clock().mono : between_rounds);
      woken = false;
    }
  }

  asio::awaitable<Error> follow(instance::BrokerContact& contact) {
    instance::InstanceState state;
    auto ready = co_await contact.open(options.follow_to_top, state);
    if (ready) ready = may_act(state);
    if (!ready) co_return ready.error();
    rounds.on_trouble(std::nullopt);
    while (!ending) {
      auto [now_needed, touch] = latest();
      if (now_needed.state) {
        acted_on = now_needed;
        const auto began = options.clock().mono;
        ready = co_await rounds.make(contact.polls(), std::move(now_needed), touch);
        round_took = options.clock().mono - began;
        if (!ready) co_return ready.error();
      }
      co_await await_next_round();
    }
    if (latest().first.state) ready = co_await rounds.let_go(contact.polls());
    co_return ready ? Error{} : ready.error();
  }

  asio::awaitable<Error> contact_at(const std::string& path) {
    instance::BrokerContact contact(path, options.clock, times);
    Error why{.code = Code::internal, .message = "internal error"};
    try {
      why = co_await follow(contact);
    } catch (const std::exception& fault) {
      why.message = fmt::format("draining failed: internal error: {}", fault.what());
    }
    contact.close("the contact ended");
    co_return why;
  }

  asio::awaitable<void> run() {
    Pauses pauses({.first = Seconds(0.1), .longest = Seconds(2), .growth = 2, .jitter = 0});
    while (!ending) {
      std::optional<Error> why;
      for (const auto& path : options.socket_paths) {
        const auto began = options.clock().mono;
        auto error = co_await contact_at(path);
        if (ending) co_return;
        if (!why || error.code != Code::unavailable) why = std::move(error);
        if (options.clock().mono - began < waiting_round) continue;
        pauses.start_again();
        break;
      }
      if (why) rounds.on_trouble(why);
      const auto pause = pauses.next();
      co_await rest(std::chrono::duration_cast<MonoTime::duration>(pause));
    }
  }
};

Drainer::Drainer(DrainerOptions options, metrics::Store& store, metrics::Publisher& publisher)
    : impl_(std::make_unique<Impl>(std::move(options), store, publisher)) {}

Drainer::~Drainer() {
  stop();
}

void Drainer::start() {
  if (!impl_->options.cluster.look) {
    log::info(
        "draining by what Flux alone tells: without the cluster's word a second broker of a rank, and a pod "
        "that is being deleted, are not seen");
  }
  asio::co_spawn(impl_->io, impl_->run(), asio::detached);
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

void Drainer::on_needed(const metrics::Needed& needed) {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->needed = needed;
    impl_->in_touch = true;
  }
  impl_->wake();
}

void Drainer::on_silence() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->in_touch = false;
  }
  impl_->wake();
}

void Drainer::on_pods() {
  impl_->wake();
}

void Drainer::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->ending = true;
  impl_->wake();
  impl_->thread.join();
}

}  // namespace fluxmetrics::autoscale
