// What runs inside the broker behind the module's C file: a collector on a thread of its own, and what it
// found, as documents, exposition and feeds of changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "instance/collector.hpp"
#include "metrics/exposition.hpp"
#include "metrics/snapshot.hpp"
#include "module/options.hpp"

namespace fluxmetrics::module {

class Core;
using Messages = std::shared_ptr<const std::vector<std::string>>;

// One client that follows the state. It is ahead of its reader by no more messages than its window: what
// changes meanwhile is told in one piece when the reader has come after.
class Feed {
 public:
  Feed(Core& core, unsigned window) : core_(core), window_(window), credit_(window) {}
  // The next message; null when there is nothing to send now. Errors: the feed is over, and the sentence says
  // why: Code::unavailable (the broker does not answer, or ends), Code::timed_out (nobody reads).
  [[nodiscard]] Result<const std::string*> next(Now now);
  // The reader has read half a window more.
  void acknowledge();

 private:
  Core& core_;
  unsigned window_;
  unsigned credit_;  // messages that may be sent
  std::shared_ptr<const instance::InstanceState> sent_;
  std::uint64_t generation_ = 0;  // of what was sent
  Messages messages_;             // that are being sent
  std::size_t position_ = 0;      // of the next one
  std::string confirmation_;
  MonoTime paused_at_{};
  bool paused_ = false;
};

// All members are for one thread, the broker module's own; only what feeds the store runs on another.
class Core {
 public:
  // `woken` is called on the collector's thread when there is something new.
  Core(Options options, std::string socket_path, std::function<void()> woken);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() = default;

  // The state as a document. Errors: Code::unavailable before there is one, Code::invalid when it is too
  // large for one.
  [[nodiscard]] Result<std::string> document() const;
  // {"content_type", "text", "generation"}. Errors: Code::unavailable when there is nothing fresh.
  [[nodiscard]] Result<std::string> exposition(metrics::ExpositionFormat format, Now now) const;
  // Errors: Code::unavailable when there are as many as may be. A feed may not outlive this.
  [[nodiscard]] Result<std::unique_ptr<Feed>> open_feed(unsigned window, std::size_t open);
  // Whether the instance is shutting down.
  [[nodiscard]] bool ending() const;
  // A document about this itself.
  [[nodiscard]] std::string statistics(std::size_t feeds, Now now) const;
  // What several feeds share is kept from one call of this to the next.
  void begin_round() { shared_ = {}; }

 private:
  friend class Feed;
  struct Shared {
    std::shared_ptr<const instance::InstanceState> before, after;
    Messages messages;
  };
  [[nodiscard]] Messages messages_between(const std::shared_ptr<const instance::InstanceState>& before,
                                          const metrics::Snapshot& after);

  Options options_;
  std::function<void()> woken_;
  metrics::Store store_;
  metrics::Publisher publisher_;
  Shared shared_;
  std::optional<instance::Collector> collector_;  // last: it is joined before what it feeds goes
};

}  // namespace fluxmetrics::module
