// The metrics of the user's own files (--custom-metric): read and checked at the start, worked out by child
// processes while the program runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "metrics/catalogue.hpp"
#include "user/worker.hpp"

namespace fluxmetrics::user {

struct UserMetricsOptions {
  std::vector<std::string> files;         // .yaml or .py
  std::vector<std::string> socket_paths;  // of the broker, to try in turn
  Seconds max_staleness{30};
};

class UserMetrics {
 public:
  // Errors: a sentence that names the file, and in it the line, expression or function.
  [[nodiscard]] static Result<std::unique_ptr<UserMetrics>> open(const UserMetricsOptions& options);
  // The built-in metrics and these.
  [[nodiscard]] const std::shared_ptr<const metrics::Catalogue>& catalogue() const { return catalogue_; }

  // Gives what comes of them to `sink`, from threads of its own, until this dies.
  void start(const Sink& sink);
  // Never waits.
  void on_state(const std::shared_ptr<const instance::InstanceState>& state, Now confirmed);

 private:
  UserMetrics() = default;
  std::shared_ptr<const metrics::Catalogue> catalogue_ = metrics::built_in();
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace fluxmetrics::user
