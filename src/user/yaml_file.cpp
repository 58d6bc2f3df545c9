#include "user/yaml_file.hpp"

#include <algorithm>
#include <array>
#include <fmt/ranges.h>
#include <optional>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "metrics/user_names.hpp"
#include "user/text_file.hpp"

namespace fluxmetrics::user {
namespace {

namespace json = boost::json;
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
  Entry(const std::string& path, const YamlDocument& document, std::string pointer, const json::value& value)
      : path_(path), document_(document), pointer_(std::move(pointer)), map_(value.if_object()) {}

  [[nodiscard]] std::string place() const { return place_of(pointer_); }
  [[nodiscard]] std::string place_of(std::string_view pointer) const {
    return fmt::format("{} line {}", path_, document_.line_of(pointer));
  }

  Result<void> check_fields() const {
    if (map_ == nullptr)
      return fail(Code::invalid, "{}: a metric is a map with name, help and expression", place());
    for (const auto& field : *map_) {
      const std::string_view name(field.key());
      if (std::ranges::find(known_fields, name) != known_fields.end()) continue;
      return fail(Code::invalid, "{}: a metric has no {}; it has {}", place_of(yaml_pointer(pointer_, name)),
                  printable(name), fmt::join(known_fields, ", "));
    }
    return {};
  }

  // nullopt: it is not there. A number is taken as it is written.
  Result<std::optional<std::string>> text(const char* field) const {
    const auto* const found = map_->if_contains(field);
    if (found == nullptr) return std::nullopt;
    return text_of(*found, yaml_pointer(pointer_, field), field);
  }

  Result<std::string> needed(const char* field) const {
    auto found = text(field);
    if (!found) return std::unexpected(found.error());
    if (!*found) return fail(Code::invalid, "{}: the metric has no {}", place(), field);
    return std::move(**found);
  }

  Result<std::vector<std::string>> labels() const {
    std::vector<std::string> names;
    const auto* const found = map_->if_contains("labels");
    if (found == nullptr) return names;
    const auto pointer = yaml_pointer(pointer_, "labels");
    const auto refuse = [&](std::string_view why) {
      return fail(Code::invalid, "{}: {}", place_of(pointer), why);
    };
    const auto* const list = found->if_array();
    if (list == nullptr || list->size() > most_labels) {
      return refuse(fmt::format("labels must be a list of at most {} names, such as [queue]", most_labels));
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto name = text_of((*list)[i], fmt::format("{}/{}", pointer, i), "a label");
      if (!name) return std::unexpected(name.error());
      const bool reserved = name->starts_with("__") || *name == "le" || *name == "quantile";
      if (!metrics::is_metric_name(*name) || reserved) {
        return refuse(
            fmt::format("'{}' is not a valid label name: use letters, digits and _; __..., le and "
                        "quantile are taken",
                        printable(*name)));
      }
      if (std::ranges::find(names, *name) != names.end())
        return refuse(fmt::format("the label {} appears twice", *name));
      names.push_back(*name);
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
  Result<std::string> text_of(const json::value& value, const std::string& pointer,
                              std::string_view what) const {
    const auto written = document_.places.find(pointer);
    auto as_written = written == document_.places.end() ? std::string() : written->second.written;
    if (const auto* const text = value.if_string(); text != nullptr && !text->empty())
      return std::string(*text);
    if (value.is_number() && !as_written.empty()) return as_written;
    return fail(Code::invalid, "{}: {} {}", place_of(pointer), what,
                value.is_string() || value.is_null() ? "is empty" : not_a_text(value, as_written));
  }

  const std::string& path_;
  const YamlDocument& document_;
  std::string pointer_;
  const json::object* map_;
};

Result<Expression> read_entry(const Entry& entry) {
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

// Adds the metrics of a document to `expressions`.
Result<void> read_document(const std::string& path, const YamlDocument& document,
                           std::vector<Expression>& expressions) {
  if (!document.repeated.empty()) {
    const auto& twice = document.repeated.front();
    return fail(Code::invalid, "{} line {}: {} appears twice", path, document.line_of(twice),
                printable(twice.substr(twice.rfind('/') + 1)));
  }
  const auto* const map = document.value.if_object();
  const auto* const metrics = map == nullptr ? nullptr : map->if_contains("metrics");
  const auto* const list = metrics == nullptr ? nullptr : metrics->if_array();
  if (list == nullptr || list->empty() || map->size() != 1) {
    return fail(Code::invalid,
                "{} line {}: a document must be a map with one field, metrics, a list of metrics", path,
                document.line);
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (expressions.size() >= most_metrics)
      return fail(Code::invalid, "{}: more than {} metrics in one file", path, most_metrics);
    auto entry = read_entry(Entry(path, document, fmt::format("/metrics/{}", i), (*list)[i]));
    if (!entry) return std::unexpected(entry.error());
    expressions.push_back(*std::move(entry));
  }
  return {};
}

}  // namespace

bool Expression::tells_time() const {
  return text.find("time") != std::string::npos || text.find("now") != std::string::npos;
}

Result<std::vector<Expression>> parse_expressions(const std::string& path, const std::string& text) {
  const auto documents = read_yaml(text);
  if (!documents) return fail(documents.error().code, "{} {}", path, documents.error().message);
  if (documents->empty())
    return fail(Code::invalid, "{}: the file must be a map with one field, metrics, a list of metrics", path);
  std::vector<Expression> expressions;
  for (const auto& document : *documents)
    if (auto added = read_document(path, document, expressions); !added)
      return std::unexpected(added.error());
  return expressions;
}

Result<std::vector<Expression>> read_expressions(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error());
  return parse_expressions(path, *text);
}

}  // namespace fluxmetrics::user
