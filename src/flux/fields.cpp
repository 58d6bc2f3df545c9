#include "flux/fields.hpp"

#include <cmath>
#include <limits>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace fluxmetrics::flux {

namespace json = boost::json;

Fields::Fields(const json::value& value, std::string_view what) : what_(what), object_(value.if_object()) {
  if (object_ == nullptr)
    fail_with({.code = Code::protocol, .message = fmt::format("{} is not an object", what_)});
}

const json::value* Fields::any(std::string_view key) const {
  if (object_ == nullptr) return nullptr;
  const json::value* found = object_->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::int64_t> Fields::integer(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* number = found->if_int64()) return *number;
  wrong(key, "an integer");
  return std::nullopt;
}

std::optional<std::uint32_t> Fields::unsigned32(std::string_view key) {
  const auto number = integer(key);
  if (!number) return std::nullopt;
  if (*number >= 0 && *number <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(*number);
  }
  wrong(key, "between 0 and 4294967295");
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* number = found->if_double(); number != nullptr && std::isfinite(*number)) return *number;
  if (const auto* number = found->if_int64()) return static_cast<double>(*number);
  if (const auto* number = found->if_uint64()) return static_cast<double>(*number);
  wrong(key, "a number");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::count(std::string_view key) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  if (const json::value* found = any(key); found == nullptr) return std::nullopt;
  const auto* const number = any(key)->if_int64();
  if (number != nullptr && *number >= 0 && *number <= most) return *number;
  wrong(key, "a count from 0 to 2^53");
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* flag = found->if_bool()) return *flag;
  wrong(key, "true or false");
  return std::nullopt;
}

std::optional<std::string> Fields::text(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* string = found->if_string()) return std::string(*string);
  wrong(key, "a string");
  return std::nullopt;
}

const json::object* Fields::object(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return nullptr;
  if (!found->is_object()) wrong(key, "an object");
  return found->if_object();
}

const json::array* Fields::array(std::string_view key) {
  const json::value* found = any(key);
  if (found == nullptr) return nullptr;
  if (!found->is_array()) wrong(key, "an array");
  return found->if_array();
}

IdSet Fields::idset(std::string_view key) {
  const auto written = text(key);
  if (!written) return {};
  auto set = IdSet::parse(*written);
  if (set) return *std::move(set);
  fail_with({.code = Code::protocol, .message = fmt::format("{}: {}: {}", what_, key, set.error().message)});
  return {};
}

void Fields::require(std::string_view key) {
  if (object_ != nullptr && any(key) == nullptr)
    fail_with({.code = Code::protocol, .message = fmt::format("{}: {} is missing", what_, key)});
}

void Fields::fail_with(Error error) {
  if (!error_) error_ = std::move(error);
}

void Fields::wrong(std::string_view key, std::string_view expected) {
  fail_with({.code = Code::protocol, .message = fmt::format("{}: {} is not {}", what_, key, expected)});
}

}  // namespace fluxmetrics::flux
