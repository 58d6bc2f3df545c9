#include "commands/plan_vectors.hpp"

#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/output.hpp"
#include "hpa/vectors.hpp"

namespace fluxmetrics::commands {
namespace {

namespace json = boost::json;

void print_vectors_json(const hpa::VectorReport& report) {
  json::array differences;
  for (const auto& difference : report.differences) {
    differences.push_back(json::object{{"line", difference.line},
                                       {"scenario", difference.scenario},
                                       {"step", difference.step},
                                       {"t", difference.t_ms},
                                       {"field", difference.field},
                                       {"recorded", difference.recorded},
                                       {"decided", difference.decided}});
  }
  const json::object document{{"scenarios", report.scenarios},
                              {"steps", report.steps},
                              {"differences", report.differences.size()},
                              {"differentSteps", report.different_steps},
                              {"details", std::move(differences)}};
  fmt::print("{}\n", json::serialize(document));
}

void print_vectors_table(const hpa::VectorReport& report) {
  for (const auto& difference : report.differences) {
    fmt::print("line {} ({}), step {}, t {} ms: {} is {}, recorded {}\n", difference.line,
               printable(difference.scenario), difference.step, difference.t_ms, difference.field,
               printable(difference.decided), printable(difference.recorded));
  }
  fmt::print("scenarios {}\nsteps {}\ndifferences {}\n", report.scenarios, report.steps,
             report.differences.size());
}

}  // namespace

int run_plan_vectors(const std::string& vectors, std::optional<hpa::KubernetesVersion> version,
                     const std::string& output) {
  if (output == "csv") {
    log::error("-o csv is for --trace and --workload: --vectors is reported as table or json");
    return exit_misused;
  }
  std::ifstream file;
  const bool standard_input = vectors == "-";
  if (!standard_input) {
    file.open(vectors);
    // A directory opens, and fails when it is read.
    if (!file || (file.peek(), file.bad())) {
      log::error("cannot read the vectors {}: {}", vectors,
                 std::generic_category().message(errno == 0 ? EIO : errno));
      return exit_misused;
    }
    file.clear();
  }
  const auto report = hpa::compare_vectors(standard_input ? std::cin : file, version);
  if (!report) {
    log::error("{}: {}", vectors, report.error().message);
    return exit_misused;
  }
  if (report->scenarios == 0) {
    log::error("{} holds no scenario: nothing was compared", standard_input ? "standard input" : vectors);
    return exit_misused;
  }
  if (output == "json") {
    print_vectors_json(*report);
  } else {
    print_vectors_table(*report);
  }
  return report->differences.empty() ? exit_fine : exit_failed;
}

}  // namespace fluxmetrics::commands
