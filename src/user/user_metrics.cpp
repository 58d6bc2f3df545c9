#include "user/user_metrics.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "user/expressions.hpp"
#include "user/python.hpp"
#include "user/yaml_file.hpp"

namespace fluxmetrics::user {
namespace {

constexpr const char* this_program = "/proc/self/exe";

bool is_yaml(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

}  // namespace

Result<std::unique_ptr<UserMetrics>> UserMetrics::open(const UserMetricsOptions& options) {
  std::vector<Expression> expressions;
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& path : options.files) {
    if (is_yaml(path)) {
      auto more = read_expressions(path);
      if (!more) return std::unexpected(more.error());
      std::ranges::move(*more, std::back_inserter(expressions));
    } else if (path.ends_with(".py")) {
      auto source = PythonSource::open(path, options.socket_paths, options.max_staleness);
      if (!source) return std::unexpected(source.error());
      sources.push_back(*std::move(source));
    } else {
      return fail(Code::invalid,
                  "--custom-metric {}: the file must be a .yaml file with expressions, or a .py file with "
                  "functions",
                  path);
    }
  }
  if (!expressions.empty()) {
    auto source = ExpressionSource::open(this_program, std::move(expressions), options.max_staleness);
    if (!source) return std::unexpected(source.error());
    sources.push_back(*std::move(source));
  }

  std::unique_ptr<UserMetrics> made(new UserMetrics());
  std::vector<metrics::UserMetric> all;
  for (auto& source : sources) {
    const auto first = all.size();
    std::ranges::copy(source->metrics(), std::back_inserter(all));
    made->workers_.push_back(std::make_unique<Worker>(std::move(source), first));
  }
  auto catalogue = metrics::Catalogue::with(std::move(all));
  if (!catalogue) return std::unexpected(catalogue.error());
  made->catalogue_ = *std::move(catalogue);
  return made;
}

void UserMetrics::start(const Sink& sink) {
  for (auto& worker : workers_)
    worker->start(sink);
}

void UserMetrics::on_state(const std::shared_ptr<const instance::InstanceState>& state, Now confirmed) {
  for (auto& worker : workers_)
    worker->on_state(state, confirmed);
}

}  // namespace fluxmetrics::user
