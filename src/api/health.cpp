#include "api/health.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "instance/scheduler_findings.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::api {
namespace {

struct Check {
  std::string_view name;
  std::string trouble;  // "" when it passes
  bool counts = true;   // otherwise it is listed for information, and the verdict leaves it out
};

// Answering at all is what ping shows. The others are matters of readiness alone, as Kubernetes has it.
std::vector<Check> checks_of(const Route& route, const HealthState& state) {
  std::vector<Check> checks{{.name = "ping", .trouble = {}}};
  if (route.endpoint != "readyz") return checks;
  if (state.authentication) checks.push_back({.name = "authentication", .trouble = *state.authentication});
  checks.push_back(
      {.name = "shutdown", .trouble = state.server_ending ? "the process is shutting down" : ""});
  checks.push_back({.name = "flux", .trouble = state.data_trouble.value_or(""), .counts = false});
  return checks;
}

http::Response text(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

// The list of checks, and whether all pass that count.
std::pair<std::string, bool> verbose(const std::string& endpoint, const http::Target& target,
                                     const std::vector<Check>& checks) {
  std::vector<std::string_view> excluded;
  for (const auto& [key, value] : target.query) {
    if (key == "exclude") excluded.push_back(value);
  }
  std::string body;
  bool good = true;
  for (const auto& [name, trouble, counts] : checks) {
    if (std::erase(excluded, name) > 0) {
      body += fmt::format("[+]{} excluded: ok\n", name);
    } else if (!counts) {
      body +=
          fmt::format("[i]{} {}, not part of the verdict\n", name, trouble.empty() ? "ok" : "has no data");
    } else if (trouble.empty()) {
      body += fmt::format("[+]{} ok\n", name);
    } else {
      good = false;
      body += fmt::format("[-]{} failed: reason withheld\n", name);
    }
  }
  if (!excluded.empty()) {
    std::vector<std::string> quoted;
    quoted.reserve(excluded.size());
    for (const auto name : excluded)
      quoted.push_back(kube::go_quote(name));
    body += fmt::format("warn: some health checks cannot be excluded: no matches for {}\n",
                        fmt::join(quoted, ","));
  }
  return {fmt::format("{}{} check {}\n", body, endpoint, good ? "passed" : "failed"), good};
}

std::string told(const metrics::Draining& draining) {
  if (draining.waits.empty()) return "draining: nothing waits\n";
  const auto jobs = draining.jobs.empty() ? "" : fmt::format(", by {}", draining.jobs);
  return fmt::format("draining: {}{} (since {})\n", draining.waits, jobs, format_rfc3339(draining.since));
}

std::string told(const HealthState& state) {
  const auto& effort = state.effort;
  const std::string list = effort.journal
                               ? "reported by the events journal"
                               : fmt::format("last listed in {:.1f} ms", effort.full_list.count() * 1e3);
  auto text = fmt::format(
      "ok\nstate: {}\nreturned: {} times\nbroker time: at most {:.3f} %\njobs: {}, {}\nscheduler: {}\n",
      to_string(state.condition), state.returns, effort.share * 100, effort.jobs, list,
      describe(state.scheduler));
  if (state.draining) text += told(*state.draining);
  for (const auto& finding : instance::scheduler_findings(state.scheduler))
    text += fmt::format("\nwarning: {}\n", text_of(finding));
  return text;
}

}  // namespace

std::optional<http::Response> answer_health(const Route& route, const http::Target& target,
                                            const HealthState& state) {
  const auto checks = checks_of(route, state);
  if (route.check.empty()) {
    const auto [list, good] = verbose(route.endpoint, target, checks);
    const bool brief = good && !target.query_value("verbose");
    auto response = text(good ? 200 : 500, brief ? "ok" : list);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }
  if (route.check == "flux" && route.endpoint == "readyz") {
    if (state.data_trouble) {
      return text(500, fmt::format("internal server error: {}\nstate: {}\n", *state.data_trouble,
                                   to_string(state.condition)));
    }
    if (state.draining && !state.draining->trouble.empty())
      return text(500, fmt::format("internal server error: {}\nstate: {}\n", state.draining->trouble,
                                   to_string(state.condition)));
    return text(200, target.query_value("verbose") ? told(state) : "ok");
  }
  const auto check = std::ranges::find(checks, std::string_view(route.check), &Check::name);
  if (check == checks.end()) return std::nullopt;
  return check->trouble.empty() ? text(200, "ok")
                                : text(500, fmt::format("internal server error: {}\n", check->trouble));
}

}  // namespace fluxmetrics::api
