#include "api/waiting.hpp"

#include <exception>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fluxmetrics::api {

namespace asio = boost::asio;

// Shared by who waits and the work, whichever ends last.
struct Waiting::Wait {
  Wait(const asio::any_io_executor& executor, MonoTime until) : over(executor, until) {}
  asio::steady_timer over;
  bool done = false;
  std::exception_ptr fault;

  // Also when nobody has begun to wait: whoever begins then returns at once.
  void end() { over.expires_at(MonoTime::min()); }
};

// Of one who waits.
struct Waiting::Place {
  Place(Waiting& waiting_, Wait* wait_) : waiting(waiting_), wait(wait_) { waiting.waits_.insert(wait); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { waiting.waits_.erase(wait); }
  Waiting& waiting;
  Wait* wait;
};

asio::awaitable<bool> Waiting::wait(asio::awaitable<void> work, Seconds at_most) {
  const auto executor = co_await asio::this_coro::executor;
  auto until = std::chrono::steady_clock::now() + std::chrono::duration_cast<MonoTime::duration>(at_most);
  if (ended_) until = MonoTime::min();
  auto wait = std::make_shared<Wait>(executor, until);
  const Place place(*this, wait.get());
  asio::co_spawn(executor, std::move(work), [wait](std::exception_ptr fault) {
    wait->done = true;
    wait->fault = std::move(fault);
    wait->end();
  });
  boost::system::error_code ignored;
  co_await wait->over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (wait->fault) std::rethrow_exception(wait->fault);
  co_return wait->done;
}

void Waiting::end_all() {
  ended_ = true;
  for (auto* const wait : waits_)
    wait->end();
}

}  // namespace fluxmetrics::api
