#include "flux/connection.hpp"

#include <array>
#include <exception>
#include <sys/types.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace fluxmetrics::flux {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_held_bytes = 256U << 20U;
constexpr std::size_t max_outgoing_bytes = 64U << 20U;
constexpr std::size_t max_calls = 100'000;
constexpr std::size_t read_bytes = 64U << 10U;

// Services that end a stream when told the matchtag it has; the others go on until the connection closes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> cancel_topics{
    {{"job-manager.events-journal", "job-manager.events-journal-cancel"},
     {"resource.journal", "resource.journal-cancel"},
     {"kvs-watch.lookup", "kvs-watch.cancel"},
     {"job-info.eventlog-watch", "job-info.eventlog-watch-cancel"},
     {"flux-metrics.get", "flux-metrics.cancel"}}};

std::string_view cancel_topic(std::string_view topic) {
  for (const auto& [stream, cancel] : cancel_topics) {
    if (stream == topic) return cancel;
  }
  return {};
}

std::size_t held_bytes(const Message& message) {
  return sizeof(Message) + message.topic.size() + message.payload.size();
}

// Marks a call as waited for while a take() runs, however that ends.
class Waiting {
 public:
  explicit Waiting(Call& call) : call_(call) { call_.awaited = true; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { call_.awaited = false; }

 private:
  Call& call_;
};

}  // namespace

Connection::Connection(asio::local::stream_protocol::socket socket, std::string path)
    : socket_(std::move(socket)),
      path_(std::move(path)),
      greeting_(std::make_shared<Call>(socket_.get_executor(), "greeting")),
      events_(std::make_shared<Call>(socket_.get_executor(), "events")) {}

void Connection::start() {
  auto self = shared_from_this();
  asio::co_spawn(socket_.get_executor(), read_loop(self), [self](const std::exception_ptr& failure) {
    if (failure) self->close(self->gone("reading it failed: internal error"));
  });
}

Error Connection::gone(std::string_view why) const {
  return {.code = Code::unavailable,
          .message = fmt::format("connection to the broker at {}: {}", path_, why)};
}

asio::awaitable<void> Connection::read_loop(std::shared_ptr<Connection> self) {
  std::vector<char> chunk(read_bytes);
  std::size_t wanted = 1;  // first the auth byte alone
  bool greeted = false;
  while (self->open()) {
    const auto buffer = asio::buffer(chunk.data(), wanted);
    const auto [error, count] =
        co_await self->socket_.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error) {
      const bool ended = error == asio::error::eof;
      if (!greeted && ended) {
        self->close(self->gone("the broker hung up before it accepted or refused us; it may be going away"));
      } else {
        self->close(self->gone(ended ? "the broker closed it" : error.message()));
      }
      co_return;
    }
    if (!greeted) {
      greeted = self->greet(chunk.front());
      wanted = chunk.size();
      if (!greeted) co_return;
    } else if (!self->receive({chunk.data(), count})) {
      co_return;
    }
  }
}

bool Connection::greet(char auth_byte) {
  if (auth_byte == 0) {
    deliver(*greeting_, Message{});
    return true;
  }
  const int errnum = static_cast<unsigned char>(auth_byte);
  close(
      {.code = errnum == EPERM ? Code::denied : Code::unavailable,
       .message =
           errnum == EPERM
               ? fmt::format("the broker at {} does not let user {} in: run as the instance's owner, or set "
                             "access.allow-guest-user in its configuration",
                             path_, ::getuid())
               : fmt::format("the broker at {} refuses: {}", path_, std::generic_category().message(errnum)),
       .errnum = errnum});
  return false;
}

bool Connection::receive(std::span<const char> bytes) {
  const auto fed = decoder_.feed(bytes);
  while (auto message = decoder_.next())
    dispatch(*std::move(message));
  if (!fed) close(gone(fed.error().message));
  return fed.has_value();
}

void Connection::dispatch(Message message) {
  if (message.type == MessageType::event) {
    // Before anybody subscribed nobody will ever take them.
    if (wants_events_) deliver(*events_, std::move(message));
    return;
  }
  if (message.type != MessageType::response) return;  // nobody has reason to send us requests
  const auto found = calls_.find(message.matchtag());
  if (found == calls_.end()) return;
  const auto call = found->second;
  const bool last = !call->streaming || message.errnum() != 0;
  if (last) calls_.erase(found);
  if (call->abandoned) return;
  if (call->streaming && last) {
    call->end = rpc_error(call->topic, message.errnum(), message.payload);
    call->arrived.cancel();
  } else {
    deliver(*call, std::move(message));
  }
}

void Connection::deliver(Call& call, Message message) {
  if (closed_) return;
  held_bytes_ += held_bytes(message);
  call.replies.push_back(std::move(message));
  call.arrived.cancel();
  if (held_bytes_ > max_held_bytes) {
    close(gone(fmt::format("closed, because {} MiB of replies wait here unread", held_bytes_ >> 20U)));
  }
}

Result<std::shared_ptr<Call>> Connection::request(std::string topic, std::string payload, RpcOptions options,
                                                  bool streaming) {
  if (closed_) return std::unexpected(*closed_);
  if (calls_.size() >= max_calls || outgoing_.size() > max_outgoing_bytes) {
    return fail(Code::unavailable,
                "{}: the broker at {} does not keep up: {} requests without an answer, {} bytes unread",
                topic, path_, calls_.size(), outgoing_.size());
  }
  auto call = std::make_shared<Call>(socket_.get_executor(), topic);
  call->matchtag = free_matchtag();
  call->options = options;
  call->streaming = streaming;
  calls_.emplace(call->matchtag, call);
  Message message = make_request(std::move(topic), std::move(payload), call->matchtag);
  if (streaming) message.flags |= flag::streaming;
  message.aux1 = options.nodeid;
  message.rolemask = options.rolemask;
  send(message);
  return call;
}

std::uint32_t Connection::free_matchtag() {
  do
    ++last_matchtag_;
  while (last_matchtag_ == 0 || calls_.contains(last_matchtag_));
  return last_matchtag_;
}

asio::awaitable<Result<Message>> Connection::take(std::shared_ptr<Connection> self,
                                                  std::shared_ptr<Call> call, Milliseconds deadline) {
  if (call->awaited) co_return fail(Code::internal, "{}: two coroutines wait for one stream", call->topic);
  const Waiting waiting(*call);
  const auto until = deadline == Milliseconds::zero() ? Clock::time_point::max() : Clock::now() + deadline;
  for (;;) {
    if (!call->replies.empty()) {
      Message message = std::move(call->replies.front());
      call->replies.pop_front();
      self->held_bytes_ -= held_bytes(message);
      co_return message;
    }
    if (call->end) co_return std::unexpected(*call->end);
    if (Clock::now() >= until) {
      co_return fail(Code::timed_out, "{}: the broker at {} did not answer within {} ms", call->topic,
                     self->path_, deadline.count());
    }
    call->arrived.expires_at(until);
    co_await call->arrived.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return fail(Code::unavailable, "{}: the wait for an answer was cancelled", call->topic);
    }
  }
}

void Connection::stream_payloads(std::string topic, PayloadSink sink) {
  decoder_.stream_payloads(std::move(topic), std::move(sink));
}

void Connection::abandon(Call& call) {
  drop_replies(call);
  const auto found = calls_.find(call.matchtag);
  if (found == calls_.end() || found->second.get() != &call || call.abandoned) return;
  call.abandoned = true;
  const auto topic = cancel_topic(call.topic);
  if (!call.streaming || topic.empty()) return;
  tell_about(call, std::string(topic));
}

void Connection::tell_about(const Call& call, std::string topic) {
  if (closed_) return;
  Message told = make_request(std::move(topic), fmt::format(R"({{"matchtag":{}}})", call.matchtag), 0);
  told.flags |= flag::noresponse;
  told.aux1 = call.options.nodeid;
  send(told);
}

void Connection::drop_replies(Call& call) {
  for (const Message& message : call.replies)
    held_bytes_ -= held_bytes(message);
  call.replies.clear();
}

void Connection::send(const Message& message) {
  outgoing_ += encode(message);
  if (writing_) return;
  writing_ = true;
  auto self = shared_from_this();
  asio::co_spawn(socket_.get_executor(), write_loop(self), [self](const std::exception_ptr& failure) {
    if (failure) self->close(self->gone("writing to it failed: internal error"));
  });
}

asio::awaitable<void> Connection::write_loop(std::shared_ptr<Connection> self) {
  // What is queued while a write runs goes out together in the next one.
  while (self->open() && !self->outgoing_.empty()) {
    const std::string batch = std::exchange(self->outgoing_, {});
    const auto buffer = asio::buffer(batch);
    const auto [error, count] =
        co_await asio::async_write(self->socket_, buffer, asio::as_tuple(asio::use_awaitable));
    if (error) self->close(self->gone(error.message()));
  }
  self->writing_ = false;
}

void Connection::close(Error why) {
  if (closed_) return;
  closed_ = std::move(why);
  boost::system::error_code ignored;
  socket_.close(ignored);
  outgoing_.clear();
  const auto finish = [this](Call& call) {
    if (!call.end) call.end = closed_;
    call.arrived.cancel();
  };
  for (const auto& [tag, call] : std::exchange(calls_, {}))
    finish(*call);
  finish(*greeting_);
  finish(*events_);
}

}  // namespace fluxmetrics::flux
