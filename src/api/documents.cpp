#include "api/documents.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/metric_resources.hpp"
#include "api/router.hpp"
#include "http/digest.hpp"
#include "kube/discovery.hpp"
#include "kube/metrics_api.hpp"
#include "kube/openapi.hpp"

namespace fluxmetrics::api {
namespace {

using boost::json::object;

Body in_form(const boost::json::value& value, kube::Form form) {
  return std::make_shared<const std::string>(encode(value, form));
}

constexpr kube::Form pretty_json{.format = kube::Format::json, .layout = kube::Layout::pretty};

std::string quoted(const std::string& hash) {
  return "\"" + hash + "\"";
}

AggregatedDiscovery aggregated(const std::string& version, const std::vector<kube::ApiGroup>& groups) {
  const auto list = kube::api_group_discovery_list(version, groups);
  const auto type = [&version](kube::Format format) {
    return fmt::format("{};g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", media_type(format), version);
  };
  return {
      .version = version,
      .document = Document(list),
      .etag = quoted(http::sha512_hex(*in_form(list, {}))),
      .content_types = {type(kube::Format::json), type(kube::Format::yaml), type(kube::Format::protobuf)}};
}

// What a Kubernetes API server tells of itself; the version is this program's.
boost::json::value version_document() {
  const std::string version = FLUXMETRICS_VERSION;
  const auto dot = version.find('.');
  const auto major = version.substr(0, dot);
  const auto minor = version.substr(dot + 1, version.find('.', dot + 1) - dot - 1);
  return object{{"major", major},
                {"minor", minor},
                {"emulationMajor", major},
                {"emulationMinor", minor},
                {"minCompatibilityMajor", major},
                {"minCompatibilityMinor", minor},
                {"gitVersion", "v" + version},
                {"gitCommit", ""},
                {"gitTreeState", ""},
                {"buildDate", "1970-01-01T00:00:00Z"},
                {"goVersion", ""},
                {"compiler", fmt::format("gcc {}.{}", __GNUC__, __GNUC_MINOR__)},
#if defined(__aarch64__)
                {"platform", "linux/arm64"}};
#else
                {"platform", "linux/amd64"}};
#endif
}

std::shared_ptr<const Page> share(Page page) {
  return std::make_shared<const Page>(std::move(page));
}

std::shared_ptr<const Page> openapi_page(Page::Kind kind, const boost::json::value& document) {
  return share({.kind = kind,
                .offer = Offer::only_json,
                .document = Document(document),
                .etag = quoted(http::sha512_hex(*in_form(document, {})))});
}

// Whether an extra root of that kind would hide something.
bool is_taken(Route::Kind kind) {
  return kind == Route::Kind::health || kind == Route::Kind::prometheus || kind == Route::Kind::subtree;
}

std::string joined(const std::vector<std::string>& segments) {
  std::string path;
  for (const auto& segment : segments)
    path += "/" + segment;
  return path;
}

}  // namespace

const Body& Document::in(kube::Form form) const {
  if (form.format != kube::Format::json) form.layout = kube::Layout::compact;  // it makes no difference there
  auto& body = bodies_[form];
  if (!body) body = in_form(object_, form);
  return body;
}

Documents::Documents(const ApiOptions& options) {
  if (!options.prometheus_only) add_pages(options);

  std::vector<std::string> paths = {"/healthz",     "/healthz/ping", "/livez",
                                    "/livez/ping",  "/metrics",      "/readyz",
                                    "/readyz/flux", "/readyz/ping",  "/readyz/shutdown"};
  for (const auto& [path, page] : pages_)
    paths.push_back(joined(path));
  std::ranges::sort(paths);
  index_ = in_form(object{{"paths", boost::json::array(paths.begin(), paths.end())}}, pretty_json);
}

void Documents::add_pages(const ApiOptions& options) {
  add("/version", share({.kind = Page::Kind::version,
                         .offer = Offer::only_json,
                         .document = Document(version_document())}));
  add_discovery(options);
  add_openapi();
  add_below_extra_root(options);
}

void Documents::add(const std::string& path, std::shared_ptr<const Page> page) {
  pages_.emplace(root_segments(path), std::move(page));
}

void Documents::add_discovery(const ApiOptions& options) {
  const auto groups = metric_groups(*options.catalogue);
  const auto address = options.port == 0 ? std::string() : fmt::format(":{}", options.port);
  // Control planes before 1.30 ask for v2beta1 only.
  add("/apis", share({.offer = Offer::group_list,
                      .document = Document(kube::api_group_list(groups, address)),
                      .aggregated = {aggregated("v2", groups), aggregated("v2beta1", groups)}}));
  for (const auto& group : groups) {
    const auto root = fmt::format("/apis/{}", group.name);
    add(root, share({.document = Document(kube::api_group(group))}));
    for (const auto& version : group.versions) {
      add(root + "/" + version.name, share({.document = Document(kube::api_resource_list(group, version))}));
    }
  }
}

void Documents::add_openapi() {
  const auto swagger = openapi_page(Page::Kind::openapi_v2, kube::swagger_document(FLUXMETRICS_VERSION));
  add("/openapi/v2", swagger);
  add("/schema", swagger);  // the prototype's two other places
  add(fmt::format("/apis/{}/v1beta2/openapi/v2", kube::custom_metrics_group), swagger);

  object documents;
  for (const auto& api : kube::metrics_apis) {
    const auto key = fmt::format("apis/{}/{}", api.group, api.version);
    Page page = *openapi_page(Page::Kind::openapi_v3, kube::openapi_document(api, FLUXMETRICS_VERSION));
    page.url = fmt::format("/openapi/v3/{}?hash={}", key, page.etag.substr(1, page.etag.size() - 2));
    documents[key] = object{{"serverRelativeURL", page.url}};
    add("/openapi/v3/" + key, share(std::move(page)));
  }
  auto index = *openapi_page(Page::Kind::openapi_v3, object{{"paths", std::move(documents)}});
  add("/openapi/v3", share(std::move(index)));
}

// The tree of v1beta2 once more, unless one of our own paths is there already.
void Documents::add_below_extra_root(const ApiOptions& options) {
  const auto root = root_segments(options.api_path);
  const auto target = http::parse_target(options.api_path);
  if (root.empty() || !target || is_taken(find_route(*target, {}).kind)) return;
  const auto below = joined(root);
  pages_.emplace(root, pages_.at({"apis", std::string(kube::custom_metrics_group), "v1beta2"}));
  add(below + "/openapi/v2", pages_.at({"openapi", "v2"}));
}

const Page* Documents::find(const http::Target& target) const {
  if (target.empty_segment) return nullptr;
  const auto found = pages_.find(target.segments);
  return found == pages_.end() ? nullptr : found->second.get();
}

}  // namespace fluxmetrics::api
