#include "kube/fields.hpp"

#include <cmath>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "kube/quantity.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::kube {
namespace json = boost::json;
namespace {

constexpr std::int64_t latest_ms = 4'000'000'000'000'000;

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

}  // namespace

void JsonField::refuse(std::string_view what) const {
  throw ShapeError{fmt::format("{} {}", where_.empty() ? "the document" : where_, what)};
}

const json::object& JsonField::object() const {
  if (!present()) refuse("is missing");
  if (!value_->is_object()) refuse(fmt::format("is {}, not an object", kind_name(*value_)));
  return value_->get_object();
}

JsonField JsonField::operator[](std::string_view name) const {
  const auto plain = printable(name, 60);
  return {object().if_contains(name), where_.empty() ? plain : fmt::format("{}.{}", where_, plain)};
}

JsonField JsonField::need(std::string_view name) const {
  auto field = (*this)[name];
  if (!field.present()) field.refuse("is missing");
  return field;
}

std::vector<JsonField> JsonField::items() const {
  if (!present()) refuse("is missing");
  if (!value_->is_array()) refuse(fmt::format("is {}, not a list", kind_name(*value_)));
  std::vector<JsonField> items;
  items.reserve(value_->get_array().size());
  for (const auto& item : value_->get_array())
    items.emplace_back(&item, fmt::format("{}[{}]", where_, items.size()));
  return items;
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  std::vector<std::pair<std::string, JsonField>> members;
  for (const auto& member : object()) {
    const std::string name(member.key());
    members.emplace_back(name, JsonField(&member.value(), fmt::format("{}.{}", where_, printable(name, 60))));
  }
  return members;
}

std::string JsonField::text() const {
  if (!present()) refuse("is missing");
  if (!value_->is_string()) refuse(not_a_text(*value_));
  return std::string(value_->get_string());
}

std::string JsonField::text_or(std::string_view otherwise) const {
  return present() ? text() : std::string(otherwise);
}

bool JsonField::flag_or(bool otherwise) const {
  if (!present()) return otherwise;
  if (!value_->is_bool()) refuse(fmt::format("is {}, not true or false", kind_name(*value_)));
  return value_->get_bool();
}

double JsonField::number() const {
  if (!present()) refuse("is missing");
  if (!value_->is_number()) refuse(fmt::format("is {}, not a number", kind_name(*value_)));
  const auto number = value_->to_number<double>();
  if (!std::isfinite(number)) refuse("is too large a number");
  return number;
}

std::int64_t JsonField::integer(std::int64_t least, std::int64_t most) const {
  const double rough = number();
  if (value_->is_double() && rough != std::trunc(rough)) refuse("is not a whole number");
  boost::system::error_code out_of_range;
  const auto exact = value_->to_number<std::int64_t>(out_of_range);
  if (out_of_range || exact < least || exact > most) {
    refuse(fmt::format("is {}, outside of {}..{}", json::serialize(*value_), least, most));
  }
  return exact;
}

std::int32_t JsonField::int32() const {
  return static_cast<std::int32_t>(
      integer(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
}

std::optional<std::int32_t> JsonField::maybe_int32() const {
  return present() ? std::optional(int32()) : std::nullopt;
}

std::int64_t JsonField::time_ms() const {
  return integer(-latest_ms, latest_ms);
}

std::string JsonField::quantity_text() const {
  if (!present()) refuse("is missing");
  if (value_->is_number()) return json::serialize(*value_);
  (void)text();
  return kube::quantity_text(*value_);
}

std::int64_t JsonField::quantity() const {
  const auto written = quantity_text();
  const auto milli = parse_milli_wrapping(written);
  if (!milli)
    refuse(fmt::format("is '{}', which is no quantity: {}", printable(written, 60), milli.error().message));
  return *milli;
}

}  // namespace fluxmetrics::kube
