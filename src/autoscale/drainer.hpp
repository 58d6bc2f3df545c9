// Drains nodes before an autoscaler is told that they are not needed, and undrains them when it knows that
// they are: a thread with a contact to the broker of its own, which makes one round after another.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autoscale/round.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "metrics/snapshot.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::autoscale {

struct DrainerOptions {
  std::vector<std::string> socket_paths = {};  // tried in order, again and again, until one answers
  bool follow_to_top = true;
  sizing::ResizePolicy policy = {};  // `writes` is false: an autoscaler does
  WatchedCluster cluster = {};
  Clock clock = Now::read;
};

// Whether the broker lets us drain, when one answers now; one that does not is no error. Errors: as
// may_act() and may_drain().
[[nodiscard]] Result<void> check_drainer(const DrainerOptions& options);

class Drainer {
 public:
  // `store` and `publisher` must live as long as this.
  Drainer(DrainerOptions options, metrics::Store& store, metrics::Publisher& publisher);
  Drainer(const Drainer&) = delete;
  Drainer& operator=(const Drainer&) = delete;
  ~Drainer();  // as stop()

  void start();
  // On any thread: what is needed, and that it was heard.
  void on_needed(const metrics::Needed& needed);
  // On any thread: the collector lost the broker.
  void on_silence();
  // On any thread: WatchedCluster::leaving() may have changed.
  void on_pods();
  // Undrains what need not stay drained, and returns when that is done or cannot be. To be called when nobody
  // reads any more, while the collector still runs.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::autoscale
