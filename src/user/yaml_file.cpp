#include "user/yaml_file.hpp"

#include <algorithm>
#include <array>
#include <fmt/ranges.h>
#include <optional>
#include <string_view>
#include <yaml-cpp/yaml.h>

#include "base/text.hpp"
#include "metrics/user_names.hpp"
#include "user/text_file.hpp"

namespace fluxmetrics::user {
namespace {

using metrics::Aggregation;
using metrics::Type;

constexpr std::size_t most_metrics = 200;
constexpr std::size_t most_labels = 10;
constexpr std::size_t longest_expression = 20'000;
constexpr std::array<std::string_view, 7> known_fields{"name", "help",        "unit",      "labels",
                                                       "type", "aggregation", "expression"};

// One metric of the file; all its sentences name the line.
class Entry {
 public:
  Entry(const std::string& path, const YAML::Node& node) : path_(path), node_(node) {}

  [[nodiscard]] std::string place() const { return fmt::format("{} line {}", path_, node_.Mark().line + 1); }

  Result<void> check_fields() const {
    if (!node_.IsMap()) {
      return fail(Code::invalid, "{}: a metric is a map with name, help and expression", place());
    }
    for (const auto& field : node_) {
      const auto name = field.first.IsScalar() ? field.first.Scalar() : std::string("a field");
      if (std::ranges::find(known_fields, name) != known_fields.end()) continue;
      return fail(Code::invalid, "{} line {}: a metric has no {}; it has {}", path_,
                  field.first.Mark().line + 1, printable(name), fmt::join(known_fields, ", "));
    }
    return {};
  }

  // nullopt: it is not there.
  Result<std::optional<std::string>> text(const char* field) const {
    const auto found = node_[field];
    if (!found) return std::nullopt;
    if (!found.IsScalar() || found.Scalar().empty()) {
      return fail(Code::invalid, "{} line {}: {} must be a text", path_, found.Mark().line + 1, field);
    }
    return found.Scalar();
  }

  Result<std::string> needed(const char* field) const {
    auto found = text(field);
    if (!found) return std::unexpected(found.error());
    if (!*found) return fail(Code::invalid, "{}: the metric has no {}", place(), field);
    return std::move(**found);
  }

  Result<std::vector<std::string>> labels() const {
    std::vector<std::string> names;
    const auto found = node_["labels"];
    if (!found) return names;
    const auto refuse = [&](std::string_view why) {
      return fail(Code::invalid, "{} line {}: {}", path_, found.Mark().line + 1, why);
    };
    if (!found.IsSequence() || found.size() > most_labels) {
      return refuse(fmt::format("labels must be a list of at most {} names, such as [queue]", most_labels));
    }
    for (const auto& label : found) {
      const auto name = label.IsScalar() ? label.Scalar() : std::string();
      const bool reserved = name.starts_with("__") || name == "le" || name == "quantile";
      if (!metrics::is_metric_name(name) || reserved) {
        return refuse(
            fmt::format("'{}' is no name for a label: it takes letters, digits and _; __..., le and "
                        "quantile are taken",
                        printable(name)));
      }
      if (std::ranges::find(names, name) != names.end())
        return refuse(fmt::format("the label {} is there twice", name));
      names.push_back(name);
    }
    return names;
  }

  // The value that `field` names, of some; `otherwise` when it is not there.
  template <class Value, std::size_t Size>
  Result<Value> one_of(const char* field, const std::array<std::pair<std::string_view, Value>, Size>& values,
                       Value otherwise) const {
    const auto found = text(field);
    if (!found) return std::unexpected(found.error());
    if (!*found) return otherwise;
    for (const auto& [name, value] : values)
      if (name == **found) return value;
    return fail(Code::invalid, "{}: {} is {} or {}, not {}", place(), field, values[0].first, values[1].first,
                printable(**found));
  }

 private:
  const std::string& path_;
  const YAML::Node& node_;
};

Result<Expression> read_entry(const std::string& path, const YAML::Node& node) {
  const Entry entry(path, node);
  if (auto checked = entry.check_fields(); !checked) return std::unexpected(checked.error());
  auto name = entry.needed("name");
  auto help = entry.needed("help");
  auto expression = entry.needed("expression");
  for (const auto* each : {&name, &help, &expression})
    if (!*each) return std::unexpected(each->error());
  auto unit = entry.text("unit");
  if (!unit) return std::unexpected(unit.error());
  auto labels = entry.labels();
  if (!labels) return std::unexpected(labels.error());
  const auto type =
      entry.one_of<Type, 2>("type", {{{"gauge", Type::gauge}, {"counter", Type::counter}}}, Type::gauge);
  if (!type) return std::unexpected(type.error());
  const auto together = entry.one_of<Aggregation, 2>(
      "aggregation", {{{"sum", Aggregation::sum}, {"max", Aggregation::max}}}, Aggregation::sum);
  if (!together) return std::unexpected(together.error());
  if (expression->size() > longest_expression) {
    return fail(Code::invalid, "{}: the expression has more than {} characters", entry.place(),
                longest_expression);
  }
  const bool labelled = !labels->empty();
  return Expression{.metric = {.name = *std::move(name),
                               .unit = printable((*unit).value_or("")),
                               .help = printable(*help),
                               .source = entry.place(),
                               .labels = *std::move(labels),
                               .type = *type,
                               .aggregation = labelled ? *together : Aggregation::single},
                    .text = *std::move(expression)};
}

Result<std::vector<Expression>> read_document(const std::string& path, const YAML::Node& document) {
  const auto list = document.IsMap() ? document["metrics"] : YAML::Node();
  if (!list || !list.IsSequence() || list.size() == 0 || document.size() != 1) {
    return fail(Code::invalid, "{}: the file must be a map with one field, metrics, a list of metrics", path);
  }
  if (list.size() > most_metrics)
    return fail(Code::invalid, "{}: more than {} metrics in one file", path, most_metrics);
  std::vector<Expression> expressions;
  for (const auto& node : list) {
    auto entry = read_entry(path, node);
    if (!entry) return std::unexpected(entry.error());
    expressions.push_back(*std::move(entry));
  }
  return expressions;
}

}  // namespace

bool Expression::tells_time() const {
  return text.find("time") != std::string::npos || text.find("now") != std::string::npos;
}

Result<std::vector<Expression>> parse_expressions(const std::string& path, const std::string& text) {
  try {
    return read_document(path, YAML::Load(text));
  } catch (const YAML::Exception& broken) {
    return fail(Code::invalid, "{} line {}: this is not YAML: {}", path, broken.mark.line + 1, broken.msg);
  }
}

Result<std::vector<Expression>> read_expressions(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error());
  return parse_expressions(path, *text);
}

}  // namespace fluxmetrics::user
