#include "hpa/past.hpp"

#include <algorithm>

#include "base/json_members.hpp"
#include "base/rfc3339.hpp"

namespace fluxmetrics::hpa {
namespace {

namespace json = boost::json;

std::string text_of(const json::object* parent, std::string_view name) {
  return std::string(text_at(parent, name).value_or(""));
}

std::optional<std::int32_t> number_of(const json::object* parent, std::string_view name) {
  const auto* value = value_at(parent, name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code wrong;
  const auto number = value->to_number<std::int32_t>(wrong);
  return wrong ? std::nullopt : std::optional(number);
}

std::optional<std::int64_t> age_of(const json::object* parent, std::string_view name, WallTime now) {
  const auto time = parse_rfc3339(text_at(parent, name).value_or(""));
  if (!time) return std::nullopt;
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *time).count();
  return std::max<std::int64_t>(age, 0);
}

std::string owner_of(const json::object* metadata) {
  if (const auto* owners = array_at(metadata, "ownerReferences")) {
    for (const auto& item : *owners) {
      const auto* owner = item.if_object();
      if (text_of(owner, "kind") == "ScaledObject" && text_of(owner, "apiVersion").starts_with("keda."))
        return text_of(owner, "name");
    }
  }
  return text_of(object_at(metadata, "labels"), "scaledobject.keda.sh/name");
}

}  // namespace

HpaPast read_hpa_past(const json::object& hpa, WallTime now) {
  const auto* metadata = object_at(&hpa, "metadata");
  const auto* status = object_at(&hpa, "status");
  HpaPast past{.age_ms = age_of(metadata, "creationTimestamp", now),
               .last_scale_ms = age_of(status, "lastScaleTime", now),
               .scaled_object = owner_of(metadata)};
  const auto* conditions = array_at(status, "conditions");
  if (conditions == nullptr) return past;
  for (const auto& item : *conditions) {
    const auto* condition = item.if_object();
    const auto type = text_of(condition, "type");
    if (type.empty()) continue;
    past.conditions.set(type, text_of(condition, "status") == "True", text_of(condition, "reason"),
                        text_of(condition, "message"), 0);
  }
  if (!past.synced()) return past;
  past.current_replicas = number_of(status, "currentReplicas");
  past.desired_replicas = number_of(status, "desiredReplicas");
  // A scale that cannot be read leaves no number, or an old one.
  const auto* able = past.conditions.find("AbleToScale");
  if (!past.current_replicas && (able == nullptr || able->reason != "FailedGetScale"))
    past.current_replicas = 0;
  return past;
}

std::optional<std::int64_t> oldest_recommendation_ms(const HpaPast& past, std::int32_t size, bool down,
                                                     std::int64_t period_ms) {
  const auto* able = past.conditions.find("AbleToScale");
  const auto* limited = past.conditions.find("ScalingLimited");
  // A size that the last sync does not know was set by someone else, and no recommendation holds it.
  if (able == nullptr || past.current_replicas != size || past.desired_replicas != size) return std::nullopt;
  if (!past.conditions.is_true("ScalingActive")) return std::nullopt;
  // Held already: by a recommendation that the HPA itself is at least as old as.
  if (able->reason == (down ? "ScaleDownStabilized" : "ScaleUpStabilized")) return past.age_ms;
  // The last sync wanted the size, or was kept from going further in the other direction.
  const auto limit = limited == nullptr ? std::string() : limited->reason;
  const bool beyond = down ? limit == "TooFewReplicas" || limit == "ScaleDownLimit"
                           : limit == "TooManyReplicas" || limit == "ScaleUpLimit";
  if (able->reason == "ReadyForNewScale" && !beyond) return period_ms;
  return std::nullopt;
}

}  // namespace fluxmetrics::hpa
