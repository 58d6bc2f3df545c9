// Reads a JSON document field by field and can name each: "steps[3].in.specReplicas is missing". What is
// wrong is thrown as a ShapeError, which does not leave the room: the functions that use this return a
// Result.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::kube {

struct ShapeError {
  std::string sentence;
};

// One value and where it stands. Absent and null are the same.
class JsonField {
 public:
  JsonField(const boost::json::value* value, std::string where) : value_(value), where_(std::move(where)) {}

  [[nodiscard]] bool present() const { return value_ != nullptr && !value_->is_null(); }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void refuse(std::string_view what) const;

  // The member `name` of an object.
  [[nodiscard]] JsonField operator[](std::string_view name) const;
  // The same, which must be there.
  [[nodiscard]] JsonField need(std::string_view name) const;
  [[nodiscard]] std::vector<JsonField> items() const;                            // of an array
  [[nodiscard]] std::vector<std::pair<std::string, JsonField>> members() const;  // of an object

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string text_or(std::string_view otherwise) const;
  [[nodiscard]] bool flag_or(bool otherwise) const;
  [[nodiscard]] double number() const;
  // Whole numbers only, 4.0 too.
  [[nodiscard]] std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                                     std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  [[nodiscard]] std::int32_t int32() const;
  [[nodiscard]] std::optional<std::int32_t> maybe_int32() const;
  // Milliseconds, within what sums of a few of them can hold.
  [[nodiscard]] std::int64_t time_ms() const;
  // A quantity, written as a text or as a number; thousandths.
  [[nodiscard]] std::int64_t quantity() const;
  [[nodiscard]] std::string quantity_text() const;

  [[nodiscard]] const boost::json::value& value() const { return *value_; }

 private:
  [[nodiscard]] const boost::json::object& object() const;

  const boost::json::value* value_;
  std::string where_;
};

// What `read` makes of a document that should be a `kind`. Errors: Code::protocol with the sentence of its
// ShapeError.
template <class Read>
[[nodiscard]] auto read_fields(const boost::json::value& document, std::string_view kind, Read read)
    -> Result<decltype(read(std::declval<const JsonField&>()))> {
  try {
    return read(JsonField(&document, ""));
  } catch (const ShapeError& wrong) {
    return fail(Code::protocol, "the {} cannot be understood: {}", kind, wrong.sentence);
  }
}

}  // namespace fluxmetrics::kube
