#include "http/pooled_client.hpp"

#include <boost/asio/steady_timer.hpp>

namespace fluxmetrics::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t max_body = 16U << 20U;
constexpr std::size_t most_kept = 16;
constexpr auto kept_for = std::chrono::seconds(60);  // API servers and their balancers close later than this

// Aborts a connection when its time is up.
class Deadline {
 public:
  Deadline(const asio::any_io_executor& executor, const std::shared_ptr<ClientConnection>& connection,
           MonoTime when)
      : timer_(executor, when), passed_(std::make_shared<bool>(false)) {
    timer_.async_wait([connection = std::weak_ptr(connection), passed = passed_](const auto& error) {
      if (error) return;
      *passed = true;
      if (const auto open = connection.lock()) open->abort();
    });
  }
  [[nodiscard]] bool passed() const { return *passed_; }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<bool> passed_;
};

std::unexpected<Error> too_late(const std::string& url, Seconds timeout) {
  return fail(Code::timed_out, "{} did not answer within {:g} s", url, timeout.count());
}

MonoTime after(Seconds time) {
  return std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(time);
}

}  // namespace

asio::awaitable<Result<std::string>> ResponseStream::next(Seconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  const Deadline deadline(executor, connection_, after(timeout));
  auto piece = co_await connection_->read_body();
  if (!piece && deadline.passed()) {
    co_return fail(Code::timed_out, "nothing came within {:g} s", timeout.count());
  }
  co_return piece;
}

std::shared_ptr<ClientConnection> PooledClient::take_idle() {
  const auto now = std::chrono::steady_clock::now();
  while (!idle_.empty()) {
    auto kept = std::move(idle_.back());
    idle_.pop_back();
    if (now - kept.since < kept_for && kept.connection->quiet()) return std::move(kept.connection);
  }
  return nullptr;
}

void PooledClient::keep(std::shared_ptr<ClientConnection> connection) {
  if (!connection->reusable() || idle_.size() >= most_kept) return;
  idle_.push_back({.connection = std::move(connection), .since = std::chrono::steady_clock::now()});
}

asio::awaitable<Result<Fetched>> PooledClient::run(std::shared_ptr<ClientConnection> connection,
                                                   bool connected, OutgoingRequest request, bool whole) {
  if (!connected) {
    auto opened = co_await connection->connect(tls_);
    if (!opened) co_return std::unexpected(opened.error());
  }
  auto sent = co_await connection->send(std::move(request), true);
  if (!sent) co_return std::unexpected(sent.error());
  auto fetched = co_await connection->receive_head(whole ? max_body : std::size_t(-1));
  if (!fetched || !whole) co_return fetched;
  auto body = co_await connection->receive_rest();
  if (!body) co_return std::unexpected(body.error());
  fetched->body = std::move(*body);
  co_return fetched;
}

asio::awaitable<Result<Fetched>> PooledClient::exchange(OutgoingRequest request, Seconds timeout,
                                                        Resend resend) {
  const auto end = after(timeout);
  for (;;) {
    auto connection = take_idle();
    const bool kept = connection != nullptr;
    if (!kept) connection = std::make_shared<ClientConnection>(executor_, to_, server_name_);
    const Deadline deadline(executor_, connection, end);
    auto fetched = co_await run(connection, kept, request, true);
    if (fetched) {
      keep(std::move(connection));
      co_return fetched;
    }
    if (deadline.passed()) co_return too_late(to_.url, timeout);
    const bool went_stale = kept && !connection->answered() && fetched.error().code == Code::unavailable;
    if (!went_stale || resend == Resend::never) co_return fetched;
  }
}

asio::awaitable<Result<ResponseStream>> PooledClient::stream(OutgoingRequest request, Seconds timeout) {
  auto connection = std::make_shared<ClientConnection>(executor_, to_, server_name_);
  const Deadline deadline(executor_, connection, after(timeout));
  auto head = co_await run(connection, false, std::move(request), false);
  if (!head && deadline.passed()) co_return too_late(to_.url, timeout);
  if (!head) co_return std::unexpected(head.error());
  ResponseStream stream(std::move(connection), std::move(*head));
  co_return stream;
}

}  // namespace fluxmetrics::http
