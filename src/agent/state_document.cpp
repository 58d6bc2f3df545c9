#include "agent/state_document.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "instance/state_message.hpp"

namespace fluxmetrics::agent {

namespace asio = boost::asio;

namespace {

asio::awaitable<std::string> write_document(std::shared_ptr<const metrics::Snapshot> snapshot) {
  co_return instance::state_document(
      *snapshot->state, {.generation = snapshot->generation, .confirmed = snapshot->confirmed.wall},
      StateDocument::most_jobs);
}

}  // namespace

// Of the one document that is being written; those who wait look again when it is over, also by a fault.
struct StateDocument::Writing {
  Writing(StateDocument& owner, const asio::any_io_executor& executor) : document(owner) {
    document.written_ = std::make_shared<asio::steady_timer>(executor, MonoTime::max());
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() { std::exchange(document.written_, nullptr)->cancel(); }
  StateDocument& document;
};

asio::awaitable<StateDocument::Written> StateDocument::of(std::shared_ptr<const metrics::Snapshot> snapshot) {
  while (const auto written = written_)
    co_await written->async_wait(asio::as_tuple(asio::use_awaitable));
  if (!last_.snapshot || last_.snapshot->generation < snapshot->generation) {
    const Writing writing(*this, co_await asio::this_coro::executor);
    auto text = co_await worker_.run(write_document(snapshot));
    last_ = {.snapshot = std::move(snapshot), .text = std::make_shared<const std::string>(std::move(text))};
  }
  co_return last_;
}

}  // namespace fluxmetrics::agent
