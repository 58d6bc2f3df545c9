#include "hpa/validation.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "hpa/schema.hpp"
#include "hpa/validation_metrics.hpp"
#include "kube/object_meta.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::hpa {
namespace json = boost::json;
namespace {

using kube::FieldErrors;
using kube::go_quoted;

constexpr std::int64_t longest_window = 3600;  // seconds
constexpr std::int64_t longest_period = 1800;

// The releases that changed the rules.
constexpr KubernetesVersion has_tolerance{33};       // known, and dropped unless a gate is on
constexpr KubernetesVersion keeps_tolerance{35};     // the gate is on by default
constexpr KubernetesVersion checks_api_version{34};  // of scaleTargetRef and describedObject
constexpr KubernetesVersion requires_max{36};        // a text of its own for maxReplicas 0
constexpr KubernetesVersion scales_to_zero{37};      // minReplicas 0

void check_policy(const HpaField& policy, FieldErrors& errors) {
  static constexpr std::array<std::string_view, 2> types{"Percent", "Pods"};
  const auto type = policy["type"].text();
  if (std::ranges::find(types, type) == types.end())
    errors.unsupported(policy["type"].path(), kube::go_json_quoted(type), types);
  const auto value = policy["value"].number().value_or(0);
  if (value <= 0) errors.invalid(policy["value"].path(), std::to_string(value), "must be greater than zero");
  const auto period = policy["periodSeconds"].number().value_or(0);
  if (period <= 0)
    errors.invalid(policy["periodSeconds"].path(), std::to_string(period), "must be greater than zero");
  if (period > longest_period) {
    errors.invalid(policy["periodSeconds"].path(), std::to_string(period),
                   fmt::format("must be less than or equal to {}", longest_period));
  }
}

// Rules as the server has filled them in: a list of policies that is left out is the default one.
void check_rules(const HpaField& rules, KubernetesVersion version, FieldErrors& errors) {
  if (!rules.present()) return;
  static constexpr std::array<std::string_view, 3> selects{"Disabled", "Max", "Min"};
  const auto window = rules["stabilizationWindowSeconds"];
  if (const auto seconds = window.number(); seconds && *seconds < 0) {
    errors.invalid(window.path(), std::to_string(*seconds), "must be greater than or equal to zero");
  } else if (seconds && *seconds > longest_window) {
    errors.invalid(window.path(), std::to_string(*seconds),
                   fmt::format("must be less than or equal to {}", longest_window));
  }
  if (const auto select = rules["selectPolicy"];
      select.present() && std::ranges::find(selects, select.text()) == selects.end()) {
    errors.unsupported(select.path(), kube::go_json_quoted(select.text()), selects);
  }
  const auto policies = rules["policies"];
  if (policies.present() && policies.size() == 0)
    errors.required(policies.path(), "must specify at least one Policy");
  for (std::size_t i = 0; i < policies.size(); ++i)
    check_policy(policies[i], errors);
  const auto tolerance = rules["tolerance"];
  if (!tolerance.present() || version < keeps_tolerance) return;
  const auto quantity = kube::canonical_quantity(kube::quantity_text(tolerance.value()));
  if (quantity && quantity->sign < 0)
    errors.invalid(tolerance.path(), go_quoted(quantity->text), "must be greater than or equal to 0");
}

void check_range(const HpaField& spec, KubernetesVersion version, FieldErrors& errors) {
  const auto min = spec["minReplicas"].number().value_or(1);
  const auto max = spec["maxReplicas"].number().value_or(0);
  const std::int64_t lowest = version < scales_to_zero ? 1 : 0;
  if (min < lowest) {
    errors.invalid(spec["minReplicas"].path(), std::to_string(min),
                   fmt::format("must be greater than or equal to {}", lowest));
  }
  const auto field = spec["maxReplicas"].path();
  const auto shown = std::to_string(max);
  if (max < 1 && version < requires_max) {
    errors.invalid(field, shown, "must be greater than 0");
  } else if (max == 0) {
    errors.required(field, "must be set and greater than 0");
  } else if (max < 0) {
    errors.invalid(field, shown, "must be greater than or equal to 1");
  }
  if (max < min) errors.invalid(field, shown, "must be greater than or equal to `minReplicas`");
}

void check_spec(const HpaField& spec, KubernetesVersion version, FieldErrors& errors) {
  check_range(spec, version, errors);
  const bool checks = version >= checks_api_version;
  const auto target = spec["scaleTargetRef"];
  // The only kind of the core group that can be scaled.
  validate_reference(target, checks, target["kind"].text() == "ReplicationController", errors);
  validate_metrics(spec["metrics"], spec["minReplicas"].number() == 0, checks, errors);
  for (const auto* direction : {"scaleUp", "scaleDown"})
    check_rules(spec["behavior"][direction], version, errors);
}

}  // namespace

HpaRefusal validate_hpa(const json::object& document, KubernetesVersion version) {
  auto decoded = kube::decode_strictly(document, hpa_type, hpa_types());
  HpaRefusal refusal{.types = std::move(decoded.types), .unknown = std::move(decoded.unknown)};
  if (!refusal.types.empty()) return refusal;
  const json::value whole(document);
  const HpaField root(&whole, "");
  if (version < has_tolerance) {
    for (const auto* direction : {"scaleUp", "scaleDown"}) {
      const auto rules = root["spec"]["behavior"][direction];
      if (!rules["tolerance"].present()) continue;
      refusal.unknown.push_back({.where = rules["tolerance"].path(),
                                 .parent = fmt::format("/spec/behavior/{}", direction),
                                 .name = "tolerance",
                                 .later = true});
    }
  }
  FieldErrors errors;
  const auto* metadata = document.if_contains("metadata");
  kube::validate_object_meta(
      metadata != nullptr && metadata->is_object() ? metadata->get_object() : json::object(), errors);
  check_spec(root["spec"], version, errors);
  refusal.invalid = errors.take();
  return refusal;
}

}  // namespace fluxmetrics::hpa
