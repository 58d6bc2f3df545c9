#include "flux/client.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "flux/connection.hpp"

namespace fluxmetrics::flux {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
using Socket = asio::local::stream_protocol::socket;

constexpr Milliseconds first_retry{16};
constexpr Milliseconds longest_retry{2000};

std::string words_for(int errnum) {
  return std::generic_category().message(errnum);
}

// Owns a file descriptor until the socket object does.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  void release() { fd_ = -1; }

 private:
  int fd_;
};

Error cannot_connect(const std::string& path, int errnum) {
  switch (errnum) {
    case ENOENT:
    case ENOTDIR:
      return {.code = Code::unavailable,
              .message = fmt::format("no broker: there is no socket at {}", path),
              .errnum = errnum};
    case ECONNREFUSED:
      if (struct stat found{}; ::stat(path.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode)) {
        return {.code = Code::unavailable,
                .message = fmt::format("no broker: {} is {}, not a socket", path,
                                       S_ISDIR(found.st_mode) ? "a directory" : "a file"),
                .errnum = errnum};
      }
      return {
          .code = Code::unavailable,
          .message = fmt::format("no broker listens at {}; the one that made this socket has ended", path),
          .errnum = errnum};
    case EACCES:
    case EPERM:
      return {.code = Code::denied,
              .message = fmt::format("the socket at {} cannot be reached by user {}", path, ::getuid()),
              .errnum = errnum};
    case EAGAIN:
      return {.code = Code::timed_out,
              .message = fmt::format("the broker at {} is too busy to accept a connection", path),
              .errnum = errnum};
    default:
      return {.code = Code::unavailable,
              .message = fmt::format("cannot connect to {}: {}", path, words_for(errnum)),
              .errnum = errnum};
  }
}

// One attempt. Asio's own connect takes EAGAIN for "in progress", which it is not on unix sockets: the
// backlog is full.
Result<Socket> try_connect(const asio::any_io_executor& executor, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(Code::invalid, "'{}' cannot be a unix socket: a path has 1 to {} bytes", path,
                sizeof(address.sun_path) - 1);
  }
  std::ranges::copy(path, std::begin(address.sun_path));
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return fail_errno(Code::io, errno, "cannot make a socket: {}", words_for(errno));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the socket API wants
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return std::unexpected(cannot_connect(path, errno));
  }
  Socket socket(executor);
  boost::system::error_code error;
  socket.assign(asio::local::stream_protocol(), fd.get(), error);
  if (error) return fail(Code::io, "cannot use the socket to {}: {}", path, error.message());
  fd.release();
  return socket;
}

asio::awaitable<Result<Socket>> dial(std::string path, Clock::time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  Milliseconds pause = first_retry;
  asio::steady_timer timer(executor);
  for (;;) {
    auto socket = try_connect(executor, path);
    if (socket || socket.error().errnum != EAGAIN) co_return socket;
    const auto retry_at = Clock::now() + pause;
    if (retry_at >= until) co_return socket;
    timer.expires_at(retry_at);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    pause = std::min(pause * 2, longest_retry);
  }
}

asio::awaitable<Result<std::shared_ptr<Client>>> connect_client(std::string path, Milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  auto socket = co_await dial(path, until);
  if (!socket) co_return std::unexpected(socket.error());
  auto connection = std::make_shared<Connection>(*std::move(socket), path);
  // The client exists from here on, so that the connection closes on every way out.
  auto client = std::make_shared<Client>(connection);
  connection->start();
  const auto left = std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(until - Clock::now()));
  const auto greeting = co_await Connection::take(connection, connection->greeting(), left);
  if (greeting) co_return client;
  if (greeting.error().code != Code::timed_out) co_return std::unexpected(greeting.error());
  co_return fail(Code::timed_out,
                 "the broker at {} did not say within {} ms whether it accepts us: is it stopped?", path,
                 deadline.count());
}

// Gives a call up when its coroutine ends, or is destroyed, before the reply came.
class GiveUp {
 public:
  GiveUp(Connection& connection, Call& call) : connection_(connection), call_(call) {}
  GiveUp(const GiveUp&) = delete;
  GiveUp& operator=(const GiveUp&) = delete;
  ~GiveUp() { connection_.abandon(call_); }

 private:
  Connection& connection_;
  Call& call_;
};

asio::awaitable<Result<std::string>> run_rpc(std::shared_ptr<Connection> connection, std::string topic,
                                             std::string payload, RpcOptions options) {
  auto call = connection->request(std::move(topic), std::move(payload), options, false);
  if (!call) co_return std::unexpected(call.error());
  const GiveUp give_up(*connection, **call);
  auto reply = co_await Connection::take(connection, *call, options.deadline);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->errnum() != 0)
    co_return std::unexpected(rpc_error((*call)->topic, reply->errnum(), reply->payload));
  co_return std::move(reply->payload);
}

// Lets large payloads of a topic go to a sink while it lives.
class Streaming {
 public:
  Streaming(Connection& connection, const std::string& topic, PayloadSink sink) : connection_(connection) {
    connection_.stream_payloads(topic, std::move(sink));
  }
  Streaming(const Streaming&) = delete;
  Streaming& operator=(const Streaming&) = delete;
  ~Streaming() { connection_.stream_payloads({}, {}); }

 private:
  Connection& connection_;
};

asio::awaitable<Result<void>> run_rpc_to(std::shared_ptr<Connection> connection, PayloadSink sink,
                                         std::string topic, std::string payload, RpcOptions options) {
  const Streaming streaming(*connection, topic, sink);
  auto call = connection->request(std::move(topic), std::move(payload), options, false);
  if (!call) co_return std::unexpected(call.error());
  const GiveUp give_up(*connection, **call);
  auto reply = co_await Connection::take(connection, *call, options.deadline);
  if (!reply) {
    if (reply.error().code == Code::timed_out) connection->close(reply.error());
    co_return std::unexpected(reply.error());
  }
  if (reply->errnum() != 0)
    co_return std::unexpected(rpc_error((*call)->topic, reply->errnum(), reply->payload));
  if (!reply->payload_streamed) sink(reply->payload);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> run_subscribe(std::shared_ptr<Connection> connection, std::string prefix) {
  connection->want_events();
  const boost::json::object payload{{"topic", prefix}};
  RpcOptions local;  // answered by the connector that we are connected to
  local.nodeid = nodeid_any;
  auto subscribing = run_rpc(connection, "event.subscribe", boost::json::serialize(payload), local);
  auto reply = co_await std::move(subscribing);
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

asio::awaitable<Result<std::unique_ptr<Stream>>> run_stream(std::shared_ptr<Client> client,
                                                            std::shared_ptr<Connection> connection,
                                                            std::string topic, std::string payload,
                                                            RpcOptions options) {
  auto call = connection->request(std::move(topic), std::move(payload), options, true);
  if (!call) co_return std::unexpected(call.error());
  co_return std::make_unique<Stream>(std::move(client), *std::move(call));
}

asio::awaitable<Result<std::string>> next_payload(std::shared_ptr<Connection> connection,
                                                  std::shared_ptr<Call> call, Milliseconds deadline) {
  auto reply = co_await Connection::take(connection, call, deadline);
  if (!reply) co_return std::unexpected(reply.error());
  co_return std::move(reply->payload);
}

}  // namespace

Stream::Stream(std::shared_ptr<Client> client, std::shared_ptr<Call> call)
    : client_(std::move(client)), call_(std::move(call)) {}

Stream::~Stream() {
  client_->connection_->abandon(*call_);
}

asio::awaitable<Result<std::string>> Stream::next(Milliseconds deadline) {
  return next_payload(client_->connection_, call_, deadline);
}

void Stream::notify(std::string topic) {
  client_->connection_->tell_about(*call_, std::move(topic));
}

asio::awaitable<Result<std::shared_ptr<Client>>> Client::connect(std::string path, Milliseconds deadline) {
  return connect_client(std::move(path), deadline);
}

Client::Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

Client::~Client() {
  close();
}

asio::awaitable<Result<std::string>> Client::rpc(std::string topic, std::string payload, RpcOptions options) {
  return run_rpc(connection_, std::move(topic), std::move(payload), options);
}

asio::awaitable<Result<void>> Client::rpc_to(PayloadSink sink, std::string topic, std::string payload,
                                             RpcOptions options) {
  return run_rpc_to(connection_, std::move(sink), std::move(topic), std::move(payload), options);
}

asio::awaitable<Result<std::unique_ptr<Stream>>> Client::stream(std::string topic, std::string payload,
                                                                RpcOptions options) {
  return run_stream(shared_from_this(), connection_, std::move(topic), std::move(payload), options);
}

asio::awaitable<Result<void>> Client::subscribe(std::string prefix) {
  return run_subscribe(connection_, std::move(prefix));
}

asio::awaitable<Result<Message>> Client::next_event(Milliseconds deadline) {
  return Connection::take(connection_, connection_->events(), deadline);
}

void Client::close(std::string reason) {
  connection_->close(
      {.code = Code::unavailable,
       .message = fmt::format("connection to the broker at {}: {}", connection_->path(), reason)});
}

bool Client::connected() const {
  return connection_->open();
}

}  // namespace fluxmetrics::flux
