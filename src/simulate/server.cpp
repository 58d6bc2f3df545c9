#include "simulate/server.hpp"

#include <chrono>
#include <future>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "simulate/services.hpp"
#include "simulate/session.hpp"
#include "simulate/socket_file.hpp"

namespace fluxmetrics::simulate {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

struct Server::Impl {
  explicit Impl(Options given)
      : options(std::move(given)), acceptor(context), alarm(context), retry(context) {}

  [[nodiscard]] Result<void> listen();
  void accept();
  void welcome(Protocol::socket socket);
  void on_message(const std::shared_ptr<Session>& session, flux::Message message);
  void close_sessions();

  [[nodiscard]] Time now() const;
  void catch_up();  // runs what is due
  void leave();     // the broker exited by itself
  void arm();       // wakes up when the next thing is due

  Options options;
  std::string path, uri;
  std::optional<SocketFile> file;
  std::optional<Services> services;
  MonoTime mono_start;
  Time start = 0;
  asio::io_context context{1};
  Protocol::acceptor acceptor;
  asio::steady_timer alarm, retry;
  std::set<std::shared_ptr<Session>> sessions;
  bool stopping = false;
  bool left = false;
  std::function<void()> told;
  std::thread thread;
};

Result<void> Server::Impl::listen() {
  if (auto fine = check(options); !fine) return fine;
  auto chosen = SocketFile::choose(options.socket);
  if (!chosen) return std::unexpected(chosen.error());
  file.emplace(std::move(*chosen));
  path = file->path();
  uri = "local://" + path;

  const auto refuse = [&](const boost::system::error_code& error) {
    return fail_errno(Code::io, error.value(), "cannot listen on {}: {}", path, error.message());
  };
  boost::system::error_code error;
  acceptor.open(Protocol(), error);
  if (!error) acceptor.bind(Protocol::endpoint(path), error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return refuse(error);

  const Now read = Now::read();
  mono_start = read.mono;
  start = options.start_time.value_or(to_unix(read.wall));
  services.emplace(options, Surroundings{.userid = ::getuid(), .socket = path, .start = start});
  return {};
}

void Server::Impl::accept() {
  acceptor.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
    if (stopping || left) return;
    if (!error) {
      welcome(std::move(socket));
      return accept();
    }
    // Out of descriptors, most likely: those that are open may close soon.
    log::warning("the simulated broker cannot accept a client: {}", error.message());
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && !stopping && !left) accept();
    });
  });
}

void Server::Impl::welcome(Protocol::socket socket) {
  Session::Callbacks callbacks{
      .message = [this](const std::shared_ptr<Session>& session,
                        flux::Message message) { on_message(session, std::move(message)); },
      .closed =
          [this](const std::shared_ptr<Session>& session) {
            services->forget(session.get());
            sessions.erase(session);
          }};
  auto session = std::make_shared<Session>(std::move(socket), options.max_output_bytes, std::move(callbacks));
  sessions.insert(session);
  session->start(services->surroundings().userid, options.guests);
}

void Server::Impl::on_message(const std::shared_ptr<Session>& session, flux::Message message) {
  catch_up();
  services->handle(session, std::move(message));
  arm();
}

void Server::Impl::close_sessions() {
  for (const auto& session : sessions)
    session->close();  // they are taken out later
}

Time Server::Impl::now() const {
  return start + Seconds(std::chrono::steady_clock::now() - mono_start).count() * options.speed;
}

void Server::Impl::catch_up() {
  services->instance().advance(now());
  if (services->streams().ended() && !std::exchange(left, true)) leave();
}

void Server::Impl::leave() {
  boost::system::error_code ignored;
  acceptor.close(ignored);
  retry.cancel();
  close_sessions();
  if (told) told();
}

void Server::Impl::arm() {
  const auto due = services->instance().timers().next_due();
  if (!due || stopping || left) return;
  const Seconds after((*due - start) / options.speed);
  alarm.expires_at(mono_start + std::chrono::ceil<MonoTime::duration>(after));
  alarm.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    catch_up();
    arm();
  });
}

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() {
  stop();
}

Result<void> Server::start() {
  if (auto listening = impl_->listen(); !listening) {
    impl_->file.reset();
    return listening;
  }
  impl_->accept();
  impl_->arm();
  impl_->thread = std::thread([this] { impl_->context.run(); });
  return {};
}

void Server::on_exit(std::function<void()> told) {
  impl_->told = std::move(told);
}

void Server::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [this] {
    // With nothing left to wait for, the thread ends by itself.
    impl_->stopping = true;
    boost::system::error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->alarm.cancel();
    impl_->retry.cancel();
    impl_->close_sessions();
  });
  impl_->thread.join();
  impl_->file.reset();
}

const std::string& Server::socket_path() const {
  return impl_->path;
}

std::string Server::uri() const {
  return impl_->uri;
}

void Server::with(const std::function<void(Instance&)>& look) {
  std::promise<void> done;
  asio::post(impl_->context, [&] {
    impl_->catch_up();
    look(impl_->services->instance());
    impl_->arm();
    done.set_value();
  });
  done.get_future().wait();
}

void Server::drop_clients() {
  std::promise<void> done;
  asio::post(impl_->context, [&] {
    impl_->close_sessions();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace fluxmetrics::simulate
