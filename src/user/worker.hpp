// Works out the metrics of one source on a thread of its own, round after round, and hands on what came of
// it. What kills its child is tried again alone and later each time.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "metrics/snapshot.hpp"
#include "user/back_off.hpp"
#include "user/source.hpp"

namespace fluxmetrics::user {

using Sink = std::function<void(std::vector<metrics::UserReading>)>;

class Worker {
 public:
  // `first`: place of the source's first metric among all of the user's.
  Worker(std::unique_ptr<Source> source, std::size_t first);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();
  [[nodiscard]] const Source& source() const { return *source_; }

  void start(Sink sink);
  // The newest state, on any thread; never waits for a round.
  void on_state(std::shared_ptr<const instance::InstanceState> state, Now confirmed);

 private:
  using Items = Result<std::vector<metrics::Item>>;
  using State = std::shared_ptr<const instance::InstanceState>;
  void run(const std::stop_token& stop);
  // Waits for a reason to work. False: the end.
  bool await_round(const std::stop_token& stop);
  [[nodiscard]] MonoTime next_retry() const;
  void round(const std::stop_token& stop);
  void work_out(std::size_t index);
  [[nodiscard]] bool is_ready();
  void set(std::size_t index, Items items, Now measured);
  void fail_all(const Error& error);
  void deliver();
  void tell(std::size_t index, const std::string& trouble);

  std::unique_ptr<Source> source_;
  std::size_t first_;
  Sink sink_;
  int stop_event_;

  std::mutex mutex_;  // of the two below
  std::condition_variable_any changed_;
  State newest_;
  Now newest_confirmed_{};

  // The thread's own.
  State state_;  // of the round
  Now confirmed_{};
  bool worked_ = false;        // on state_
  MonoTime ended_;             // when the last round did
  MonoTime::duration cost_{};  // of the last round, less what failed in it
  BackOff preparing_;
  std::vector<BackOff> benches_;  // by metric: those that took the child's life
  std::vector<std::string> told_;
  std::vector<metrics::UserReading> news_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace fluxmetrics::user
