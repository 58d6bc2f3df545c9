#include "explain/cluster_reader.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/json_path.hpp"
#include "http/message.hpp"
#include "kube/client_error.hpp"

namespace fluxmetrics::explain {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

constexpr std::size_t longest_answer = 400;

NoDocument nothing_answered(const std::string& path, const std::string& why) {
  return {.sentence = fmt::format("{}: {}", path, why), .client = why};
}

std::string root_of(std::string_view version) {
  return fmt::format("/{}/{}", group_of(version).empty() ? "api" : "apis", version);
}

}  // namespace

std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? "" : api_version.substr(0, slash);
}

std::string ServedKind::root() const {
  return root_of(version);
}

std::string ServedKind::qualified() const {
  const auto group = group_of(version);
  return group.empty() ? plural : fmt::format("{}.{}", plural, group);
}

Read<json::value> ClusterReader::get(const std::string& path, std::string_view resource,
                                     std::string_view name) {
  std::optional<Result<http::Fetched>> answer;
  kube::RestCall call{.path = path, .retry = kube::once};
  io_.restart();
  asio::co_spawn(io_, client_.call(std::move(call)),
                 [&](const std::exception_ptr& fault, Result<http::Fetched> done) {
                   if (!fault) answer = std::move(done);
                 });
  io_.run();
  if (!answer) return std::unexpected(nothing_answered(path, "the call ended without an answer"));
  if (!*answer) return std::unexpected(nothing_answered(path, answer->error().message));
  const auto& got = **answer;
  if (got.status != 200) {
    return std::unexpected(NoDocument{
        .status = got.status,
        .from_api = kube::is_status(got),
        .sentence = fmt::format("{} answers {}", path, printable(kube::message_of(got), longest_answer)),
        .client = kube::client_error(got, resource, name)});
  }
  boost::system::error_code broken;
  auto document = json::parse(got.body, broken);
  if (broken) return std::unexpected(nothing_answered(path, "the answer is not JSON"));
  return document;
}

Read<std::string> ClusterReader::plural_of(const std::string& version, const std::string& kind) {
  const auto list = get(root_of(version));
  if (!list) return std::unexpected(list.error());
  for (const auto& resource : items_at(*list, {"resources"})) {
    auto name = text_at(resource, {"name"});
    if (text_at(resource, {"kind"}) == kind && !name.contains('/')) return name;
  }
  return std::unexpected(NoDocument{.status = 404});
}

Read<ServedKind> ClusterReader::find_kind(const std::string& api_version, const std::string& kind) {
  const auto group = std::string(group_of(api_version));
  auto plural = plural_of(api_version, kind);
  if (plural) return ServedKind{.version = api_version, .plural = std::move(*plural)};
  if (plural.error().status != 404) return std::unexpected(plural.error());
  const auto versions = group.empty() ? Read<json::value>() : get("/apis/" + http::percent_encoded(group));
  if (!versions && versions.error().status != 404) return std::unexpected(versions.error());
  std::vector<std::string> served;
  if (versions) {
    served.push_back(text_at(*versions, {"preferredVersion", "groupVersion"}));
    for (const auto& version : items_at(*versions, {"versions"}))
      served.push_back(text_at(version, {"groupVersion"}));
  }
  for (const auto& version : served) {
    if (version.empty() || version == api_version) continue;
    if (auto found = plural_of(version, kind))
      return ServedKind{.version = version, .plural = std::move(*found)};
  }
  const auto why = fmt::format(R"(no matches for kind "{}" in group "{}")", kind, group);
  return std::unexpected(NoDocument{.status = 404, .from_api = true, .sentence = why, .client = why});
}

Read<ServedKind> ClusterReader::kind(const std::string& api_version, const std::string& kind) {
  const std::pair key(api_version, kind);
  auto found = kinds_.find(key);
  if (found == kinds_.end()) found = kinds_.emplace(key, find_kind(api_version, kind)).first;
  return found->second;
}

}  // namespace fluxmetrics::explain
