#include "api/health.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <vector>

#include "kube/json.hpp"

namespace fluxmetrics::api {
namespace {

// Answering at all is what these show.
constexpr std::array<std::string_view, 1> checks = {"ping"};

http::Response text(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

std::string verbose(const std::string& endpoint, const http::Target& target) {
  std::vector<std::string_view> excluded;
  for (const auto& [key, value] : target.query) {
    if (key == "exclude") excluded.push_back(value);
  }
  std::string body;
  for (const auto check : checks) {
    const auto erased = std::erase(excluded, check);
    body += fmt::format("[+]{} {}\n", check, erased > 0 ? "excluded: ok" : "ok");
  }
  if (!excluded.empty()) {
    std::vector<std::string> quoted;
    quoted.reserve(excluded.size());
    for (const auto name : excluded)
      quoted.push_back(kube::go_quote(name));
    body += fmt::format("warn: some health checks cannot be excluded: no matches for {}\n",
                        fmt::join(quoted, ","));
  }
  return body + endpoint + " check passed\n";
}

std::string told(const instance::Effort& effort) {
  const std::string list = effort.journal
                               ? "told by the events journal"
                               : fmt::format("last listed in {:.1f} ms", effort.full_list.count() * 1e3);
  return fmt::format("ok\nbroker time: at most {:.3f} %\njobs: {}, {}\n", effort.share * 100, effort.jobs,
                     list);
}

}  // namespace

std::optional<http::Response> answer_health(const Route& route, const http::Target& target,
                                            const std::optional<std::string>& data_trouble,
                                            const instance::Effort& effort) {
  if (route.check.empty()) {
    auto response = text(200, target.query_value("verbose") ? verbose(route.endpoint, target) : "ok");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }
  if (route.check == "flux" && route.endpoint == "readyz") {
    if (data_trouble) return text(500, fmt::format("internal server error: {}\n", *data_trouble));
    return text(200, target.query_value("verbose") ? told(effort) : "ok");
  }
  if (std::ranges::find(checks, route.check) != checks.end()) return text(200, "ok");
  return std::nullopt;
}

}  // namespace fluxmetrics::api
