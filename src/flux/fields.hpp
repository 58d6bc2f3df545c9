// Reads the members of one JSON object and remembers the first that is wrong, so that readers of replies stay
// short.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/idset.hpp"

namespace fluxmetrics::flux {

// A member that is absent or null reads as nullopt (nullptr); one of the wrong kind too, and error() then
// names it.
class Fields {
 public:
  // `what` names the object in error sentences; it must outlive this. A `value` that is no object is an
  // error.
  Fields(const boost::json::value& value, std::string_view what);

  [[nodiscard]] const boost::json::value* any(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<std::uint32_t> unsigned32(std::string_view key);
  std::optional<double> number(std::string_view key);  // integers too; finite
  // A number of things, 0 to 2^53 (what a metric's value can hold exactly).
  std::optional<std::int64_t> count(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  const boost::json::object* object(std::string_view key);
  const boost::json::array* array(std::string_view key);
  IdSet idset(std::string_view key);  // empty when absent

  // Remembers that `key` is missing if it is.
  void require(std::string_view key);
  // Remembers `error`, unless there was one before.
  void fail_with(Error error);
  // As if `key` were wrong: "WHAT: KEY is not EXPECTED".
  void wrong(std::string_view key, std::string_view expected);

  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] std::unexpected<Error> error() const { return std::unexpected(*error_); }
  [[nodiscard]] std::string_view what() const { return what_; }

 private:
  std::string_view what_;
  const boost::json::object* object_ = nullptr;
  std::optional<Error> error_;
};

}  // namespace fluxmetrics::flux
