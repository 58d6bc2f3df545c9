#include "kube/selector.hpp"

#include <algorithm>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "kube/selector_parser.hpp"

namespace fluxmetrics::kube {
namespace {

using Requirement = Selector::Requirement;
using Operator = Selector::Operator;

bool compares(const Requirement& requirement, const std::string& value) {
  const auto left = parse_label_integer(value);
  const auto right = parse_label_integer(requirement.values.front());
  if (!left || !right) return false;
  return requirement.op == Operator::greater ? *left > *right : *left < *right;
}

// `value` is null when the label is missing.
bool accepts(const Requirement& requirement, const std::string* value) {
  const auto listed = [&] {
    return std::ranges::find(requirement.values, *value) != requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::equals:
    case Operator::double_equals:
    case Operator::in:
      return value != nullptr && listed();
    case Operator::not_equals:
    case Operator::not_in:
      return value == nullptr || !listed();
    case Operator::exists:
      return value != nullptr;
    case Operator::does_not_exist:
      return value == nullptr;
    case Operator::greater:
    case Operator::less:
      return value != nullptr && compares(requirement, *value);
  }
  return false;
}

std::string text_of(const Requirement& requirement) {
  const auto& [key, op, values] = requirement;
  switch (op) {
    case Operator::double_equals:
      return key + "==" + values.front();
    case Operator::equals:
      return key + "=" + values.front();
    case Operator::not_equals:
      return key + "!=" + values.front();
    case Operator::greater:
      return key + ">" + values.front();
    case Operator::less:
      return key + "<" + values.front();
    case Operator::in:
      return fmt::format("{} in ({})", key, fmt::join(values, ","));
    case Operator::not_in:
      return fmt::format("{} notin ({})", key, fmt::join(values, ","));
    case Operator::exists:
      return key;
    case Operator::does_not_exist:
      return "!" + key;
  }
  return {};
}

boost::json::object expression(const Requirement& requirement, const char* op) {
  boost::json::object out = {{"key", requirement.key}, {"operator", op}};
  if (!requirement.values.empty()) {
    out["values"] = boost::json::array(requirement.values.begin(), requirement.values.end());
  }
  return out;
}

}  // namespace

Result<Selector> Selector::parse(std::string_view text) {
  auto requirements = parse_requirements(text);
  if (!requirements) return std::unexpected(requirements.error());
  Selector selector;
  auto& sorted = selector.requirements_;
  for (auto& requirement : *requirements) {
    const auto place = std::ranges::upper_bound(sorted, requirement.key, {}, &Requirement::key);
    sorted.insert(place, std::move(requirement));
  }
  return selector;
}

bool Selector::matches(const std::vector<std::pair<std::string, std::string>>& labels) const {
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    const auto found =
        std::ranges::find(labels, requirement.key, &std::pair<std::string, std::string>::first);
    return accepts(requirement, found == labels.end() ? nullptr : &found->second);
  });
}

std::string Selector::to_string() const {
  std::vector<std::string> parts;
  parts.reserve(requirements_.size());
  for (const auto& requirement : requirements_)
    parts.push_back(text_of(requirement));
  return fmt::format("{}", fmt::join(parts, ","));
}

Result<boost::json::value> Selector::to_label_selector() const {
  if (empty()) return nullptr;
  std::map<std::string, std::string> equal;
  boost::json::array expressions;
  for (const auto& requirement : requirements_) {
    switch (requirement.op) {
      case Operator::equals:
      case Operator::double_equals:
        equal[requirement.key] = requirement.values.front();
        break;
      case Operator::in:
        expressions.push_back(expression(requirement, "In"));
        break;
      case Operator::not_equals:
      case Operator::not_in:
        expressions.push_back(expression(requirement, "NotIn"));
        break;
      case Operator::exists:
        expressions.push_back(expression(requirement, "Exists"));
        break;
      case Operator::does_not_exist:
        expressions.push_back(expression(requirement, "DoesNotExist"));
        break;
      case Operator::greater:
      case Operator::less:
        return fail(Code::invalid, "'{}': > and < cannot be used here, a LabelSelector has no form for them",
                    text_of(requirement));
    }
  }
  boost::json::object out;
  if (!equal.empty()) {
    boost::json::object labels;
    for (const auto& [key, value] : equal)
      labels[key] = value;
    out["matchLabels"] = std::move(labels);
  }
  if (!expressions.empty()) out["matchExpressions"] = std::move(expressions);
  return out;
}

}  // namespace fluxmetrics::kube
