#include "explain/values.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/json_path.hpp"
#include "http/message.hpp"
#include "kube/metrics_api.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

using hpa::HpaMetric;
using hpa::MetricSource;

std::optional<std::int64_t> quantity_of(const json::value& value) {
  const auto text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  const auto milli = kube::parse_milli_wrapping(text);
  return milli ? std::optional(*milli) : std::nullopt;
}

class ValueReading {
 public:
  ValueReading(ClusterReader& cluster, std::string ns, ExplainSubject& subject)
      : cluster_(cluster),
        ns_(std::move(ns)),
        subject_(subject),
        seen_(subject.input.forecast.seen),
        facts_(*subject.input.cluster) {}

  void run() {
    const auto& metrics = subject_.input.forecast.spec.metrics;
    for (index_ = 0; index_ < metrics.size(); ++index_)
      read(metrics[index_]);
  }

 private:
  void read(const hpa::HpaMetric& metric) {
    switch (metric.source) {
      case hpa::MetricSource::object:
        return object(metric);
      case hpa::MetricSource::pods:
        return pods(metric);
      case hpa::MetricSource::external:
        return external(metric);
      case hpa::MetricSource::resource:
      case hpa::MetricSource::container_resource:
        return resource(metric);
      case hpa::MetricSource::unknown:
        break;
    }
  }

  // The version of custom.metrics.k8s.io that the cluster prefers, as the controller's client uses it.
  const std::string& custom_api() {
    if (custom_.empty()) {
      const auto group = cluster_.get(fmt::format("/apis/{}", kube::custom_metrics_group));
      auto version = group ? text_at(*group, {"preferredVersion", "version"}) : std::string();
      custom_ = fmt::format("{}/{}", kube::custom_metrics_group, version.empty() ? "v1beta2" : version);
    }
    return custom_;
  }
  [[nodiscard]] std::string in_namespace(std::string_view api) const {
    return fmt::format("/apis/{}/namespaces/{}", api, http::percent_encoded(ns_));
  }
  static std::string query(const hpa::HpaMetric& metric) {
    return metric.selector.empty() ? "" : "?metricLabelSelector=" + http::percent_encoded(metric.selector);
  }

  void object(const hpa::HpaMetric& metric) {
    const auto& described = metric.object;
    const auto version = described.api_version.empty() ? std::string("v1") : described.api_version;
    // Of a namespace the controller asks for its own, whatever name is given.
    if (described.kind == "Namespace" && group_of(version).empty()) {
      const auto list = cluster_.get(fmt::format("{}/metrics/{}{}", in_namespace(custom_api()),
                                                 http::percent_encoded(metric.name), query(metric)),
                                     fmt::format("metrics.{}", kube::custom_metrics_group), metric.name);
      return object_answer(metric, list, "namespaces");
    }
    const auto kind = cluster_.kind(version, described.kind);
    if (!kind)
      return object_answer(metric, std::unexpected(unmapped(kind.error(), version, described.kind)), "");
    const auto list = cluster_.get(
        fmt::format("{}/{}/{}/{}{}", in_namespace(custom_api()), kind->qualified(),
                    http::percent_encoded(described.name), http::percent_encoded(metric.name), query(metric)),
        fmt::format("{}.{}", kind->qualified(), kube::custom_metrics_group), described.name);
    object_answer(metric, list, kind->qualified());
  }
  static NoDocument unmapped(NoDocument why, const std::string& version, const std::string& kind) {
    const auto group = group_of(version);
    why.client = fmt::format("unable to map kind {}{}{} to resource: {}", kind, group.empty() ? "" : ".",
                             group, why.client);
    return why;
  }
  // `resource`: what the metric's name is listed under.
  void object_answer(const hpa::HpaMetric& metric, const Read<json::value>& list,
                     const std::string& resource) {
    if (!list) return trouble(metric, list.error(), custom_api(), resource);
    const auto items = items_at(*list, {"items"});
    if (items.size() != 1) {
      seen_.metric_faults[hpa::metric_key(metric)] = fmt::format(
          "the custom metrics API server returned {} results when we asked for exactly one", items.size());
      return;
    }
    if (const auto milli = quantity_of(value_at(items[0], {"value"}))) {
      hpa::set_object_value(seen_, metric, *milli);
    } else {
      seen_.metric_faults[hpa::metric_key(metric)] = "the value in the answer is not a quantity";
    }
  }

  void pods(const hpa::HpaMetric& metric) {
    if (!selects(metric)) return;
    const auto list =
        cluster_.get(fmt::format("{}/pods/*/{}?labelSelector={}{}", in_namespace(custom_api()),
                                 http::percent_encoded(metric.name), http::percent_encoded(seen_.selector),
                                 metric.selector.empty() ? "" : "&" + query(metric).substr(1)),
                     fmt::format("pods.{}", kube::custom_metrics_group), "*");
    if (!list) return trouble(metric, list.error(), custom_api(), "pods");
    auto& samples = seen_.pod_metrics[metric.name];
    for (const auto& item : items_at(*list, {"items"}))
      samples[text_at(item, {"describedObject", "name"})] = quantity_of(value_at(item, {"value"}));
  }

  // The Go client takes the name for a resource's, and writes it in lower case.
  void external(const hpa::HpaMetric& metric) {
    const auto api = fmt::format("{}/v1beta1", kube::external_metrics_group);
    const auto list = cluster_.get(
        fmt::format(
            "{}/{}{}", in_namespace(api), http::percent_encoded(lowered(metric.name)),
            metric.selector.empty() ? "" : "?labelSelector=" + http::percent_encoded(metric.selector)),
        fmt::format("{}.{}", metric.name, kube::external_metrics_group));
    if (!list) return trouble(metric, list.error(), api, "");
    auto& values = seen_.external[metric.name];
    for (const auto& item : items_at(*list, {"items"})) {
      if (const auto milli = quantity_of(value_at(item, {"value"}))) values.push_back(*milli);
    }
  }

  void resource(const hpa::HpaMetric& metric) {
    if (seen_.resource || !selects(metric)) return;
    const auto api = fmt::format("{}/v1beta1", kube::resource_metrics_group);
    const auto list = cluster_.get(
        fmt::format("{}/pods?labelSelector={}", in_namespace(api), http::percent_encoded(seen_.selector)),
        fmt::format("pods.{}", kube::resource_metrics_group));
    if (!list) return trouble(metric, list.error(), api, "");
    auto& usage = seen_.resource.emplace();
    for (const auto& item : items_at(*list, {"items"})) {
      auto& pod = usage[text_at(item, {"metadata", "name"})];
      for (const auto& container : items_at(item, {"containers"}))
        pod[text_at(container, {"name"})] = resources_of(value_at(container, {"usage"}));
    }
  }

  // A metric of each pod needs the selector: without one it fails in the controller too, and where only this
  // user does not know it, nothing is known.
  bool selects(const hpa::HpaMetric& metric) {
    if (facts_.target == TargetState::unreadable) unknown(metric, "its pods are not known");
    return facts_.target == TargetState::found && !seen_.selector.empty();
  }
  void unknown(const hpa::HpaMetric& metric, std::string_view why) {
    subject_.assumptions.push_back(fmt::format("the present value of {} is not known: {}", metric.name, why));
    subject_.untold.push_back(metric.name);
  }

  // What the user of the kubeconfig may not see is not known; what the controller sees fail fails.
  void trouble(const hpa::HpaMetric& metric, const NoDocument& why, const std::string& api,
               const std::string& resource) {
    if (why.says_nothing()) {
      unknown(metric, why.sentence);
      return;
    }
    seen_.metric_faults[hpa::metric_key(metric)] = why.client;
    MetricOutage outage{.metric = index_, .api = api, .status = why.status, .says = why.client};
    classify(metric, why, resource, outage);
    facts_.outages.push_back(std::move(outage));
  }

  void classify(const hpa::HpaMetric& metric, const NoDocument& why, const std::string& resource,
                MetricOutage& outage) {
    if (why.status != 404) {
      read_api_service(outage);
      return;
    }
    // Of a group that nothing is registered for, the answer comes from no API server.
    const auto group = cluster_.get("/apis/" + outage.api.substr(0, outage.api.find('/')));
    if (!group && group.error().status == 404 && !why.from_api) {
      outage.kind = MetricOutage::Kind::no_server;
      return;
    }
    outage.kind = MetricOutage::Kind::no_metric;
    const auto list = cluster_.get("/apis/" + outage.api);
    if (!list) return;
    for (const auto& item : items_at(*list, {"resources"})) {
      const auto name = text_at(item, {"name"});
      const auto slash = name.find('/');
      if (resource.empty() ? slash == std::string::npos : name.substr(0, slash) == resource)
        outage.offered.push_back(slash == std::string::npos ? name : name.substr(slash + 1));
    }
    const auto asked = metric.source == hpa::MetricSource::external ? lowered(metric.name) : metric.name;
    if (metric.source == hpa::MetricSource::object &&
        std::ranges::find(outage.offered, asked) != outage.offered.end())
      outage.kind = MetricOutage::Kind::no_object;
  }

  void read_api_service(MetricOutage& outage) {
    const auto slash = outage.api.find('/');
    const auto service = cluster_.get(fmt::format("/apis/apiregistration.k8s.io/v1/apiservices/{}.{}",
                                                  outage.api.substr(slash + 1), outage.api.substr(0, slash)));
    if (!service) return;
    const auto name = text_at(*service, {"spec", "service", "name"});
    if (!name.empty()) outage.service = text_at(*service, {"spec", "service", "namespace"}) + "/" + name;
    for (const auto& condition : items_at(*service, {"status", "conditions"})) {
      if (text_at(condition, {"type"}) != "Available") continue;
      outage.available = text_at(condition, {"status"});
      outage.why = fmt::format("{}: {}", text_at(condition, {"reason"}), text_at(condition, {"message"}));
    }
  }

  ClusterReader& cluster_;
  std::string ns_;
  ExplainSubject& subject_;
  hpa::HpaObservation& seen_;
  ClusterFacts& facts_;
  std::size_t index_ = 0;
  std::string custom_;
};

}  // namespace

hpa::Resources resources_of(const json::value& quantities) {
  hpa::Resources resources;
  if (const auto* object = quantities.if_object()) {
    for (const auto& [name, quantity] : *object) {
      if (const auto milli = quantity_of(quantity)) resources[std::string(name)] = *milli;
    }
  }
  return resources;
}

void read_values(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject) {
  ValueReading(cluster, ns, subject).run();
}

}  // namespace fluxmetrics::explain
