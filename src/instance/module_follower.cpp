#include "instance/module_follower.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <string>
#include <utility>

#include <boost/asio/use_awaitable.hpp>

#include "instance/state_reader.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

// The module sends no more messages than this ahead of what it knows to be read.
constexpr unsigned window = 64;
// It confirms its state every second.
constexpr auto module_patience = 5000ms;
// Polls wait while a module is looked for that may have been loaded since.
constexpr auto seek_every = 10s;
constexpr auto seek_patience = 1000ms;

std::string stream_request() {
  return fmt::format(R"({{"window":{}}})", window);
}

}  // namespace

asio::awaitable<std::optional<Error>> ModuleFollower::follow(flux::Client& streams, Told told) {
  sought_ = clock_().mono;
  auto stream = co_await streams.stream("flux-metrics.get", stream_request());
  if (!stream) co_return std::nullopt;
  Error why = co_await take_states(std::move(*stream), std::move(told));
  sought_ = clock_().mono;
  co_return std::optional(std::move(why));
}

bool ModuleFollower::worth_seeking() const {
  return clock_().mono - sought_ >= seek_every;
}

asio::awaitable<bool> ModuleFollower::tells(flux::Client& streams) {
  sought_ = clock_().mono;
  const auto stream = co_await streams.stream("flux-metrics.get", stream_request());
  if (!stream) co_return false;
  StateReader reader;
  for (unsigned part = 0; part < window; ++part) {
    const auto text = co_await (*stream)->next(seek_patience);
    if (!text) co_return false;
    const auto state = reader.take(*text);
    if (!state) co_return false;
    if (*state) co_return clock_().wall - reader.stamp().confirmed < module_patience;
  }
  co_return false;
}

asio::awaitable<Error> ModuleFollower::take_states(std::unique_ptr<flux::Stream> stream, Told told) {
  StateReader reader;
  std::shared_ptr<InstanceState> read;
  std::shared_ptr<const InstanceState> handed_on;
  unsigned unread = 0;
  for (;;) {
    const auto text = co_await stream->next(module_patience);
    if (!text) co_return text.error();
    const auto state = reader.take(*text);
    if (!state) co_return state.error();
    if (++unread == window / 2) {
      stream->notify("flux-metrics.ack");
      unread = 0;
    }
    if (!*state) continue;
    if (*state != read) {
      read = *state;
      handed_on = with_waits(read);
    }
    told(handed_on, confirmed_at(reader.stamp().confirmed, clock_()));
  }
}

std::shared_ptr<const InstanceState> ModuleFollower::with_waits(const std::shared_ptr<InstanceState>& state) {
  if (told_waits_) waits_.add_between(*told_waits_, state->waits);
  told_waits_ = state->waits;
  state->waits = waits_.read();
  return state;
}

Now confirmed_at(WallTime confirmed, Now now) {
  const auto age = std::clamp<WallTime::duration>(now.wall - confirmed, 0s, 24h);
  return {.wall = std::min(confirmed, now.wall),
          .mono = now.mono - std::chrono::duration_cast<MonoTime::duration>(age)};
}

}  // namespace fluxmetrics::instance
