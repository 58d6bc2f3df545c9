// What a collector tells, and to whom.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "instance/rpc_times.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

// What the collector asks of the broker.
struct Effort {
  double share = 0;      // of the broker's time during the last minute: an estimate from above, 0..1
  Seconds full_list{0};  // how long the last full list of jobs took; 0 when the journal stands for it
  std::size_t jobs = 0;  // that the collector keeps
  bool journal = false;  // jobs are told by the events journal
};

// Why there is no fresh state.
struct Trouble {
  enum class Kind {
    gone,    // nobody answers at the socket, or the connection broke
    silent,  // a broker is there, and says nothing in time
    ending,  // the instance shuts down
  } kind = Kind::gone;
  std::string reason;  // a sentence ("no broker answers at ...")
};

// Called on the collector's own thread.
struct CollectorSink {
  // The broker confirmed this state at `confirmed`. The same pointer as before means: nothing changed.
  std::function<void(std::shared_ptr<const InstanceState>, Now confirmed)> state;
  std::function<void(Trouble why)> trouble;
  // After each state; may be empty.
  std::function<void(const Effort&)> effort{};
  // How long the broker took, since this program began; after each state. May be empty.
  std::function<void(RpcTimes::Shared)> rpc_times{};
};

}  // namespace fluxmetrics::instance
