// A thread for what takes too long for the serving thread: one writes states, another one talks to the
// broker.
#pragma once

#include <memory>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fluxmetrics::agent {

class Worker {
 public:
  Worker() : thread_([this] { io_.run(); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // What is under way is given up. Who waits for it must not run any more, but still exist.
  ~Worker() {
    io_.stop();
    thread_.join();
  }
  // Does the work there, and is over on the executor of the caller.
  template <class T>
  boost::asio::awaitable<T> run(boost::asio::awaitable<T> work) {
    return boost::asio::co_spawn(io_, std::move(work), boost::asio::use_awaitable);
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> open_{io_.get_executor()};
  std::thread thread_;
};

}  // namespace fluxmetrics::agent
