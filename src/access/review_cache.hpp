// Answers of reviews, kept until they expire; equal questions that come while one is under way wait for its
// answer instead of asking again. Used on one executor, the serving one.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fluxmetrics::access {

template <class Value>
class ReviewCache {
 public:
  struct Answer {
    Value value = {};
    MonoTime until = {};  // it may be kept so long; a time that has passed = not at all
  };
  using Ask = std::function<boost::asio::awaitable<Result<Answer>>()>;

  explicit ReviewCache(std::size_t most_kept, std::size_t most_under_way)
      : most_kept_(most_kept), most_under_way_(most_under_way) {}

  // The answer kept for `key`, of the same question under way, or of `ask`. Errors are not kept.
  boost::asio::awaitable<Result<Answer>> get(std::string key, Ask ask) {
    const auto now = std::chrono::steady_clock::now();
    if (const auto found = kept_.find(key); found != kept_.end() && now < found->second.until) {
      co_return found->second;
    }
    const auto executor = co_await boost::asio::this_coro::executor;
    std::shared_ptr<Flight> flight = find_flight(key);
    if (!flight) {
      if (flights_.size() >= most_under_way_) {
        co_return fail(Code::unavailable, "{} reviews are under way already", flights_.size());
      }
      flight = std::make_shared<Flight>(executor);
      flights_[key] = flight;
      auto work = fly(flight, std::move(key), std::move(ask));
      boost::asio::co_spawn(executor, std::move(work), [](const std::exception_ptr&) {});
    }
    while (!flight->answer) {
      boost::system::error_code ignored;
      co_await flight->done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    co_return *flight->answer;
  }

 private:
  // Owned by the coroutines that fly it and wait for it, so that it never outlives their executor.
  struct Flight {
    explicit Flight(const boost::asio::any_io_executor& executor) : done(executor, MonoTime::max()) {}
    boost::asio::steady_timer done;
    std::optional<Result<Answer>> answer;
  };

  [[nodiscard]] std::shared_ptr<Flight> find_flight(const std::string& key) {
    const auto found = flights_.find(key);
    return found == flights_.end() ? nullptr : found->second.lock();
  }

  boost::asio::awaitable<void> fly(std::shared_ptr<Flight> flight, std::string key, Ask ask) {
    Result<Answer> answer = fail(Code::unavailable, "a review was not answered");
    try {
      answer = co_await ask();
    } catch (const std::exception& fault) {
      answer = fail(Code::internal, "a review ended: internal error: {}", fault.what());
    }
    flights_.erase(key);
    if (answer) keep(std::move(key), *answer);
    flight->answer = std::move(answer);
    flight->done.cancel();
  }

  void keep(std::string key, const Answer& answer) {
    const auto now = std::chrono::steady_clock::now();
    if (answer.until <= now) return;
    if (kept_.size() >= most_kept_) {
      std::erase_if(kept_, [now](const auto& entry) { return entry.second.until <= now; });
      if (kept_.size() >= most_kept_) kept_.clear();
    }
    kept_.insert_or_assign(std::move(key), answer);
  }

  std::size_t most_kept_;
  std::size_t most_under_way_;
  std::unordered_map<std::string, Answer> kept_;
  std::unordered_map<std::string, std::weak_ptr<Flight>> flights_;
};

}  // namespace fluxmetrics::access
