#include "instance/collector.hpp"

#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "instance/session.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Collector::Impl {
  CollectorOptions options;
  CollectorSink sink;
  asio::io_context io{1};
  std::thread thread;

  // Tries the paths in turn for ever; a value must be there within 2 s of a broker's return, so the pause
  // stays short.
  asio::awaitable<void> run() {
    constexpr auto shortest_pause = 100ms;
    constexpr auto longest_pause = 1000ms;
    std::chrono::milliseconds pause = shortest_pause;
    std::string told;
    for (;;) {
      std::string reasons;
      for (const auto& path : options.socket_paths) {
        auto session = std::make_shared<Session>(Session::Options{.socket_path = path,
                                                                  .follow_to_top = options.follow_to_top,
                                                                  .max_staleness = options.max_staleness},
                                                 sink, io.get_executor());
        const Error why = co_await session->run();
        if (!reasons.empty()) reasons += "; ";
        reasons += why.message;
        if (!session->delivered()) continue;
        reasons = why.message;
        pause = shortest_pause;
        break;
      }
      if (reasons != told) log::warning("{}: trying again until a broker answers", reasons);
      told = reasons;
      sink.trouble(reasons);
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
