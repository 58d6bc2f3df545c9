// YAML read as kubectl reads it, whatever it is for: manifests, kubeconfigs, files of metrics.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics {

// Where a value stands, and how it is written there.
struct YamlPlace {
  std::size_t line = 0;  // from 1
  std::string written;   // a scalar without its quotes, such as "on" of a boolean; "" for lists and maps
};

struct YamlDocument {
  boost::json::value value;
  std::size_t line = 1;  // where it begins
  // By JSON pointer (RFC 6901): "/spec/maxReplicas".
  std::map<std::string, YamlPlace, std::less<>> places;
  // The keys that one map has twice, by JSON pointer. The last one holds, as for kubectl, which says nothing
  // about it.
  std::vector<std::string> repeated;

  // The line of what `pointer` names, or of what holds it.
  [[nodiscard]] std::size_t line_of(std::string_view pointer) const;
};

// The documents of a file as `kubectl apply -f` finds them: divided by lines that begin with ---, or a stream
// of JSON objects; those that hold nothing, or null, do not count. Numbers, booleans, tags, aliases and merge
// keys are those of Go's YAML library (base/yaml_scalar.hpp): a merge key (<<) overwrites what stands above
// it in its map, and what stands below overwrites it. Errors: Code::invalid, "line 3: ..."; also for what
// kubectl drops without a word: text behind "..." , two keys of one map that become one text (1 and "1").
// Source: Kubernetes 1.37 (k8s.io/apimachinery/pkg/util/yaml).
[[nodiscard]] Result<std::vector<YamlDocument>> read_yaml(std::string_view text);

// The first document of a file, as client-go reads a kubeconfig; null when there is none.
[[nodiscard]] Result<YamlDocument> read_yaml_document(std::string_view text);

// What a value is that should be a text, and how the text must be written: "is a boolean, not a text: YAML
// reads on as true; write \"on\", with quotes". `written`: as in YamlPlace; "" where nobody knows it any
// more.
[[nodiscard]] std::string not_a_text(const boost::json::value& value, std::string_view written = "");

// The JSON pointer of a member `key` of what `pointer` names.
[[nodiscard]] std::string yaml_pointer(std::string_view pointer, std::string_view key);

}  // namespace fluxmetrics
