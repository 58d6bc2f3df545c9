#include "commands/explain.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/ranges.h>
#include <memory>
#include <set>
#include <vector>

#include <boost/json.hpp>

#include "api/selection.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/plural.hpp"
#include "base/text.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "explain/cluster_subject.hpp"
#include "explain/correction.hpp"
#include "explain/file_subject.hpp"
#include "explain/fix.hpp"
#include "explain/own_metrics.hpp"
#include "explain/repair.hpp"
#include "explain/report.hpp"
#include "explain/status.hpp"
#include "explain/words.hpp"
#include "kube/go_yaml.hpp"
#include "kube/quantity.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/external_names.hpp"
#include "server/broker.hpp"
#include "server/pipeline.hpp"

namespace fluxmetrics::commands {
namespace {

using hpa::HpaMetric;
using hpa::MetricSource;

// The metric of this program that has nearly the name; "" for none.
std::string meant_by(const HpaMetric& metric, const metrics::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const auto& known : catalogue)
    names.emplace_back(known.name);
  return nearest(metric.name, names);
}

// The metric that the HPA names, as the API that serves it finds it; null: there is none.
const metrics::Description* named_by(const HpaMetric& metric, const metrics::Catalogue& catalogue) {
  return metric.source == MetricSource::external
             ? metrics::find_external(catalogue.descriptions(), metric.name)
             : catalogue.find(metric.name);
}

// Object metrics of our Service are ours whatever they are called; those of other objects, and External ones,
// when they have the name of one of ours, or nearly.
bool ours(const HpaMetric& metric, const metrics::Catalogue& catalogue) {
  if (!explain::of_an_object(metric)) return false;
  const bool own_object = metric.source == MetricSource::object && metric.object.kind == "Service" &&
                          metric.object.name == explain::own_service;
  return own_object || named_by(metric, catalogue) != nullptr || !meant_by(metric, catalogue).empty();
}

Result<std::pair<std::string, std::int64_t>> parse_given(const std::string& text) {
  const auto at = text.find('=');
  if (at == std::string::npos || at == 0) {
    return fail(Code::invalid, "--metric '{}' does not have the form NAME=VALUE", text);
  }
  auto value = text.substr(at + 1);
  if (value.ends_with('%')) value.pop_back();
  const auto milli = kube::parse_milli(value);
  if (!milli)
    return fail(Code::invalid, "--metric {}: '{}' is not a number: {}", text, value, milli.error().message);
  return std::pair(text.substr(0, at), *milli);
}

// Gives every metric of that name the value; false when the HPA has none.
bool give(explain::ExplainSubject& subject, const std::string& name, std::int64_t milli) {
  auto& forecast = subject.input.forecast;
  bool found = false;
  for (std::size_t i = 0; i < forecast.spec.metrics.size(); ++i) {
    if (forecast.spec.metrics[i].name != name) continue;
    found = true;
    forecast.seen = hpa::with_value(forecast.spec, std::move(forecast.seen), i, milli);
  }
  return found;
}

Result<void> give_all(explain::ExplainSubject& subject, const std::vector<std::string>& given) {
  std::set<std::string> names;
  for (const auto& text : given) {
    const auto parsed = parse_given(text);
    if (!parsed) return std::unexpected(parsed.error());
    if (!names.insert(parsed->first).second)
      return fail(Code::invalid, "--metric {}: {} has a value already: give only one", text, parsed->first);
    if (!give(subject, parsed->first, parsed->second)) {
      std::vector<std::string> known;
      for (const auto& metric : subject.input.forecast.spec.metrics)
        known.push_back(metric.name);
      return fail(Code::invalid, "--metric {}: the HPA has no metric '{}', only {}", text, parsed->first,
                  fmt::join(known, ", "));
    }
  }
  return {};
}

bool has_value(const explain::ExplainSubject& subject, const HpaMetric& metric) {
  if (!metric.selector_fault.empty()) return true;  // it fails, whatever the value is
  const auto& seen = subject.input.forecast.seen;
  switch (metric.source) {
    case MetricSource::object:
      return hpa::object_value(seen, metric) != nullptr;
    case MetricSource::external:
      return seen.external.contains(metric.name);
    case MetricSource::pods:
      return seen.pod_metrics.contains(metric.name);
    case MetricSource::resource:
    case MetricSource::container_resource:
      return seen.resource.has_value();
    case MetricSource::unknown:
      break;
  }
  return true;
}

// Takes what is not known yet from the broker's instance.
Result<void> ask_broker(explain::ExplainSubject& subject, const ExplainOptions& options,
                        const server::Broker& broker, std::unique_ptr<user::UserMetrics> user) {
  const auto catalogue_held = server::catalogue_of(user.get());
  const auto& catalogue = *catalogue_held;
  // What there is to say of the instance is among the findings.
  if (!log::enabled(log::Level::debug)) log::set_level(log::Level::error);
  server::Pipeline pipeline(broker, {}, Seconds(30), std::move(user));
  pipeline.start();
  const auto view = pipeline.await_values(options.timeout);
  if (view.snapshot == nullptr) {
    return fail(Code::timed_out, "no metrics within {:g} s: {}", options.timeout.count(), view.trouble);
  }
  subject.scheduler = instance::scheduler_findings(view.snapshot->state->scheduler);
  for (const auto& metric : subject.input.forecast.spec.metrics) {
    if (!ours(metric, catalogue) || has_value(subject, metric)) continue;
    const auto* known = named_by(metric, catalogue);
    const auto* family = known == nullptr ? nullptr : view.snapshot->find(known->name);
    if (family == nullptr) continue;
    const auto selector = kube::Selector::parse(metric.selector);
    if (!selector) return std::unexpected(selector.error());
    const auto value = api::select_value(*view.snapshot, *family, *selector);
    if (!value) {
      subject.assumptions.push_back(
          fmt::format("{} has no value now: {}", metric.name, value.error().message));
      continue;
    }
    const auto quantity = kube::format_quantity(*value);
    const auto milli = quantity ? kube::parse_milli(*quantity) : std::unexpected(quantity.error());
    if (milli) give(subject, metric.name, *milli);
  }
  return {};
}

std::optional<std::int32_t> count_in(const boost::json::object& spec, std::string_view name) {
  const auto* value = spec.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(value->get_int64(), 0, 2'147'483'647));
}

// The target's spec, where it stands in the HPA's file; null where it does not.
const boost::json::object* find_target(const hpa::HpaObject& target,
                                       const std::vector<boost::json::object>& others) {
  const boost::json::value kind_wanted(boost::json::string(target.kind));
  const boost::json::value name_wanted(boost::json::string(target.name));
  for (const auto& object : others) {
    const auto* kind = object.if_contains("kind");
    const auto* metadata = object.if_contains("metadata");
    const auto* spec = object.if_contains("spec");
    if (kind == nullptr || *kind != kind_wanted || metadata == nullptr || !metadata->is_object()) continue;
    const auto* name = metadata->get_object().if_contains("name");
    if (name == nullptr || *name != name_wanted || spec == nullptr || !spec->is_object()) continue;
    return &spec->get_object();
  }
  return nullptr;
}

// Of a MiniCluster that is, or would be, created with this maxSize.
void assume_max_size(explain::AdviceInput& input, const ExplainOptions& options) {
  if (options.max_size) input.max_size = input.maximum_size = options.max_size;
}

// The target's scale: what is given, else what the file or the status says, else what seems likely, and then
// it is said. `target`: its spec, or null.
void assume_scale(explain::ExplainSubject& subject, const ExplainOptions& options,
                  const boost::json::object* target) {
  auto& forecast = subject.input.forecast;
  auto& seen = forecast.seen;
  const bool minicluster = explain::targets_minicluster(forecast.spec);
  const auto written =
      target == nullptr ? std::nullopt : count_in(*target, minicluster ? "size" : "replicas");
  if (target != nullptr && minicluster) {
    subject.input.max_size = count_in(*target, "maxSize");
    subject.input.min_size = count_in(*target, "minSize");
    // What the operator makes of the manifest when the MiniCluster is created by it.
    if (written) subject.input.maximum_size = std::max(*written, subject.input.max_size.value_or(*written));
  }
  if (written)
    subject.input.beside = {.field = minicluster ? "spec.size" : "spec.replicas", .size = *written};
  if (seen.selector.empty()) seen.selector = "app=target";  // of a file's target nothing is known
  if (options.replicas) {
    seen.spec_replicas = *options.replicas;
  } else {
    const auto stored = forecast.past.current_replicas;
    seen.spec_replicas = stored.value_or(written.value_or(forecast.spec.min));
    subject.assumptions.push_back(fmt::format("assuming {}, {}; set with --replicas",
                                              counted(seen.spec_replicas, "replica"),
                                              stored    ? "as the HPA's status says"
                                              : written ? "as the target in the same file says"
                                                        : "the minimum"));
  }
  seen.status_replicas = options.status.value_or(seen.spec_replicas);
  seen.pods_listed = seen.spec_replicas;
  seen.pods_ready = std::min(options.ready.value_or(seen.spec_replicas), seen.spec_replicas);
}

// The server of the cluster's metrics API has no such metric.
bool missing_there(const explain::ExplainSubject& subject, std::size_t metric) {
  return std::ranges::any_of(subject.input.cluster->outages, [&](const explain::MetricOutage& outage) {
    return outage.metric == metric && outage.kind == explain::MetricOutage::Kind::no_metric;
  });
}

// `in_cluster`: its API server was asked, and has said what is to be said of a metric without a value.
void assume_metrics(explain::ExplainSubject& subject, const metrics::Catalogue& catalogue, bool in_cluster) {
  auto& forecast = subject.input.forecast;
  const auto metrics = forecast.spec.metrics;
  std::erase_if(subject.untold, [&](const std::string& name) {
    const auto found = std::ranges::find(metrics, name, &HpaMetric::name);
    return found != metrics.end() && has_value(subject, *found);
  });
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const auto& metric = metrics[i];
    const bool absent = in_cluster ? missing_there(subject, i) : named_by(metric, catalogue) == nullptr;
    if (absent && ours(metric, catalogue))
      subject.input.unknown_metrics.push_back({.name = metric.name, .meant = meant_by(metric, catalogue)});
    if (explain::counts_own_size(metric)) forecast.follows_size = metrics.size() == 1;
    if (has_value(subject, metric) || in_cluster || !metric.selector_fault.empty()) continue;
    if (const auto stored = explain::value_in_status(subject.document, metric)) {
      give(subject, metric.name, *stored);
      subject.assumptions.push_back(
          fmt::format("assuming {} for {}, as the HPA's status says; set with --metric",
                      explain::plain_number(*stored), metric.name));
      continue;
    }
    if (metric.name == "node_up_count") {
      give(subject, metric.name, std::int64_t{forecast.seen.spec_replicas} * 1000);
      subject.assumptions.push_back(fmt::format(
          "assuming {} for node_up_count, one node per replica, and that it changes with the replicas",
          forecast.seen.spec_replicas));
    } else {
      subject.assumptions.push_back(
          fmt::format("the present value of {} is not known: give it with --metric {}=VALUE{}", metric.name,
                      metric.name, ours(metric, catalogue) ? ", or name the instance with --flux-uri" : ""));
      subject.untold.push_back(metric.name);
    }
  }
}

// The controller fails at these before it asks for anything.
void fail_unusable_selectors(explain::ExplainSubject& subject) {
  auto& forecast = subject.input.forecast;
  for (const auto& metric : forecast.spec.metrics) {
    if (metric.selector_fault.empty()) continue;
    forecast.seen.metric_faults[hpa::metric_key(metric)] = metric.selector_fault;
  }
}

// What is known of an HPA that an API server refuses: what would be, once that is mended.
std::optional<explain::AdviceInput> once_repaired(const explain::ExplainSubject& subject,
                                                  const ExplainOptions& options,
                                                  const std::vector<boost::json::object>& others) {
  const auto version = subject.input.forecast.platform.version;
  const auto repaired = explain::repair_hpa(
      subject.document, version, [&](std::string_view pointer) { return subject.written_at(pointer); });
  if (!repaired) return std::nullopt;
  auto mended = explain::parse_new_subject(repaired->document, version);
  if (!mended || mended->refused()) return std::nullopt;
  assume_scale(*mended, options, find_target(mended->input.forecast.spec.target, others));
  assume_max_size(mended->input, options);
  // That it has no such metric is no reason to say nothing of what is refused.
  (void)give_all(*mended, options.metrics);
  fail_unusable_selectors(*mended);
  assume_metrics(*mended, *metrics::built_in(), false);
  return std::move(mended->input);
}

Result<explain::ExplainSubject> gather(const ExplainOptions& options) {
  Result<explain::ExplainSubject> subject = fail(Code::internal, "nothing was read");
  if (options.namespace_.empty()) {
    auto file = explain::read_file_subject(options.hpa,
                                           options.kubernetes_version.value_or(hpa::KubernetesVersion{}));
    if (!file) return std::unexpected(file.error());
    subject = std::move(file->subject);
    if (subject->input.refusal.final()) {
      subject->once_repaired = once_repaired(*subject, options, file->others);
      return subject;
    }
    // What kubectl get -o yaml prints has a status: a controller knows that HPA already.
    auto& forecast = subject->input.forecast;
    forecast.past = hpa::read_hpa_past(subject->document, std::chrono::system_clock::now());
    forecast.appears = !forecast.past.synced();
    assume_scale(*subject, options, find_target(subject->input.forecast.spec.target, file->others));
  } else {
    subject = explain::read_cluster_subject({.namespace_ = options.namespace_,
                                             .name = options.hpa,
                                             .kubeconfig = options.kubeconfig,
                                             .replicas = options.replicas,
                                             .status = options.status});
    if (!subject) return subject;
  }
  if (options.kubernetes_version) subject->input.forecast.platform = {.version = *options.kubernetes_version};
  assume_max_size(subject->input, options);
  if (auto given = give_all(*subject, options.metrics); !given) return std::unexpected(given.error());
  fail_unusable_selectors(*subject);
  auto catalogue = metrics::built_in();
  if (options.flux_uri || !options.custom_metrics.empty()) {
    const auto broker = server::find_broker(options.flux_uri);
    if (!broker) return std::unexpected(broker.error());
    auto user = server::open_user_metrics(options.custom_metrics, *broker, Seconds(30));
    if (!user) return std::unexpected(user.error());
    catalogue = server::catalogue_of(user->get());
    if (options.flux_uri) {
      if (auto asked = ask_broker(*subject, options, *broker, *std::move(user)); !asked)
        return std::unexpected(asked.error());
    }
  }
  assume_metrics(*subject, *catalogue, !options.namespace_.empty());
  return subject;
}

int print_fix(const explain::ExplainSubject& subject, const std::string& output) {
  const auto correction = explain::correct(subject);
  if (!correction) {
    log::error("{}", correction.error().message);
    return exit_failed;
  }
  fmt::print("{}", output == "json" ? json_text(correction->hpa.document) + "\n"
                                    : explain::fixed_yaml(correction->hpa));
  if (correction->hpa.changes.empty() && !correction->left.empty())
    fmt::print(stderr, "Nothing was corrected automatically; what remains:\n");
  for (const auto& finding : correction->left)
    fmt::print(stderr, "{}: {} ({})\n", to_string(finding.severity), finding.text, finding.id);
  if (correction->hpa.changes.empty() && correction->left.empty())
    fmt::print(stderr, "There is nothing to correct.\n");
  return exit_fine;
}

}  // namespace

void add_explain(Command& program) {
  auto options = std::make_shared<ExplainOptions>();
  auto& o = *options;
  auto command = program.add_command(
      "explain", "Show what a HorizontalPodAutoscaler will do, and what is wrong with it");
  command.footer(
      "Examples:\n"
      "  flux-metrics-api explain deploy/hpa.yaml --replicas 2 --metric node_wanted_count=4\n"
      "  kubectl get hpa flux-sample -o yaml | flux-metrics-api explain -\n"
      "  flux-metrics-api explain -n flux-operator flux-sample --kubeconfig ~/.kube/config\n"
      "  flux-metrics-api explain tests/e2e/manifests/article-hpa.yaml --fix > better.yaml\n"
      "  flux-metrics-api explain hpa.yaml --kubernetes-version 1.34 --metric node_wanted_count=4\n"
      "docs/explain.md lists what is checked.");
  command
      .option("hpa", o.hpa,
              "File with the HPA, - for standard input; with --namespace the name of one in a cluster")
      .required();
  command.option("-n,--namespace", o.namespace_,
                 "Read the HPA of this namespace, its target and metrics from the cluster");
  command.option("--kubeconfig", o.kubeconfig,
                 "How to reach the cluster [KUBECONFIG, else the pod's service account]");
  command
      .option("--metric", o.metrics,
              "Present value of a metric (repeatable); for a utilization, the percentage")
      .type("NAME=VALUE");
  add_custom_metrics(command, o.custom_metrics);
  command.option(
      "--flux-uri", o.flux_uri,
      "Broker that supplies the values that --metric does not give, local:///PATH [none is asked]");
  const auto count = [&](const char* name, std::optional<std::int32_t>& target, const char* help) {
    command.whole(name, target, help, 0, 2'000'000'000);
  };
  count("--replicas", o.replicas, "Present size of the target [minReplicas]");
  count("--status", o.status, "Size in the target's status [--replicas]");
  count("--ready", o.ready, "How many of its pods are ready [--replicas]");
  count("--max-size", o.max_size, "maxSize of the MiniCluster");
  add_kubernetes_version(
      command, o.kubernetes_version,
      fmt::format("with --namespace the cluster's own, else {}", to_string(hpa::newest_kubernetes)));
  command.duration("--for", o.span, "How far to look ahead");
  command.duration("--timeout", o.timeout, "How long to wait for a broker", shortest);
  command.option("-o,--output", o.output, "text, json or yaml")
      .shows_default()
      .one_of({"text", "json", "yaml"});
  command.flag("--fix", o.fix, "Print the corrected HPA, with a comment for each change");
  command.runs([options] { return run_explain(*options); });
}

int run_explain(const ExplainOptions& options) {
  const auto subject = gather(options);
  if (!subject) {
    log::error("{}", subject.error().message);
    const auto code = subject.error().code;
    const bool misused = code == Code::invalid || code == Code::unsupported || code == Code::io;
    return misused ? exit_misused : exit_failed;
  }
  if (options.fix) return print_fix(*subject, options.output);
  const auto report = explain::make_report(*subject, options.span);
  if (options.output == "text") {
    fmt::print("{}", explain::report_text(report));
  } else {
    const auto document = explain::report_json(report);
    fmt::print("{}", options.output == "json" ? json_text(document) + "\n" : kube::go_yaml(document));
  }
  return exit_fine;
}

}  // namespace fluxmetrics::commands
