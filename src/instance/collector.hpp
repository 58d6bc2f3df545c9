// Keeps an InstanceState fresh: a stream says *that* something changed, bounded polls say *what*.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "instance/sink.hpp"

namespace fluxmetrics::instance {

struct CollectorOptions {
  std::vector<std::string> socket_paths;  // tried in order, again and again, until one answers
  bool follow_to_top = true;              // a sub-instance found by default leads to its top instance
  Seconds max_staleness{30};              // polls never stretch beyond half of it
  bool ask_module = true;                 // let the broker module tell the state, where there is one
  Clock clock = Now::read;
};

// Owns one thread, which also parses the replies, so that nothing heavy runs on the serving thread.
class Collector {
 public:
  Collector(CollectorOptions options, CollectorSink sink);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector();  // stops and joins

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::instance
