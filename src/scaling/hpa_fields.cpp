#include "scaling/hpa_fields.hpp"

#include <fmt/format.h>
#include <map>
#include <string_view>

#include "base/text.hpp"

namespace fluxmetrics::scaling {
namespace json = boost::json;
namespace {

// Fields by name, each with the type of what it holds (of the items of a list); "" where nothing below is
// looked at.
using Fields = std::map<std::string_view, std::string_view>;

const Fields* fields_of(std::string_view type) {
  static const std::map<std::string_view, Fields> types{
      {"hpa", {{"apiVersion", ""}, {"kind", ""}, {"metadata", ""}, {"spec", "spec"}, {"status", ""}}},
      {"spec",
       {{"scaleTargetRef", "reference"},
        {"minReplicas", ""},
        {"maxReplicas", ""},
        {"metrics", "metric"},
        {"behavior", "behavior"}}},
      {"reference", {{"apiVersion", ""}, {"kind", ""}, {"name", ""}}},
      {"metric",
       {{"type", ""},
        {"object", "object"},
        {"pods", "pods"},
        {"resource", "resource"},
        {"containerResource", "container"},
        {"external", "pods"}}},
      {"object", {{"describedObject", "reference"}, {"target", "target"}, {"metric", "identifier"}}},
      {"pods", {{"metric", "identifier"}, {"target", "target"}}},
      {"resource", {{"name", ""}, {"target", "target"}}},
      {"container", {{"name", ""}, {"target", "target"}, {"container", ""}}},
      {"target", {{"type", ""}, {"value", ""}, {"averageValue", ""}, {"averageUtilization", ""}}},
      {"identifier", {{"name", ""}, {"selector", "selector"}}},
      {"selector", {{"matchLabels", ""}, {"matchExpressions", "requirement"}}},
      {"requirement", {{"key", ""}, {"operator", ""}, {"values", ""}}},
      {"behavior", {{"scaleUp", "rules"}, {"scaleDown", "rules"}}},
      {"rules",
       {{"stabilizationWindowSeconds", ""}, {"selectPolicy", ""}, {"policies", "policy"}, {"tolerance", ""}}},
      {"policy", {{"type", ""}, {"value", ""}, {"periodSeconds", ""}}}};
  const auto found = types.find(type);
  return found == types.end() ? nullptr : &found->second;
}

class FieldWalk {
 public:
  void object(const json::object& object, std::string_view type, const std::string& where,
              const std::string& pointer) {
    const auto* fields = fields_of(type);
    if (fields == nullptr) return;
    for (const auto& [key, value] : object) {
      const std::string name(key);
      const auto here = where.empty() ? name : fmt::format("{}.{}", where, name);
      if (const auto known = fields->find(name); known != fields->end()) {
        any(value, known->second, here, fmt::format("{}/{}", pointer, name));
        continue;
      }
      std::vector<std::string> names;
      for (const auto& [field, below] : *fields) {
        if (!object.contains(field)) names.emplace_back(field);
      }
      found_.push_back({.where = here, .parent = pointer, .name = name, .meant = nearest(name, names)});
    }
  }
  [[nodiscard]] std::vector<UnknownField> take() { return std::move(found_); }

 private:
  void any(const json::value& value, std::string_view type, const std::string& where,
           const std::string& pointer) {
    if (const auto* nested = value.if_object(); nested != nullptr) object(*nested, type, where, pointer);
    const auto* list = value.if_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      if (const auto* item = (*list)[i].if_object(); item != nullptr)
        object(*item, type, fmt::format("{}[{}]", where, i), fmt::format("{}/{}", pointer, i));
    }
  }

  std::vector<UnknownField> found_;
};

}  // namespace

std::vector<UnknownField> unknown_fields(const json::object& document) {
  FieldWalk walk;
  walk.object(document, "hpa", "", "");
  return walk.take();
}

}  // namespace fluxmetrics::scaling
