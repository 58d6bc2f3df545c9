// The instance's state as a stream: all of it, then what changes, then now and then that it still holds. The
// lines are the messages of instance/state_message.hpp, which instance::StateReader puts together again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/worker.hpp"
#include "base/clock.hpp"
#include "http/body_source.hpp"
#include "kube/status.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::agent {

struct StreamOptions {
  std::size_t most = 16;         // open ones
  std::size_t most_of_user = 4;  // of these
  Seconds heartbeat{5};          // a line comes at least so often
  Seconds longest_life{1800};    // then it ends, so that its client's rights are looked at again
};

class StateStream;

// Used on the serving thread only.
class StateStreams {
 public:
  // Who follows: a user, and which of its replicas.
  using Key = std::pair<std::string, std::string>;

  // `store` and `worker` must live as long as this and its streams.
  StateStreams(StreamOptions options, const metrics::Store& store, Worker& worker)
      : options_(options), store_(store), worker_(worker) {}
  StateStreams(const StateStreams&) = delete;
  StateStreams& operator=(const StateStreams&) = delete;
  ~StateStreams() { store_.on_change(nullptr); }

  // Another one of the same key ends, or else the oldest of a user who has as many as may be. `executor` is
  // the serving thread's. Errors: 429 when too many are open.
  [[nodiscard]] std::expected<std::shared_ptr<http::BodySource>, kube::Status> open(
      Key key, boost::asio::any_io_executor executor);
  [[nodiscard]] std::size_t count() const { return streams_.size(); }

 private:
  friend class StateStream;
  void listen(const boost::asio::any_io_executor& executor);
  void wake();
  void remove(const Key& key, const StateStream* stream);
  void end_oldest_of(const std::string& user);

  StreamOptions options_;
  const metrics::Store& store_;
  Worker& worker_;
  std::map<Key, StateStream*> streams_;  // each leaves when it ends
  std::uint64_t opened_ = 0;             // streams, ever
};

}  // namespace fluxmetrics::agent
