#include "http/server.hpp"

#include <algorithm>
#include <csignal>
#include <list>
#include <malloc.h>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "http/open_files.hpp"
#include "http/session.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = Stream::ErrorCode;

namespace {

constexpr auto watch_interval = std::chrono::milliseconds(100);  // how late a deadline may be noticed
constexpr auto pause_when_full = std::chrono::milliseconds(2);
constexpr auto just_come = std::chrono::milliseconds(50);  // its request may be on the way
constexpr auto pause_after_error = std::chrono::milliseconds(200);
constexpr auto drain_time = std::chrono::seconds(3);
constexpr auto last_words = std::chrono::milliseconds(500);  // of these, for answers that were waited for
constexpr std::size_t crowd = 64;
constexpr auto repeat_complaint = std::chrono::seconds(10);

std::unexpected<Error> listen_error(const ServerOptions& options, const ErrorCode& error) {
  const auto place = fmt::format("{} port {}", options.host, options.port);
  const int number = error.value();
  if (error == asio::error::address_in_use) {
    return fail_errno(Code::io, number,
                      "cannot listen on {}: another program does; stop it or choose another --port", place);
  }
  if (error == asio::error::access_denied) {
    return fail_errno(
        Code::denied, number,
        "cannot listen on {}: no permission; ports below 1024 need privileges, choose another --port", place);
  }
  if (error.value() == EADDRNOTAVAIL) {
    return fail_errno(Code::io, number,
                      "cannot listen on {}: this host has no such address; choose another --host", place);
  }
  return fail_errno(Code::io, number, "cannot listen on {}: {}", place, error.message());
}

}  // namespace

struct Server::Impl {
  ServerOptions options;
  Handler& handler;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
  asio::steady_timer delay{io};  // between SIGTERM and the end of listening
  std::optional<ServingContext> tls;
  std::optional<SessionContext> context;
  std::list<Session> sessions;
  MonoTime complained;
  std::size_t ended_since_trim = 0;
  bool waits_ended = false;

  Impl(ServerOptions options_, Handler& handler_) : options(std::move(options_)), handler(handler_) {}

  ErrorCode open(const tcp::endpoint& endpoint) {
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6()) {
      acceptor.set_option(asio::ip::v6_only(false), error);
    }
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      ErrorCode ignored;
      acceptor.close(ignored);
    }
    return error;
  }

  void start_session(tcp::socket socket) {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto session = sessions.emplace(sessions.end(), *context, std::move(socket));
    asio::co_spawn(io, session->run(), [this, session](const std::exception_ptr& fault) {
      if (fault) log::error("a connection ended: internal error");
      sessions.erase(session);
      ++ended_since_trim;
    });
  }

  void complain(const ErrorCode& error) {
    const auto now = std::chrono::steady_clock::now();
    if (now - complained < repeat_complaint) return;
    complained = now;
    log::warning("a connection could not be accepted ({}); going on, {} connections are open",
                 error.message(), sessions.size());
  }

  // With all places taken, the one that waits idly for the longest makes room, or else the one whose request
  // is the longest under way: an honest client's is a matter of milliseconds.
  [[nodiscard]] bool has_room() {
    if (sessions.size() < options.max_connections) return true;
    const auto now = std::chrono::steady_clock::now();
    Session* idle = nullptr;
    Session* slow = nullptr;
    for (auto& session : sessions) {
      const bool waits = session.idle() && now - session.since() > just_come;
      Session*& longest = waits ? idle : slow;
      if (!waits && (session.idle() || !session.reading())) continue;
      if (longest == nullptr || session.since() < longest->since()) longest = &session;
    }
    if (Session* const victim = idle != nullptr ? idle : slow; victim != nullptr) victim->abort();
    return false;
  }

  asio::awaitable<void> accept_all() {
    asio::steady_timer pause(io);
    while (!context->stopping) {
      ErrorCode error;
      co_await acceptor.async_wait(tcp::acceptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, error));
      if (!error && !has_room()) {
        pause.expires_after(pause_when_full);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (!error) {
        start_session(std::move(socket));
      } else if (!context->stopping && error != asio::error::connection_aborted) {
        complain(error);
        pause.expires_after(pause_after_error);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      }
    }
  }

  // After a crowd of connections, what they took: the allocator keeps it otherwise.
  void give_back_memory() {
    if (ended_since_trim < crowd || sessions.size() >= crowd) return;
    ended_since_trim = 0;
    ::malloc_trim(0);
  }

  // A handler that waits for others, an API server that is away, say, would keep the process from ending.
  void end_waits(MonoTime now) {
    if (waits_ended || !context->stopping || now < context->stop_by - last_words) return;
    waits_ended = true;
    handler.end_waits();
  }

  // Ends connections whose time is up; returns when the server has stopped and the last one is gone.
  asio::awaitable<void> watch() {
    asio::steady_timer timer(io);
    while (!context->stopping || !sessions.empty()) {
      ErrorCode error;
      timer.expires_after(watch_interval);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      const auto now = std::chrono::steady_clock::now();
      end_waits(now);
      for (auto& session : sessions) {
        if (session.overdue(now)) session.abort();
      }
      give_back_memory();
    }
    io.stop();  // what others have spawned here ends with the server
  }

  void begin_stop() {
    if (context->stopping) return;
    context->stopping = true;
    ErrorCode ignored;
    acceptor.close(ignored);
    signals.cancel(ignored);
    delay.cancel();
    context->stop_by = std::chrono::steady_clock::now() + drain_time;
    for (auto& session : sessions)
      session.begin_stop(context->stop_by);
  }

  void wait_for_signals() {
    signals.async_wait([this](const ErrorCode& error, int number) {
      if (error) return;
      if (number == SIGTERM && !context->ending && options.shutdown_delay > Seconds::zero()) {
        begin_delay();
        wait_for_signals();  // whoever signals again does not want to wait
        return;
      }
      log::info("{} received: finishing open requests", number == SIGINT ? "SIGINT" : "SIGTERM");
      begin_stop();
    });
  }

  // Clients that were told of this server by a Service need time to hear that it is leaving.
  void begin_delay() {
    context->ending = true;
    log::info("SIGTERM received: no longer ready, serving for another {} s", options.shutdown_delay.count());
    delay.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(options.shutdown_delay));
    delay.async_wait([this](const ErrorCode& error) {
      if (error) return;
      log::info("finishing open requests");
      begin_stop();
    });
  }
};

Server::Server(ServerOptions options, Handler& handler)
    : impl_(std::make_unique<Impl>(std::move(options), handler)) {}
Server::~Server() = default;

Result<void> Server::listen() {
  auto& impl = *impl_;
  if (impl.options.host.empty()) {
    return fail(Code::invalid,
                "--host is empty: give an address or a name of this host, such as 0.0.0.0 or localhost");
  }
  auto tls = ServingContext::load(impl.options.certificate);
  if (!tls) return std::unexpected(tls.error());
  impl.tls = std::move(*tls);
  const auto places = make_room_for(impl.options.max_connections);
  if (places < impl.options.max_connections) {
    log::warning("at most {} connections at a time: this process may not open more files (ulimit -n)",
                 places);
  }
  impl.options.max_connections = places;
  impl.context.emplace(SessionContext{.options = impl.options,
                                      .handler = impl.handler,
                                      .tls = *impl.tls,
                                      .date = {},
                                      .scratch = {},
                                      .unread = 0,
                                      .ending = false,
                                      .stopping = false,
                                      .stop_by = MonoTime::max()});

  tcp::resolver resolver(impl.io);
  ErrorCode error;
  const auto found = resolver.resolve(impl.options.host, std::to_string(impl.options.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error) {
    return fail(Code::invalid,
                "cannot listen on '{}': {}; give an address or a name of this host with --host",
                printable(impl.options.host, 100), error.message());
  }
  for (const auto& entry : found) {
    error = impl.open(entry.endpoint());
    if (!error) return {};
  }
  return listen_error(impl.options, error);
}

std::uint16_t Server::port() const {
  ErrorCode error;
  return impl_->acceptor.local_endpoint(error).port();
}

void Server::catch_signals() {
  impl_->signals.add(SIGINT);
  impl_->signals.add(SIGTERM);
}

void Server::run(bool handle_signals) {
  auto& impl = *impl_;
  if (!impl.context) return;  // listen() failed
  if (handle_signals) {
    catch_signals();
    impl.wait_for_signals();
  }
  asio::co_spawn(impl.io, impl.accept_all(), [](const std::exception_ptr&) {});
  asio::co_spawn(impl.io, impl.watch(), [](const std::exception_ptr&) {});
  impl.io.run();
}

asio::any_io_executor Server::executor() {
  return impl_->io.get_executor();
}

void Server::stop() {
  asio::post(impl_->io, [impl = impl_.get()] {
    if (impl->context) impl->begin_stop();
  });
}

}  // namespace fluxmetrics::http
