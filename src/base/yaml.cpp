#include "base/yaml.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <ranges>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>

#include "base/byte_order_mark.hpp"
#include "base/text.hpp"
#include "base/yaml_nodes.hpp"
#include "base/yaml_scalar.hpp"

namespace fluxmetrics {
namespace {

namespace json = boost::json;

// Aliases may name one node a thousand times over; that is where this ends.
constexpr std::size_t most_values = 100'000;
constexpr std::size_t most_levels = 100;
constexpr std::size_t most_documents = 10'000;

// Makes values of nodes. What is wrong is thrown inside this file only.
class Decoder {
 public:
  struct Fault {
    std::unexpected<Error> error;
  };

  YamlDocument decode(const YamlNode& root) {
    document_.line = root.line;
    document_.value = value(root, "");
    return std::move(document_);
  }

 private:
  using Kind = YamlNode::Kind;
  // Keys as they are before they become texts: 1 and "1" are two.
  using Keys = std::map<std::string, json::value, std::less<>>;

  [[noreturn]] static void refuse(const YamlNode& node, std::string_view what) {
    throw Fault{yaml_error(node.line, what)};
  }

  // Follows an alias while `inside` is done.
  template <class Inside>
  void follow(const YamlNode& alias, const Inside& inside) {
    if (!open_.insert(&alias).second)
      refuse(alias, fmt::format("the anchor {} contains itself", printable(alias.text, 60)));
    inside(*alias.target);
    open_.erase(&alias);
  }

  void count(const YamlNode& node) {
    if (++values_ > most_values)
      refuse(node, fmt::format("the YAML unfolds to more than {} values", most_values));
  }

  json::value value(const YamlNode& node, const std::string& pointer, std::size_t level = 0) {
    count(node);
    if (level > most_levels) refuse(node, fmt::format("the YAML has more than {} levels", most_levels));
    json::value made;
    if (node.kind == Kind::alias) {
      follow(node, [&](const YamlNode& target) { made = value(target, pointer, level); });
      return made;
    }
    document_.places[pointer] = {.line = node.line, .written = node.text};
    if (node.kind == Kind::sequence) {
      auto& array = made.emplace_array();
      for (const auto* const child : node.children)
        array.push_back(value(*child, yaml_pointer(pointer, std::to_string(array.size())), level + 1));
    } else if (node.kind == Kind::mapping) {
      Keys keys;
      mapping(node, pointer, level, made.emplace_object(), keys);
    } else {
      made = scalar(node);
      if (made.is_double() && !std::isfinite(made.get_double()))
        refuse(node, fmt::format("{} is not a number in JSON, and so not in Kubernetes", node.text));
      made = go_number(made);
    }
    return made;
  }

  static json::value scalar(const YamlNode& node) {
    auto resolved = resolve_yaml_scalar(node.tag, node.text, node.plain);
    if (!resolved) refuse(node, resolved.error().message);
    return *std::move(resolved);
  }

  // In the order of the file: what comes later overwrites, a merge key too.
  void mapping(const YamlNode& node, const std::string& pointer, std::size_t level, json::object& object,
               Keys& keys) {
    std::set<std::string> own;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const auto& key = *node.children[i];
      const auto& content = *node.children[i + 1];
      if (is_merge(key)) {
        merge(content, pointer, level, object, keys);
        continue;
      }
      const auto name = key_text(key, keys);
      const auto place = yaml_pointer(pointer, name);
      if (!own.insert(name).second) document_.repeated.push_back(place);
      forget(place);
      object[name] = value(content, place, level + 1);
    }
  }

  // Places of a value that another one overwrites.
  void forget(const std::string& place) {
    const auto first = document_.places.find(place);
    if (first == document_.places.end()) return;
    document_.places.erase(first);
    const auto inside = place + "/";
    auto at = document_.places.lower_bound(inside);
    while (at != document_.places.end() && at->first.starts_with(inside))
      at = document_.places.erase(at);
  }

  std::string key_text(const YamlNode& key, Keys& keys) {
    count(key);
    if (key.kind == Kind::alias) {
      std::string name;
      follow(key, [&](const YamlNode& target) { name = key_text(target, keys); });
      return name;
    }
    if (key.kind != Kind::scalar) {
      refuse(key, fmt::format("a key must be a text, not a {}; text that begins with {} needs quotes",
                              key.kind == Kind::sequence ? "list" : "map",
                              key.kind == Kind::sequence ? '[' : '{'));
    }
    const auto typed = scalar(key);
    const auto text = yaml_key_text(typed);
    if (!text) refuse(key, text.error().message);
    const auto [same, added] = keys.try_emplace(*text, typed);
    if (!added && same->second != typed) {
      refuse(key,
             fmt::format(
                 "the key {} appears twice in one map, with and without quotes: which one wins is undefined",
                 printable(*text, 60)));
    }
    return *text;
  }

  static bool is_merge(const YamlNode& key) {
    return key.kind == Kind::scalar && key.text == "<<" &&
           (key.plain || key.tag == "tag:yaml.org,2002:merge");
  }

  void merge(const YamlNode& from, const std::string& pointer, std::size_t level, json::object& object,
             Keys& keys) {
    if (from.kind == Kind::sequence) {
      // The first of a list counts most: it comes last.
      for (const auto* const each : from.children | std::views::reverse) {
        if (each->kind == Kind::sequence) refuse_merge(*each);
        merge(*each, pointer, level, object, keys);
      }
      return;
    }
    count(from);
    if (from.kind == Kind::alias) {
      if (from.target->kind != Kind::mapping) refuse_merge(from);
      follow(from, [&](const YamlNode& target) { mapping(target, pointer, level, object, keys); });
      return;
    }
    if (from.kind != Kind::mapping) refuse_merge(from);
    mapping(from, pointer, level, object, keys);
  }

  [[noreturn]] static void refuse_merge(const YamlNode& node) {
    refuse(node, "<< takes a map, an alias of one, or a list of these");
  }

  YamlDocument document_;
  std::set<const YamlNode*> open_;
  std::size_t values_ = 0;
};

// The first document of `text`; nullopt when there is none.
Result<std::optional<YamlDocument>> first_document(std::string_view text, std::size_t first_line,
                                                   bool alone) {
  const auto tree = parse_yaml_tree(text, first_line);
  if (!tree) return std::unexpected(tree.error());
  if (tree->root() == nullptr) return std::nullopt;
  if (alone && tree->rest_line() != 0) {
    return yaml_error(tree->rest_line(),
                      "kubectl drops what follows the end of a document: begin the next one with a line ---");
  }
  try {
    return Decoder().decode(*tree->root());
  } catch (const Decoder::Fault& fault) {
    return fault.error;
  }
}

// Numbers of JSON go the same way as those of YAML. False: one is too large.
bool read_numbers_as_go(json::value& value) {
  if (auto* const array = value.if_array()) return std::ranges::all_of(*array, read_numbers_as_go);
  if (auto* const object = value.if_object())
    return std::ranges::all_of(*object, [](auto& member) { return read_numbers_as_go(member.value()); });
  if (value.is_number()) value = go_number(value);
  return !value.is_double() || std::isfinite(value.get_double());
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// A file on its way into documents.
class Stream {
 public:
  explicit Stream(std::string_view text) : text_(without_byte_order_mark(text)) {}

  Result<std::vector<YamlDocument>> read() {
    if (const auto* const start = std::ranges::find_if_not(text_, is_blank);
        start != text_.end() && *start == '{')
      if (auto read = read_objects(); !read) return std::unexpected(read.error());
    // After two objects nothing but objects may come.
    if (documents_.size() > 1 && !text_.empty()) {
      return yaml_error(
          line_,
          "after two JSON objects only another one may follow: for YAML, and for JSON divided by "
          "---, put --- between the first two as well");
    }
    auto rest = read_yaml_documents();
    if (!rest) return std::unexpected(rest.error());
    return std::move(documents_);
  }

 private:
  void take(std::size_t bytes) {
    line_ += static_cast<std::size_t>(std::ranges::count(text_.substr(0, bytes), '\n'));
    text_.remove_prefix(bytes);
  }

  [[nodiscard]] std::unexpected<Error> too_many() const {
    return yaml_error(line_, fmt::format("the file has more than {} documents", most_documents));
  }

  // JSON as far as there is some.
  Result<void> read_objects() {
    json::parse_options options;
    options.max_depth = most_levels;
    for (;;) {
      const auto blanks = static_cast<std::size_t>(std::ranges::find_if_not(text_, is_blank) - text_.begin());
      const auto object = text_.substr(blanks);
      json::parser parser({}, options);
      boost::system::error_code problem;
      auto bytes = parser.write_some(object.data(), object.size(), problem);
      if (problem) {
        take_line_end(blanks);
        return {};
      }
      // The parser takes the blanks behind an object as well.
      while (is_blank(object[bytes - 1]))
        --bytes;
      take(blanks);
      YamlDocument document{.value = parser.release(), .line = line_, .places = {}, .repeated = {}};
      if (!read_numbers_as_go(document.value))
        return yaml_error(line_, "the object holds a number that is too large");
      // YAML's reader knows the lines; but not all JSON is YAML.
      if (auto same = first_document(object.substr(0, bytes), line_, true);
          same && *same && (**same).value == document.value) {
        document = **std::move(same);
      }
      take(bytes);
      documents_.push_back(std::move(document));
      if (documents_.size() > most_documents) return too_many();
    }
  }

  // The blanks that end an object's line.
  void take_line_end(std::size_t blanks) {
    if (documents_.empty()) return;
    const auto end = text_.substr(0, blanks).find('\n');
    take(end == std::string_view::npos ? blanks : end + 1);
  }

  Result<void> read_yaml_documents() {
    std::string document;
    std::size_t first_line = line_;
    while (!text_.empty()) {
      const auto end = std::min(text_.find('\n'), text_.size());
      auto line = text_.substr(0, end);
      if (line.ends_with('\r') && end < text_.size()) line.remove_suffix(1);
      const auto here = line_;
      take(std::min(end + 1, text_.size()));
      if (line.starts_with("---")) {
        const auto behind = line.substr(3);
        const auto* const mark = std::ranges::find_if_not(behind, is_blank);
        if (mark != behind.end() && *mark != '#')
          return yaml_error(here, "a line that begins with --- divides documents: nothing may follow on it");
        // The one before a first document belongs to it.
        if (!document.empty()) {
          if (auto added = add(document, first_line); !added) return added;
          document.clear();
          continue;
        }
      }
      if (document.empty()) first_line = here;
      document.append(line).push_back('\n');
    }
    return add(document, first_line);
  }

  Result<void> add(std::string_view text, std::size_t first_line) {
    auto document = first_document(text, first_line, true);
    if (!document) return std::unexpected(document.error());
    if (*document && !(**document).value.is_null()) documents_.push_back(**std::move(document));
    if (documents_.size() > most_documents) return too_many();
    return {};
  }

  std::string_view text_;
  std::size_t line_ = 1;
  std::vector<YamlDocument> documents_;
};

}  // namespace

std::size_t YamlDocument::line_of(std::string_view pointer) const {
  for (;;) {
    if (const auto place = places.find(pointer); place != places.end()) return place->second.line;
    if (pointer.empty()) return line;
    pointer = pointer.substr(0, pointer.rfind('/'));
  }
}

Result<std::vector<YamlDocument>> read_yaml(std::string_view text) {
  return Stream(text).read();
}

Result<YamlDocument> read_yaml_document(std::string_view text) {
  auto document = first_document(text, 1, false);
  if (!document) return std::unexpected(document.error());
  auto& found = *document;
  return found ? *std::move(found) : YamlDocument{};
}

std::string not_a_text(const json::value& value, std::string_view written) {
  if (value.is_array()) return "is a list, not a text";
  if (value.is_object()) return "is a map, not a text";
  if (value.is_null()) return "is null, not a text";
  if (value.is_string()) return "is a text";
  const bool boolean = value.is_bool();
  const auto text = printable(written, 60);
  if (boolean && written.empty()) {
    return "is a boolean, not a text: YAML reads yes, no, on, off, y, n, true and false so; write the text "
           "with quotes";
  }
  if (written.empty()) return "is a number, not a text";
  if (!boolean) return fmt::format("is a number, not a text: write \"{}\", with quotes", text);
  return fmt::format("is a boolean, not a text: YAML reads {} as {}; write \"{}\", with quotes", text,
                     value.get_bool(), text);
}

std::string yaml_pointer(std::string_view pointer, std::string_view key) {
  std::string made(pointer);
  made += '/';
  for (const char c : key) {
    if (c == '~') {
      made += "~0";
    } else if (c == '/') {
      made += "~1";
    } else {
      made += c;
    }
  }
  return made;
}

}  // namespace fluxmetrics
