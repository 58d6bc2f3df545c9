// What the API server's strict decoding of a JSON object finds: values of the wrong type and fields that the
// type has not (sigs.k8s.io/json).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "kube/field_error.hpp"

namespace fluxmetrics::kube {

// Go's struct types by name ("v2.MetricTarget"), each with its fields and their types: another struct of the
// table, "[]" and the type of the items, string, int32, int64, bool, map[string]string, resource.Quantity,
// v1.Time, v1.FieldsV1 (whatever it holds); every other name is one of a text.
using GoTypes = std::map<std::string_view, std::map<std::string_view, std::string_view>>;

struct UnknownField {
  std::string where = {};   // "spec.behavior.scaleUp.tolerence"
  std::string parent = {};  // the object that holds it, as a JSON pointer: "/spec/behavior/scaleUp"
  std::string name = {};    // "tolerence"
  std::string meant = {};   // "tolerance": a field of that place that is alike and not there; "" for none
  bool later = false;       // a later release has it
};

struct WrongType {
  FieldError error = {};     // the field with its indices, and Go's sentence
  std::string pointer = {};  // the value, as a JSON pointer (RFC 6901)
  std::string wanted = {};   // the type, as GoTypes names it
  std::string hint = {};     // how it must be written, for whoever knows how it is written
};

struct DecodingFaults {
  // Where there is one, the server says only the first, and validates nothing.
  std::vector<WrongType> types = {};
  std::vector<UnknownField> unknown = {};
  [[nodiscard]] bool empty() const { return types.empty() && unknown.empty(); }
};

// `document` read as a `type` of `types`, its members in the order of their names, as kubectl sends them.
// null is an absent field.
[[nodiscard]] DecodingFaults decode_strictly(const boost::json::object& document, std::string_view type,
                                             const GoTypes& types);

// A number as Go's JSON encoder writes it: 100000000000000000000, 1e+21, 0.5.
[[nodiscard]] std::string go_number(const boost::json::value& number);

// What a Quantity of JSON is parsed from: a text without the blanks around it, or a number.
[[nodiscard]] std::string quantity_text(const boost::json::value& value);

}  // namespace fluxmetrics::kube
