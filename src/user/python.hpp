// Metrics of a .py file: each public function is one, called with a Flux handle by a Python process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/child.hpp"
#include "user/source.hpp"

namespace fluxmetrics::user {

// One that writes too much is not heard any more for a while.
class Chatter {
 public:
  static constexpr int most_lines = 20;
  static constexpr std::chrono::seconds window{60};
  explicit Chatter(std::string file) : file_(std::move(file)) {}
  void operator()(std::string_view line);

 private:
  std::string file_;
  int lines_ = 0;
  MonoTime since_;
};

class PythonSource : public Source {
 public:
  // Uses python3 on PATH when it has Flux's bindings, else `flux python`. Errors: Code::invalid naming the
  // file, with the line and the function where there is one; no Python that has the bindings.
  static Result<std::unique_ptr<PythonSource>> open(std::string file, std::vector<std::string> socket_paths,
                                                    Seconds max_staleness);

  [[nodiscard]] std::span<const metrics::UserMetric> metrics() const override { return metrics_; }
  [[nodiscard]] Rhythm rhythm() const override;
  [[nodiscard]] bool reads_state() const override { return false; }
  [[nodiscard]] bool of_state(std::size_t /*index*/) const override { return false; }
  [[nodiscard]] Result<void> prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                     WallTime confirmed) override;
  [[nodiscard]] Outcome evaluate(std::size_t index) override;
  void set_stop(int descriptor) override;

 private:
  struct Greeting {
    std::vector<metrics::UserMetric> metrics;
    bool no_bindings = false;  // and `trouble` says how that shows
    std::string trouble;
  };
  PythonSource(std::string file, std::vector<std::string> socket_paths, Seconds max_staleness);
  [[nodiscard]] Result<void> find_python();
  // Starts `interpreter` and takes its greeting.
  [[nodiscard]] Result<Greeting> start(const std::vector<std::string>& interpreter);
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] std::vector<metrics::UserMetric> described(const boost::json::object& greeting) const;

  std::string file_;
  std::vector<std::string> socket_paths_;
  Seconds max_staleness_;
  std::vector<std::string> interpreter_;  // the program and its first arguments
  std::vector<std::string> inherited_;    // environment, less what is ours to say
  std::vector<metrics::UserMetric> metrics_;
  int stop_ = -1;
  std::optional<Child> child_;
};

}  // namespace fluxmetrics::user
