// The short way: the broker module keeps the state inside the broker, and tells it. What is told here is what
// the module's own collector found with the same code, so the metrics are the same.
#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/log.hpp"
#include "base/text.hpp"
#include "instance/session.hpp"
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

asio::awaitable<void> Session::follow_module() {
  module_sought_ = MonoTime::clock::now();
  auto stream = co_await streams_->stream("flux-metrics.get", stream_request());
  if (!stream) co_return;
  const Error why = co_await take_module_states(std::move(*stream));
  if (delivered_) {
    log::info("the broker module flux-metrics tells no more ({}): the broker is polled from now on",
              printable(why.message));
  } else if (why.errnum == EAGAIN) {
    log::debug("the broker module flux-metrics has nothing to tell: {}", printable(why.message));
  } else if (!nobody_tells(why)) {
    log::warning("the broker module flux-metrics at {} cannot be used: {}", options_.socket_path,
                 printable(why.message));
  }
  // What follows begins anew, and goes on from the waits that were counted so far.
  published_.reset();
  module_sought_ = MonoTime::clock::now();
}

bool Session::seeks_module() const {
  return options_.ask_module && draft_.owner && MonoTime::clock::now() - module_sought_ >= seek_every;
}

asio::awaitable<bool> Session::module_tells() {
  module_sought_ = MonoTime::clock::now();
  const auto stream = co_await streams_->stream("flux-metrics.get", stream_request());
  if (!stream) co_return false;
  StateReader reader;
  for (unsigned part = 0; part < window; ++part) {
    const auto text = co_await (*stream)->next(seek_patience);
    if (!text) co_return false;
    const auto state = reader.take(*text);
    if (!state) co_return false;
    if (*state) co_return Now::read().wall - reader.stamp().confirmed < module_patience;
  }
  co_return false;
}

asio::awaitable<Error> Session::take_module_states(std::unique_ptr<flux::Stream> stream) {
  StateReader reader;
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
    if (*state) publish_of_module(*state, reader.stamp().confirmed);
  }
}

void Session::publish_of_module(const std::shared_ptr<InstanceState>& state, WallTime confirmed) {
  if (state != published_) {
    if (!delivered_) log::info("the broker module flux-metrics tells the state: the broker is not polled");
    // Its counts began with the module, ours with this program.
    if (module_waits_) observed_.waits.add_between(module_waits_, state->waits);
    module_waits_ = state->waits ? state->waits : std::make_shared<const std::vector<QueueWaits>>();
    state->waits = observed_.waits.read();
    published_ = state;
    tell_scheduler(state->scheduler);
  }
  delivered_ = true;
  if (sink_.rpc_times) sink_.rpc_times(observed_.rpc_times.read());
  // One host, one wall clock: only that tells how old a message is that lay unread.
  const auto now = Now::read();
  const auto age = std::clamp<WallTime::duration>(now.wall - confirmed, 0s, 24h);
  sink_.state(published_, {.wall = std::min(confirmed, now.wall),
                           .mono = now.mono - std::chrono::duration_cast<MonoTime::duration>(age)});
  if (sink_.effort) {
    sink_.effort(
        {.share = queries_->meter().share(now.mono), .jobs = published_->jobs.size(), .journal = true});
  }
}

}  // namespace fluxmetrics::instance
