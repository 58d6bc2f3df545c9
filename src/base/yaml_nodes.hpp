// A YAML document as libyaml's parser sees it: nodes with their tags, anchors and lines, of which
// base/yaml.hpp makes values. Go's YAML library, which kubectl reads with, is libyaml in Go: the grammar is
// the same.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics {

struct YamlNode {
  enum class Kind { scalar, sequence, mapping, alias };
  Kind kind = Kind::scalar;
  std::size_t line = 0;  // from 1
  std::string tag;       // in its long form, "tag:yaml.org,2002:int"; "" for none
  std::string text;      // a scalar's, an alias's name
  bool plain = false;    // a scalar whose text may be a number, a boolean or null: neither quoted nor a block
  const YamlNode* target = nullptr;       // an alias's
  std::vector<const YamlNode*> children;  // items; of a mapping key, value, key, value, ...
};

// The nodes point at each other: moved, never copied.
class YamlTree {
 public:
  YamlTree() = default;
  YamlTree(const YamlTree&) = delete;
  YamlTree& operator=(const YamlTree&) = delete;
  YamlTree(YamlTree&&) = default;
  YamlTree& operator=(YamlTree&&) = default;
  ~YamlTree() = default;

  // nullptr: there is no document, only blanks and comments.
  [[nodiscard]] const YamlNode* root() const { return root_; }
  // The line where something stands behind the document; 0 when nothing does.
  [[nodiscard]] std::size_t rest_line() const { return rest_line_; }

 private:
  friend class YamlTreeBuilder;
  std::deque<YamlNode> nodes_;
  const YamlNode* root_ = nullptr;
  std::size_t rest_line_ = 0;
};

// An error at `line`, in the words of all errors about YAML: "line 3: ...".
[[nodiscard]] std::unexpected<Error> yaml_error(std::size_t line, std::string_view what);

// The first document of `text`, whose first line counts as `first_line`. Errors: Code::invalid.
[[nodiscard]] Result<YamlTree> parse_yaml_tree(std::string_view text, std::size_t first_line = 1);

}  // namespace fluxmetrics
