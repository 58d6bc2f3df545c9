// The state as one document, written once for everybody who asks for it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/worker.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::agent {

// Used on the serving thread only.
class StateDocument {
 public:
  // Of a stream there is no such limit.
  static constexpr std::size_t most_jobs = 50'000;

  // `worker` must live as long as this.
  explicit StateDocument(Worker& worker) : worker_(worker) {}
  StateDocument(const StateDocument&) = delete;
  StateDocument& operator=(const StateDocument&) = delete;

  struct Written {
    std::shared_ptr<const metrics::Snapshot> snapshot;
    std::shared_ptr<const std::string> text;  // instance::state_document(); "" with more than `most_jobs`
  };
  // Of this snapshot or a newer one. One is written at a time; who asks meanwhile waits.
  [[nodiscard]] boost::asio::awaitable<Written> of(std::shared_ptr<const metrics::Snapshot> snapshot);

 private:
  struct Writing;

  Worker& worker_;
  Written last_;
  std::shared_ptr<boost::asio::steady_timer> written_;  // waited for; null: none is being written
};

}  // namespace fluxmetrics::agent
