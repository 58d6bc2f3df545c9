// Metrics of .yaml files: expressions over the instance's state, evaluated by a child process.
#pragma once

#include <optional>
#include <vector>

#include <boost/json/object.hpp>

#include "base/child.hpp"
#include "user/source.hpp"
#include "user/yaml_file.hpp"

namespace fluxmetrics::user {

class ExpressionSource : public Source {
 public:
  // `program`: this program's path, whose subcommand of this name is the child. Errors: Code::invalid naming
  // file, line and expression of one that cannot be compiled; Code::io when there is no child.
  static constexpr const char* subcommand = "evaluate-expressions";
  static Result<std::unique_ptr<ExpressionSource>> open(std::string program,
                                                        std::vector<Expression> expressions,
                                                        Seconds max_staleness);

  [[nodiscard]] std::span<const metrics::UserMetric> metrics() const override { return metrics_; }
  [[nodiscard]] Rhythm rhythm() const override;
  [[nodiscard]] bool reads_state() const override { return true; }
  [[nodiscard]] bool of_state(std::size_t index) const override { return !expressions_[index].tells_time(); }
  [[nodiscard]] Result<void> prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                     WallTime confirmed) override;
  [[nodiscard]] Outcome evaluate(std::size_t index) override;
  void set_stop(int descriptor) override;

 private:
  ExpressionSource(std::string program, std::vector<Expression> expressions, Seconds max_staleness);
  [[nodiscard]] Result<void> start();
  // What the child answers, an object. Errors: the child is gone.
  [[nodiscard]] Result<boost::json::object> ask(std::string_view line, Seconds limit);

  std::string program_;
  std::vector<Expression> expressions_;
  std::vector<metrics::UserMetric> metrics_;
  Seconds max_staleness_;
  bool tells_time_;  // one of them does
  int stop_ = -1;
  std::optional<Child> child_;
  std::shared_ptr<const instance::InstanceState> loaded_;  // what the child has
  WallTime loaded_confirmed_;                              // and its time
  std::string unknown_;  // why the state's lists are not what there is; "" = they are
};

}  // namespace fluxmetrics::user
