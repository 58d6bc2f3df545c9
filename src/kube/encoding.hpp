// The body of an answer in the form that its reader asked for: JSON, YAML or the protobuf of Kubernetes.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "kube/json.hpp"

namespace fluxmetrics::kube {

enum class Format { json, yaml, protobuf };

struct Form {
  Format format = Format::json;
  Layout layout = Layout::compact;  // of JSON
  auto operator<=>(const Form&) const = default;
};

// "application/json" and its like; static lifetime.
[[nodiscard]] std::string_view media_type(Format format);

// `object` is a Kubernetes object with its kind. In protobuf it must be one that kube/protobuf.hpp knows.
[[nodiscard]] std::string encode(const boost::json::value& object, Form form);

}  // namespace fluxmetrics::kube
