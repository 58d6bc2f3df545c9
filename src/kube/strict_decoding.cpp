#include "kube/strict_decoding.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "kube/go_time.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::kube {
namespace json = boost::json;
namespace {

// What Go's errors call a value.
std::string_view word_for(const json::value& value) {
  if (value.is_bool()) return "bool";
  if (value.is_string()) return "string";
  if (value.is_array()) return "array";
  return value.is_object() ? "object" : "number";
}

std::string pointer_to(const std::string& parent, std::string_view key) {
  std::string escaped;
  for (const char c : key)
    escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return fmt::format("{}/{}", parent, escaped);
}

// Where the walk is.
struct Place {
  std::string where;       // "spec.metrics[0].type"
  std::string pointer;     // "/spec/metrics/0/type"
  std::string_view owner;  // the struct that holds the field: "v2.MetricSpec"
  std::string path;        // of names alone: "spec.metrics.type"
};

class Walk {
 public:
  explicit Walk(const GoTypes& types) : types_(types) {}

  void structure(const json::object& object, std::string_view type, const Place& at) {
    const auto& fields = types_.at(type);
    for (const auto& [name, value] : sorted(object)) {
      Place place{.where = at.where.empty() ? name : fmt::format("{}.{}", at.where, name),
                  .pointer = pointer_to(at.pointer, name),
                  .owner = type,
                  .path = at.path.empty() ? name : fmt::format("{}.{}", at.path, name)};
      if (const auto known = fields.find(name); known != fields.end()) {
        any(*value, known->second, place);
      } else {
        unknown(object, fields, at, name, std::move(place.where));
      }
    }
  }
  [[nodiscard]] DecodingFaults take() { return std::move(found_); }

 private:
  using Members = std::vector<std::pair<std::string, const json::value*>>;
  static Members sorted(const json::object& object) {
    Members members;
    for (const auto& [key, value] : object)
      members.emplace_back(key, &value);
    std::ranges::sort(members);
    return members;
  }

  void unknown(const json::object& object, const GoTypes::mapped_type& fields, const Place& at,
               const std::string& name, std::string where) {
    std::vector<std::string> names;
    for (const auto& [field, below] : fields) {
      if (!object.contains(field)) names.emplace_back(field);
    }
    found_.unknown.push_back({.where = std::move(where),
                              .parent = at.pointer,
                              .name = name,
                              .meant = nearest(name, names),
                              .later = false});
  }

  void wrong(const Place& at, std::string_view wanted, std::string reason) {
    found_.types.push_back({.error = {.field = at.where, .reason = std::move(reason)},
                            .pointer = at.pointer,
                            .wanted = std::string(wanted),
                            .hint = {}});
  }
  void mismatch(const json::value& value, std::string_view wanted, const Place& at, std::string_view told) {
    const bool whole = wanted.starts_with("int") && value.is_number();
    const auto shown = whole ? fmt::format("number {}", go_number(value)) : std::string(word_for(value));
    const auto dot = at.owner.find('.');
    wrong(at, wanted,
          fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", shown,
                      at.owner.substr(dot + 1), at.path, told));
  }

  void any(const json::value& value, std::string_view type, const Place& at) {
    if (value.is_null() || type == "v1.FieldsV1") return;
    if (type == "resource.Quantity") return quantity(value, at);
    if (type == "v1.Time") return time(value, at);
    if (type.starts_with("[]")) return list(value, type, at);
    if (type == "map[string]string") return map(value, at);
    if (types_.contains(type)) {
      if (const auto* object = value.if_object()) return structure(*object, type, at);
    } else if (type == "bool") {
      if (value.is_bool()) return;
    } else if (type == "int32" || type == "int64") {
      if (fits(value, type)) return;
    } else if (value.is_string()) {
      return;
    }
    mismatch(value, type, at, type);
  }

  void list(const json::value& value, std::string_view type, const Place& at) {
    const auto* items = value.if_array();
    if (items == nullptr) return mismatch(value, type, at, type);
    for (std::size_t i = 0; i < items->size(); ++i) {
      auto place = at;
      place.where += fmt::format("[{}]", i);
      place.pointer += fmt::format("/{}", i);
      any((*items)[i], type.substr(2), place);
    }
  }

  void map(const json::value& value, const Place& at) {
    const auto* object = value.if_object();
    if (object == nullptr) return mismatch(value, "map[string]string", at, "map[string]string");
    for (const auto& [name, member] : sorted(*object)) {
      auto place = at;
      place.where += fmt::format("[{}]", name);
      place.pointer = pointer_to(at.pointer, name);
      any(*member, "string", place);
    }
  }

  // Numbers with a point are whole ones when nothing is behind it: kubectl sends them without.
  static bool fits(const json::value& value, std::string_view type) {
    if (!value.is_number()) return false;
    if (value.is_double() && value.get_double() != std::trunc(value.get_double())) return false;
    boost::system::error_code out_of_range;
    if (type == "int32") {
      (void)value.to_number<std::int32_t>(out_of_range);
    } else {
      (void)value.to_number<std::int64_t>(out_of_range);
    }
    return !out_of_range;
  }

  void quantity(const json::value& value, const Place& at) {
    if (const auto parsed = parse_milli_wrapping(quantity_text(value)); !parsed)
      wrong(at, "resource.Quantity", parsed.error().message);
  }

  void time(const json::value& value, const Place& at) {
    if (!value.is_string()) return mismatch(value, "v1.Time", at, "string");
    const std::string text(value.get_string());
    if (auto fault = go_time_fault(text); !fault.empty()) wrong(at, "v1.Time", std::move(fault));
  }

  const GoTypes& types_;
  DecodingFaults found_;
};

}  // namespace

DecodingFaults decode_strictly(const json::object& document, std::string_view type, const GoTypes& types) {
  Walk walk(types);
  walk.structure(document, type, {});
  auto found = walk.take();
  // Types that read themselves end Go's decoding at once; it remembers another mismatch, and goes on.
  std::ranges::stable_partition(found.types, [](const WrongType& wrong) {
    return wrong.wanted == "resource.Quantity" || wrong.wanted == "v1.Time";
  });
  return found;
}

std::string go_number(const json::value& number) {
  const auto* real = number.if_double();
  if (real == nullptr) return json::serialize(number);
  const auto size = std::abs(*real);
  // Go turns to exponents at other sizes than we do.
  if (size != 0 && (size < 1e-6 || size >= 1e21)) {
    auto text = fmt::format("{:e}", *real);
    const auto shortest = fmt::format("{}", *real);
    if (shortest.contains('e')) text = shortest;
    // e-07 is e-7 there, e+21 stays.
    if (const auto zero = text.find("e-0"); zero != std::string::npos) text.erase(zero + 2, 1);
    return text;
  }
  auto text = fmt::format("{}", *real);
  const auto exponent = text.find('e');
  if (exponent == std::string::npos) return text;
  // The shortest digits that say the number, and noughts up to its point.
  const auto point = static_cast<std::size_t>(std::stoi(text.substr(exponent + 1)));
  text.resize(exponent);
  const bool negative = text[0] == '-';
  std::erase(text, '.');
  if (size < 1) return fmt::format("{:f}", *real);
  text.resize(point + (negative ? 2 : 1), '0');
  return text;
}

std::string quantity_text(const json::value& value) {
  if (value.is_number()) return go_number(value);
  if (!value.is_string()) return json_text(value);
  static constexpr std::string_view blanks = " \t\n\v\f\r";
  const std::string_view text = value.get_string();
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(blanks) + 1 - begin));
}

}  // namespace fluxmetrics::kube
