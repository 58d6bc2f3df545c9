// Reads an HPA and all that its controller would read from a cluster's API server.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "commands/explain.hpp"
#include "http/message.hpp"
#include "kube/quantity.hpp"
#include "kube/rest_client.hpp"
#include "kube/selector.hpp"

// GCC 12 at -O1 takes a coroutine frame's operator new and delete, both Asio's, for a mismatched pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace fluxmetrics::commands {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

using scaling::HpaMetric;
using scaling::MetricSource;

// A value deep in a document, or null.
const json::value& at(const json::value& document, std::initializer_list<std::string_view> path) {
  static const json::value nothing;
  const auto* value = &document;
  for (const auto name : path) {
    const auto* object = value->if_object();
    value = object == nullptr ? nullptr : object->if_contains(name);
    if (value == nullptr) return nothing;
  }
  return *value;
}

std::string text_at(const json::value& document, std::initializer_list<std::string_view> path) {
  const auto& value = at(document, path);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::int32_t int_at(const json::value& document, std::initializer_list<std::string_view> path) {
  const auto& value = at(document, path);
  boost::system::error_code wrong;
  const auto number = value.is_number() ? value.to_number<std::int32_t>(wrong) : 0;
  return wrong ? 0 : number;
}

std::optional<std::int64_t> quantity_at(const json::value& value) {
  const auto text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  const auto milli = kube::parse_milli_wrapping(text);
  return milli ? std::optional(*milli) : std::nullopt;
}

std::string hpas_of(const std::string& ns) {
  return fmt::format("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
                     http::percent_encoded(ns));
}

// The API server, one answer at a time.
class Cluster {
 public:
  explicit Cluster(kube::AccessSource access) : client_(io_.get_executor(), std::move(access)) {}

  Result<json::value> get(std::string path) {
    std::optional<Result<http::Fetched>> answer;
    kube::RestCall call{.path = path};
    io_.restart();
    asio::co_spawn(io_, client_.call(std::move(call)),
                   [&](const std::exception_ptr& fault, Result<http::Fetched> done) {
                     if (!fault) answer = std::move(done);
                   });
    io_.run();
    if (!answer) return fail(Code::internal, "the call of {} ended without an answer", path);
    if (!*answer) return std::unexpected(answer->error());
    if ((*answer)->status != 200) {
      const auto code = (*answer)->status == 404 ? Code::not_found : Code::unavailable;
      return fail(code, "{} answers {}: {}", path, (*answer)->status, kube::message_of(**answer));
    }
    boost::system::error_code broken;
    auto document = json::parse((*answer)->body, broken);
    if (broken) return fail(Code::protocol, "{} answers no JSON", path);
    return document;
  }

  // The path of a kind's objects in a namespace: /apis/GROUP/VERSION/namespaces/NS/PLURAL.
  Result<std::string> objects(const std::string& version, const std::string& kind, const std::string& ns) {
    const auto plural = plural_of(version, kind);
    if (!plural) return std::unexpected(plural.error());
    return fmt::format("{}/namespaces/{}/{}", root(version), http::percent_encoded(ns), *plural);
  }
  Result<std::string> plural_of(const std::string& version, const std::string& kind) {
    const auto list = get(root(version));
    if (!list) return std::unexpected(list.error());
    const auto& resources = at(*list, {"resources"});
    if (resources.is_array()) {
      for (const auto& resource : resources.get_array()) {
        auto name = text_at(resource, {"name"});
        if (text_at(resource, {"kind"}) == kind && name.find('/') == std::string::npos) return name;
      }
    }
    return fail(Code::not_found, "{} has no kind {}", version, kind);
  }

 private:
  static std::string root(const std::string& version) {
    const bool core = version.find('/') == std::string::npos;
    return fmt::format("/{}/{}", core ? "api" : "apis", version);
  }

  asio::io_context io_{1};
  kube::RestClient client_;
};

Result<kube::AccessSource> access_of(const ExplainOptions& options) {
  auto path = options.kubeconfig;
  const char* environment = std::getenv("KUBECONFIG");
  if (path.empty() && environment != nullptr) path = environment;
  if (!path.empty()) return kube::AccessSource::kubeconfig(path);
  if (auto account = kube::find_pod_account()) return kube::AccessSource::pod(std::move(*account));
  return fail(Code::invalid,
              "no cluster is named: give --kubeconfig FILE, set KUBECONFIG, or run this in a pod");
}

scaling::Resources resources_of(const json::value& value) {
  scaling::Resources resources;
  if (const auto* object = value.if_object()) {
    for (const auto& [name, quantity] : *object) {
      if (const auto milli = quantity_at(quantity)) resources[std::string(name)] = *milli;
    }
  }
  return resources;
}

scaling::HpaPod pod_of(const json::value& item) {
  scaling::HpaPod pod;
  pod.name = text_at(item, {"metadata", "name"});
  pod.phase = text_at(item, {"status", "phase"});
  pod.deleting = !at(item, {"metadata", "deletionTimestamp"}).is_null();
  if (const auto* labels = at(item, {"metadata", "labels"}).if_object()) {
    for (const auto& [key, value] : *labels) {
      if (value.is_string()) pod.labels.emplace_back(key, value.get_string());
    }
  }
  pod.ready = scaling::PodReady::absent;
  const auto& conditions = at(item, {"status", "conditions"});
  for (std::size_t i = 0; conditions.is_array() && i < conditions.get_array().size(); ++i) {
    const auto& condition = conditions.get_array()[i];
    if (text_at(condition, {"type"}) != "Ready") continue;
    const auto status = text_at(condition, {"status"});
    pod.ready = status == "True"    ? scaling::PodReady::yes
                : status == "False" ? scaling::PodReady::no
                                    : scaling::PodReady::unknown;
  }
  // How long it is ready is not asked: an hour, so that its samples count.
  pod.start_ms = pod.ready_since_ms = -3'600'000;
  for (const auto* list : {"containers", "initContainers"}) {
    const auto& containers = at(item, {"spec", list});
    for (std::size_t i = 0; containers.is_array() && i < containers.get_array().size(); ++i) {
      const auto& container = containers.get_array()[i];
      const bool initial = std::string_view(list) == "initContainers";
      if (initial && text_at(container, {"restartPolicy"}) != "Always") continue;
      pod.requests.emplace_back(text_at(container, {"name"}),
                                resources_of(at(container, {"resources", "requests"})));
    }
  }
  pod.pod_requests = resources_of(at(item, {"spec", "resources", "requests"}));
  return pod;
}

// One reading of everything; what cannot be read becomes a sentence.
class Reading {
 public:
  Reading(Cluster& cluster, std::string ns, ExplainSubject& subject)
      : cluster_(cluster), ns_(std::move(ns)), subject_(subject), seen_(subject.input.forecast.seen) {}

  Result<void> scale() {
    const auto path = path_of(subject_.input.forecast.spec.target);
    if (!path) return std::unexpected(path.error());
    const auto scale = cluster_.get(*path + "/scale");
    if (!scale) return std::unexpected(scale.error());
    seen_.spec_replicas = int_at(*scale, {"spec", "replicas"});
    seen_.status_replicas = int_at(*scale, {"status", "replicas"});
    seen_.selector = text_at(*scale, {"status", "selector"});
    if (!scaling::targets_minicluster(subject_.input.forecast.spec)) return {};
    if (const auto object = cluster_.get(*path)) {
      const auto max = int_at(*object, {"spec", "maxSize"});
      if (max > 0) subject_.input.max_size = max;
    }
    return {};
  }

  void pods() {
    const auto list =
        cluster_.get(fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}", http::percent_encoded(ns_),
                                 http::percent_encoded(seen_.selector)));
    if (!list) return trouble(list.error());
    auto& pods = seen_.pods.emplace();
    const auto& items = at(*list, {"items"});
    for (std::size_t i = 0; items.is_array() && i < items.get_array().size(); ++i)
      pods.push_back(pod_of(items.get_array()[i]));
    seen_.pods_listed = static_cast<std::int64_t>(pods.size());
    seen_.pods_ready = std::ranges::count_if(pods, [](const scaling::HpaPod& pod) {
      return pod.phase == "Running" && pod.ready == scaling::PodReady::yes;
    });
  }

  // HPAs whose targets select one of these pods: with two of them for a pod the controller scales by neither.
  // Those whose target cannot be read select nothing, there as here.
  void rivals(const std::string& own) {
    if (!seen_.pods || seen_.pods->empty()) return;
    const auto list = cluster_.get(hpas_of(ns_));
    if (!list) return trouble(list.error());
    const auto& items = at(*list, {"items"});
    for (std::size_t i = 0; items.is_array() && i < items.get_array().size(); ++i) {
      const auto& item = items.get_array()[i];
      auto name = text_at(item, {"metadata", "name"});
      if (name != own && selects_a_pod(item)) seen_.rivals.push_back(std::move(name));
    }
  }

  void metrics() {
    for (const auto& metric : subject_.input.forecast.spec.metrics) {
      switch (metric.source) {
        case MetricSource::object:
          object(metric);
          break;
        case MetricSource::pods:
          pod_metric(metric);
          break;
        case MetricSource::external:
          external(metric);
          break;
        case MetricSource::resource:
        case MetricSource::container_resource:
          resource();
          break;
        case MetricSource::unknown:
          break;
      }
    }
  }

 private:
  Result<std::string> path_of(const scaling::HpaObject& target) {
    const auto objects = cluster_.objects(target.api_version, target.kind, ns_);
    if (!objects) return std::unexpected(objects.error());
    return fmt::format("{}/{}", *objects, http::percent_encoded(target.name));
  }

  bool selects_a_pod(const json::value& hpa) {
    const auto target = path_of({.api_version = text_at(hpa, {"spec", "scaleTargetRef", "apiVersion"}),
                                 .kind = text_at(hpa, {"spec", "scaleTargetRef", "kind"}),
                                 .name = text_at(hpa, {"spec", "scaleTargetRef", "name"})});
    if (!target) return false;
    const auto scale = cluster_.get(*target + "/scale");
    const auto text = scale ? text_at(*scale, {"status", "selector"}) : std::string();
    const auto selector = kube::Selector::parse(text);
    if (text.empty() || !selector) return false;
    return std::ranges::any_of(*seen_.pods,
                               [&](const scaling::HpaPod& pod) { return selector->matches(pod.labels); });
  }

  void trouble(const Error& error) { subject_.assumptions.push_back(error.message); }

  // The version of custom.metrics.k8s.io that the cluster prefers, as the controller's client uses it.
  std::string custom_root() {
    if (custom_.empty()) {
      const auto group = cluster_.get("/apis/custom.metrics.k8s.io");
      auto version = group ? text_at(*group, {"preferredVersion", "version"}) : std::string();
      custom_ = "/apis/custom.metrics.k8s.io/" + (version.empty() ? "v1beta2" : version);
    }
    return fmt::format("{}/namespaces/{}", custom_, http::percent_encoded(ns_));
  }
  static std::string query(const HpaMetric& metric) {
    return metric.selector.empty() ? "" : "?metricLabelSelector=" + http::percent_encoded(metric.selector);
  }

  // What the metrics API calls the object that a metric describes.
  Result<std::string> described(const scaling::HpaObject& object) {
    const auto version = object.api_version.empty() ? std::string("v1") : object.api_version;
    const auto slash = version.find('/');
    // Of a namespace the controller asks for its own, whatever name is given.
    if (object.kind == "Namespace" && slash == std::string::npos) return "metrics";
    auto plural = cluster_.plural_of(version, object.kind);
    if (!plural) return plural;
    if (slash != std::string::npos) *plural += "." + version.substr(0, slash);
    return fmt::format("{}/{}", *plural, http::percent_encoded(object.name));
  }

  void object(const HpaMetric& metric) {
    const auto described_object = described(metric.object);
    if (!described_object) return trouble(described_object.error());
    const auto list = cluster_.get(fmt::format("{}/{}/{}{}", custom_root(), *described_object,
                                               http::percent_encoded(metric.name), query(metric)));
    if (!list) return trouble(list.error());
    const auto& items = at(*list, {"items"});
    if (!items.is_array() || items.get_array().size() != 1) return;
    if (const auto milli = quantity_at(at(items.get_array()[0], {"value"}))) {
      seen_.object[fmt::format("{}/{}/{}", metric.object.kind, metric.object.name, metric.name)] = *milli;
    }
  }

  void pod_metric(const HpaMetric& metric) {
    const auto list = cluster_.get(fmt::format(
        "{}/pods/*/{}?labelSelector={}{}", custom_root(), http::percent_encoded(metric.name),
        http::percent_encoded(seen_.selector), metric.selector.empty() ? "" : "&" + query(metric).substr(1)));
    if (!list) return trouble(list.error());
    const auto& items = at(*list, {"items"});
    auto& samples = seen_.pod_metrics[metric.name];
    for (std::size_t i = 0; items.is_array() && i < items.get_array().size(); ++i) {
      const auto& item = items.get_array()[i];
      samples[text_at(item, {"describedObject", "name"})] = quantity_at(at(item, {"value"}));
    }
  }

  void external(const HpaMetric& metric) {
    const auto list = cluster_.get(fmt::format(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{}/{}{}", http::percent_encoded(ns_),
        http::percent_encoded(metric.name),
        metric.selector.empty() ? "" : "?labelSelector=" + http::percent_encoded(metric.selector)));
    if (!list) return trouble(list.error());
    const auto& items = at(*list, {"items"});
    auto& values = seen_.external[metric.name];
    for (std::size_t i = 0; items.is_array() && i < items.get_array().size(); ++i) {
      if (const auto milli = quantity_at(at(items.get_array()[i], {"value"}))) values.push_back(*milli);
    }
  }

  void resource() {
    if (seen_.resource) return;
    const auto list =
        cluster_.get(fmt::format("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods?labelSelector={}",
                                 http::percent_encoded(ns_), http::percent_encoded(seen_.selector)));
    if (!list) return trouble(list.error());
    auto& usage = seen_.resource.emplace();
    const auto& items = at(*list, {"items"});
    for (std::size_t i = 0; items.is_array() && i < items.get_array().size(); ++i) {
      const auto& item = items.get_array()[i];
      auto& pod = usage[text_at(item, {"metadata", "name"})];
      const auto& containers = at(item, {"containers"});
      for (std::size_t k = 0; containers.is_array() && k < containers.get_array().size(); ++k) {
        const auto& container = containers.get_array()[k];
        pod[text_at(container, {"name"})] = resources_of(at(container, {"usage"}));
      }
    }
  }

  Cluster& cluster_;
  std::string ns_;
  ExplainSubject& subject_;
  scaling::HpaObservation& seen_;
  std::string custom_;
};

}  // namespace

Result<ExplainSubject> read_cluster_subject(const ExplainOptions& options) {
  auto access = access_of(options);
  if (!access) return std::unexpected(access.error());
  // A server may come back, and is asked again; a kubeconfig that cannot be read does not.
  if (const auto readable = access->read(); !readable)
    return fail(Code::invalid, "{}", readable.error().message);
  Cluster cluster(std::move(*access));
  const auto document =
      cluster.get(fmt::format("{}/{}", hpas_of(options.namespace_), http::percent_encoded(options.hpa)));
  if (!document) return std::unexpected(document.error());
  if (!document->is_object()) return fail(Code::protocol, "the cluster answers no HPA");
  auto subject = parse_subject(document->get_object());
  if (!subject) return subject;
  Reading reading(cluster, options.namespace_, *subject);
  if (const auto scale = reading.scale(); !scale) return std::unexpected(scale.error());
  auto& seen = subject->input.forecast.seen;
  seen.spec_replicas = options.replicas.value_or(seen.spec_replicas);
  seen.status_replicas = options.status.value_or(seen.status_replicas);
  reading.pods();
  reading.rivals(options.hpa);
  reading.metrics();
  return subject;
}

}  // namespace fluxmetrics::commands
