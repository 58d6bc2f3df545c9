#include "instance/collector.hpp"

#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "instance/session.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {
constexpr std::size_t longest_reason = 1000;

Trouble::Kind trouble_kind(const Session& session, const Error& why) {
  if (session.found_ending()) return Trouble::Kind::ending;
  return why.code == Code::timed_out ? Trouble::Kind::silent : Trouble::Kind::gone;
}
}  // namespace

struct Collector::Impl {
  CollectorOptions options;
  CollectorSink sink;
  Observed observed;
  asio::io_context io{1};
  std::thread thread;

  // A fault inside this program must not end the collector: it is told, and tried again.
  static asio::awaitable<Error> contact(std::shared_ptr<Session> session) {
    Error why{.code = Code::internal, .message = "internal error"};
    try {
      why = co_await session->run();
    } catch (const std::exception& fault) {
      why.message = fmt::format("reading the broker's state failed: internal error: {}", fault.what());
    }
    session->end();
    co_return why;
  }

  std::shared_ptr<Session> new_session(const std::string& path) {
    return std::make_shared<Session>(Session::Options{.socket_path = path,
                                                      .follow_to_top = options.follow_to_top,
                                                      .max_staleness = options.max_staleness,
                                                      .ask_module = options.ask_module,
                                                      .clock = options.clock},
                                     sink, observed, io.get_executor());
  }

  // Tries the paths in turn for ever; a value must be there within 2 s of a broker's return, so the pause
  // stays short.
  asio::awaitable<void> run() {
    constexpr auto shortest_pause = 100ms;
    constexpr auto longest_pause = 1000ms;
    std::chrono::milliseconds pause = shortest_pause;
    std::string told;
    for (;;) {
      std::string reasons;
      auto kind = Trouble::Kind::gone;
      for (const auto& path : options.socket_paths) {
        auto session = new_session(path);
        const auto began = options.clock().mono;
        Error why = co_await contact(session);
        while (session->found_module()) {
          session = new_session(path);
          why = co_await contact(session);
        }
        if (!reasons.empty()) reasons += "; ";
        reasons += why.message;
        // Of several sockets one with a broker behind it tells more than the empty ones.
        if (const auto found = trouble_kind(*session, why); found != Trouble::Kind::gone) kind = found;
        if (!session->delivered()) continue;
        reasons = why.message;
        kind = trouble_kind(*session, why);
        // Coming back soon is for a broker that was well: one that fails at once, always, is not hurried.
        told.clear();
        if (options.clock().mono - began > longest_pause) pause = shortest_pause;
        break;
      }
      reasons = printable(reasons, longest_reason);
      if (reasons != told) log::warning("{}: trying again until a broker answers", reasons);
      told = reasons;
      sink.trouble({.kind = kind, .reason = reasons});
      asio::steady_timer timer(io, pause);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      pause = std::min(pause * 2, std::chrono::milliseconds(longest_pause));
    }
  }
};

Collector::Collector(CollectorOptions options, CollectorSink sink) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->sink = std::move(sink);
  asio::co_spawn(impl_->io, impl_->run(), asio::detached);
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

Collector::~Collector() {
  impl_->io.stop();
  impl_->thread.join();
}

}  // namespace fluxmetrics::instance
