#include "explain/repair.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <vector>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/own_metrics.hpp"
#include "hpa/validation.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

// A mend may bring another fault to light, a few times over.
constexpr int most_rounds = 10;

// "spec.metrics[0].type" -> "/spec/metrics/0/type".
std::string pointer_of(std::string_view field) {
  std::string pointer = "/";
  for (const char c : field) {
    if (c == '.' || c == '[') {
      pointer += '/';
    } else if (c != ']') {
      pointer += c;
    }
  }
  return pointer;
}

// The steps of a JSON pointer, without its escapes.
std::string plain_path(std::string_view pointer) {
  std::string path;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    const bool escape = pointer[i] == '~' && i + 1 < pointer.size();
    path += escape ? (pointer[i + 1] == '1' ? '/' : '~') : pointer[i];
    if (escape) ++i;
  }
  return path;
}

std::string parent_of(std::string_view pointer) {
  return std::string(pointer.substr(0, pointer.rfind('/')));
}
std::string last_of(std::string_view pointer) {
  return std::string(pointer.substr(pointer.rfind('/') + 1));
}

class Repair {
 public:
  Repair(const json::object& document, const WrittenText& written) : root_(document), written_(written) {}

  // False when there is nothing that it can mend.
  bool run(const hpa::HpaRefusal& refusal) {
    bool mended = false;
    for (const auto& field : refusal.unknown)
      mended = mend_unknown(field) || mended;
    // A misspelt field is a missing one, too: what is refused then is not known before it is mended.
    if (mended) return true;
    for (const auto& wrong : refusal.types)
      mended = mend_type(wrong) || mended;
    for (const auto& error : refusal.invalid)
      mended = mend(error) || mended;
    return mended;
  }
  [[nodiscard]] const json::object& document() const { return root_.get_object(); }
  [[nodiscard]] std::map<std::string, std::string> take_changes() { return std::move(changes_); }

 private:
  json::value* find(std::string_view pointer) {
    boost::system::error_code missing;
    return root_.find_pointer(pointer, missing);
  }
  json::object* object_at(std::string_view pointer) {
    auto* value = find(pointer);
    return value == nullptr ? nullptr : value->if_object();
  }
  std::string text_at(std::string_view pointer) {
    const auto* value = find(pointer);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  }
  std::optional<std::int64_t> number_at(std::string_view pointer) {
    const auto* value = find(pointer);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code wrong;
    const auto number = value->to_number<std::int64_t>(wrong);
    return wrong ? std::nullopt : std::optional(number);
  }

  bool say(const std::string& pointer, const std::string& why) {
    const auto [change, fresh] = changes_.try_emplace(plain_path(pointer), why);
    if (!fresh && !change->second.contains(why)) change->second += "; " + why;
    return true;
  }
  bool set(const std::string& pointer, json::value value, const std::string& why) {
    auto* parent = find(parent_of(pointer));
    if (parent == nullptr) return false;
    const auto name = plain_path(last_of(pointer));
    if (auto* object = parent->if_object(); object != nullptr) {
      (*object)[name] = std::move(value);
      return say(pointer, why);
    }
    auto* here = find(pointer);
    if (here == nullptr) return false;
    *here = std::move(value);
    return say(parent_of(pointer), why);
  }
  bool erase(const std::string& pointer, const std::string& why) {
    auto* parent = object_at(parent_of(pointer));
    if (parent == nullptr || parent->erase(plain_path(last_of(pointer))) == 0) return false;
    return say(parent_of(pointer), why);
  }

  bool mend_type(const kube::WrongType& wrong) {
    const auto* value = find(wrong.pointer);
    if (value == nullptr) return false;
    if (wrong.wanted == "resource.Quantity") return mend_quantity(wrong.pointer, *value);
    if (wrong.wanted == "int32" || wrong.wanted == "int64") {
      if (!value->is_string()) return false;
      const std::string text(value->get_string());
      std::int64_t number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (problem != std::errc() || end != text.data() + text.size()) return false;
      return set(wrong.pointer, number, "was a text");
    }
    const bool text = wrong.wanted == "string" ||
                      (wrong.wanted.find('.') != std::string::npos && wrong.wanted.starts_with("types."));
    if (!text || !(value->is_bool() || value->is_number())) return false;
    auto written = written_ ? written_(wrong.pointer) : std::string();
    // Of a boolean one would have to guess which of YAML's words it was.
    if (written.empty() && value->is_bool()) return false;
    if (written.empty()) written = kube::go_number(*value);
    return set(wrong.pointer, json::string(written), "was not a string: YAML needs the quotes here");
  }
  bool mend_quantity(const std::string& pointer, const json::value& value) {
    const auto text = kube::quantity_text(value);
    // The thousand of people.
    if (!text.ends_with('K')) return false;
    const auto smaller = text.substr(0, text.size() - 1) + "k";
    if (!kube::parse_milli(smaller)) return false;
    return set(pointer, json::string(smaller), fmt::format("was {}, an unknown suffix", text));
  }

  // The name that was meant, or nothing in its place.
  bool mend_unknown(const kube::UnknownField& field) {
    auto* holder = object_at(field.parent);
    if (holder == nullptr || !holder->contains(field.name)) return false;
    auto value = holder->at(field.name);
    holder->erase(field.name);
    if (field.meant.empty())
      return say(field.parent, fmt::format("removed {}, which does not exist", printable(field.name)));
    (*holder)[field.meant] = std::move(value);
    return say(fmt::format("{}/{}", field.parent, field.meant), fmt::format("was {}", printable(field.name)));
  }

  bool mend(const kube::FieldError& error) {
    const auto pointer = pointer_of(error.field);
    const auto name = last_of(pointer);
    if (pointer.starts_with("/spec/behavior/")) return mend_behavior(pointer, name);
    if (pointer == "/spec/scaleTargetRef/apiVersion") return mend_version(pointer);
    if (pointer == "/spec/minReplicas") return set(pointer, 1, was(pointer));
    if (pointer == "/spec/maxReplicas") return mend_max();
    if (pointer == "/spec/metrics")
      return set("/spec/minReplicas", 1, "was 0, which needs an Object or External metric");
    if (pointer.starts_with("/spec/metrics/")) return mend_metric(pointer, name, error);
    return false;
  }
  std::string was(const std::string& pointer) {
    const auto* value = find(pointer);
    return value == nullptr ? "was missing" : fmt::format("was {}", json::serialize(*value));
  }

  bool mend_max() {
    const auto max = number_at("/spec/maxReplicas").value_or(0);
    const auto min = number_at("/spec/minReplicas").value_or(1);
    if (max < 1 || min <= max) return false;
    return set("/spec/minReplicas", max, fmt::format("was {}, above maxReplicas", min));
  }

  bool mend_behavior(const std::string& pointer, const std::string& name) {
    static constexpr std::array<std::string_view, 3> selects{"Max", "Min", "Disabled"};
    static constexpr std::array<std::string_view, 2> types{"Pods", "Percent"};
    const auto number = number_at(pointer).value_or(0);
    if (name == "stabilizationWindowSeconds") return set(pointer, number < 0 ? 0 : 3600, was(pointer));
    if (name == "tolerance") return set(pointer, "0", was(pointer));
    if (name == "policies") return erase(pointer, "removed the empty list of policies: the defaults apply");
    if (name == "periodSeconds") return set(pointer, number > 1800 ? 1800 : 15, was(pointer));
    if (name == "selectPolicy") return set_nearest(pointer, selects);
    return name == "type" && set_nearest(pointer, types);
  }
  bool set_nearest(const std::string& pointer, std::span<const std::string_view> words) {
    const auto text = text_at(pointer);
    std::vector<std::string> names(words.begin(), words.end());
    for (const auto& one : names) {
      if (same_ignoring_case(one, text)) return set(pointer, json::string(one), was(pointer));
    }
    const auto meant = nearest(text, names);
    return !meant.empty() && set(pointer, json::string(meant), was(pointer));
  }

  bool mend_version(const std::string& pointer) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kinds{
        {{"MiniCluster", "flux-framework.org/v1alpha2"},
         {"Deployment", "apps/v1"},
         {"StatefulSet", "apps/v1"},
         {"ReplicaSet", "apps/v1"}}};
    const auto kind = text_at("/spec/scaleTargetRef/kind");
    const auto* known = std::ranges::find(kinds, kind, [](const auto& pair) { return pair.first; });
    if (known == kinds.end()) return false;
    return set(pointer, json::string(known->second), was(pointer));
  }

  bool mend_metric(const std::string& pointer, const std::string& name, const kube::FieldError& error) {
    // /spec/metrics/0, whatever stands below it.
    const auto end = pointer.find('/', std::string_view("/spec/metrics/").size());
    if (end == std::string::npos) return false;
    const auto metric = pointer.substr(0, end);
    if (pointer == metric + "/type") return mend_source_type(metric);
    if (error.reason.ends_with("must populate the given metric source only"))
      return erase(pointer, fmt::format("removed {}, which its type does not have", name));
    if (pointer.ends_with("/describedObject/kind") && text_at(parent_of(pointer) + "/name") == own_service)
      return set(pointer, "Service", was(pointer));
    const auto target = parent_of(pointer);
    if (!target.ends_with("/target")) return false;
    // Whatever it was, of the size itself there is one target.
    if (text_at(parent_of(target) + "/metric/name") == wanted_metric)
      return set(target, json::object{{"type", "AverageValue"}, {"averageValue", "1"}},
                 "node_wanted_count is the size itself");
    return name == "type" ? mend_target_type(target) : mend_target(target, pointer, error);
  }
  bool mend_source_type(const std::string& metric) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> sources{
        {{"object", "Object"},
         {"pods", "Pods"},
         {"resource", "Resource"},
         {"containerResource", "ContainerResource"},
         {"external", "External"}}};
    const auto* object = object_at(metric);
    if (object == nullptr) return false;
    std::string_view only;
    for (const auto& [field, type] : sources) {
      if (!object->contains(field)) continue;
      if (!only.empty()) return false;
      only = type;
    }
    return !only.empty() && set(metric + "/type", json::string(only), was(metric + "/type"));
  }
  // The type that the target's one number belongs to.
  bool mend_target_type(const std::string& target) {
    const auto* object = object_at(target);
    if (object == nullptr) return false;
    std::string_view type;
    for (const auto& [field, fits] : {std::pair("value", "Value"), std::pair("averageValue", "AverageValue"),
                                      std::pair("averageUtilization", "Utilization")}) {
      if (!object->contains(field)) continue;
      if (!type.empty()) return false;
      type = fits;
    }
    return !type.empty() && set(target + "/type", json::string(type), was(target + "/type"));
  }
  bool mend_target(const std::string& target, const std::string& pointer, const kube::FieldError& error) {
    auto* object = object_at(target);
    if (object == nullptr) return false;
    const auto type = text_at(target + "/type");
    if (error.reason.starts_with("Forbidden")) {
      // Two numbers: the type says which one counts.
      if (type == "Utilization")
        return erase(target + "/averageValue", "removed averageValue, which its type does not have");
      if (type == "Value")
        return erase(target + "/averageValue", "removed averageValue, which its type does not have");
      if (type != "AverageValue") return false;
      const auto* other = object->contains("value") ? "value" : "averageUtilization";
      return erase(fmt::format("{}/{}", target, other),
                   fmt::format("removed {}, which its type does not have", other));
    }
    // A metric of pods is averaged over them, whatever its number is called.
    if (error.reason.starts_with("Required") && target.ends_with("/pods/target") &&
        object->contains("value")) {
      auto value = object->at("value");
      object->erase("value");
      (*object)["type"] = "AverageValue";
      return set(pointer, std::move(value), "was value: a metric of Pods has an averageValue");
    }
    return false;
  }

  json::value root_;
  const WrittenText& written_;
  std::map<std::string, std::string> changes_;
};

}  // namespace

std::optional<RepairedHpa> repair_hpa(const json::object& document, hpa::KubernetesVersion version,
                                      const WrittenText& written) {
  Repair repair(document, written);
  for (int round = 0; round < most_rounds; ++round) {
    const auto refusal = hpa::validate_hpa(repair.document(), version);
    if (refusal.empty()) return RepairedHpa{.document = repair.document(), .changes = repair.take_changes()};
    if (!repair.run(refusal)) break;
  }
  return std::nullopt;
}

}  // namespace fluxmetrics::explain
