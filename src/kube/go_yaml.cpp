#include "kube/go_yaml.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <regex>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;

// Words that YAML 1.1 reads as null, a boolean, a float or a merge.
bool is_word_of_yaml(std::string_view text) {
  static constexpr std::array<std::string_view, 3> exact = {"", "~", "<<"};
  static constexpr std::array<std::string_view, 13> words = {
      "y", "yes", "n", "no", "true", "false", "on", "off", "null", ".nan", ".inf", "+.inf", "-.inf"};
  if (std::ranges::find(exact, text) != exact.end()) return true;
  // Each is read in lower case, in capitals and with one capital; other mixtures only cost needless quotes.
  return std::ranges::any_of(words, [text](std::string_view word) { return same_ignoring_case(text, word); });
}

// Whether a reader would take the text for a number or a date.
bool looks_numeric(const std::string& text) {
  if (text.find_first_of("0123456789") == std::string::npos) return false;
  static const std::regex number(
      R"([-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+)");
  static const std::regex sixties(R"([-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)");
  static const std::regex date(
      R"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)?)");
  return std::regex_match(text, number) || std::regex_match(text, sixties) || std::regex_match(text, date);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Whether the text, written as it is, would not read as a scalar.
bool breaks_syntax(std::string_view text) {
  static constexpr std::string_view indicators = "#,[]{}&*!|>'\"%@`";
  if (text.empty() || is_blank(text.front()) || is_blank(text.back())) return true;
  if (indicators.contains(text.front()) || text.starts_with("---") || text.starts_with("...")) return true;
  const bool marks_alone = text.front() == '-' || text.front() == '?' || text.front() == ':';
  if (marks_alone && (text.size() == 1 || is_blank(text[1]))) return true;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ':' && (i + 1 == text.size() || is_blank(text[i + 1]))) return true;
    if (text[i] == '#' && is_blank(text[i - 1])) return true;
  }
  return false;
}

// What only escapes can write: control characters, and what is no UTF-8. Line feeds are the caller's matter.
bool needs_escapes(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0 || first == 0x7f || (first < 0x20 && first != '\n')) return true;
    text.remove_prefix(length);
  }
  return false;
}

class YamlWriter {
 public:
  [[nodiscard]] std::string take() { return std::move(out_); }

  // `indent`: of the lines that a collection takes; the first is where the writer stands.
  void write(const json::value& value, std::size_t indent) {
    if (const auto* object = value.if_object()) {
      write_object(*object, indent);
    } else if (const auto* array = value.if_array()) {
      write_array(*array, indent);
    } else if (const auto* string = value.if_string()) {
      write_string(std::string_view(string->data(), string->size()), indent);
      out_ += '\n';
    } else {
      out_ += go_json(value);
      out_ += '\n';
    }
  }

 private:
  void write_object(const json::object& object, std::size_t indent) {
    if (object.empty()) {
      out_ += "{}\n";
      return;
    }
    std::vector<const json::key_value_pair*> members;
    members.reserve(object.size());
    for (const auto& member : object)
      members.push_back(&member);
    std::ranges::sort(members, {}, [](const auto* member) { return std::string_view(member->key()); });
    for (const auto* member : members) {
      if (member != members.front()) out_.append(indent, ' ');
      write_string(std::string_view(member->key()), indent, /*as_key=*/true);
      out_ += ':';
      write_member(member->value(), indent);
    }
  }

  // Lists stand as deep as their key, objects two deeper.
  void write_member(const json::value& value, std::size_t indent) {
    const auto* object = value.if_object();
    const auto* array = value.if_array();
    if (object != nullptr && !object->empty()) {
      out_ += '\n';
      out_.append(indent + 2, ' ');
      write_object(*object, indent + 2);
    } else if (array != nullptr && !array->empty()) {
      out_ += '\n';
      out_.append(indent, ' ');
      write_array(*array, indent);
    } else {
      out_ += ' ';
      write(value, indent);
    }
  }

  void write_array(const json::array& array, std::size_t indent) {
    if (array.empty()) {
      out_ += "[]\n";
      return;
    }
    for (const auto& item : array) {
      if (&item != array.data()) out_.append(indent, ' ');
      out_ += "- ";
      write(item, indent + 2);
    }
  }

  void write_string(std::string_view text, std::size_t indent, bool as_key = false) {
    const bool lines = text.contains('\n');
    if (needs_escapes(text) || (lines && as_key)) {
      write_escaped(text);
    } else if (lines) {
      const bool folds_badly =
          text.contains(" \n") || text.ends_with(' ') || text.front() == ' ' || text.front() == '\n';
      folds_badly ? write_escaped(text) : write_lines(text, indent);
    } else if (is_word_of_yaml(text) || looks_numeric(std::string(text))) {
      write_escaped(text);
    } else if (breaks_syntax(text)) {
      write_single_quoted(text);
    } else {
      out_ += text;
    }
  }

  // A literal block. What follows its last line is told by the sign: nothing, one line feed or more.
  void write_lines(std::string_view text, std::size_t indent) {
    out_ += '|';
    if (!text.ends_with('\n')) out_ += '-';
    if (text.ends_with("\n\n")) out_ += '+';
    if (text.ends_with('\n')) text.remove_suffix(1);
    while (true) {
      const auto line = text.substr(0, text.find('\n'));
      out_ += '\n';
      if (!line.empty()) out_.append(indent + 2, ' ').append(line);
      if (line.size() == text.size()) break;
      text.remove_prefix(line.size() + 1);
    }
  }

  void write_single_quoted(std::string_view text) {
    out_ += '\'';
    for (const char c : text)
      out_.append(c == '\'' ? 2 : 1, c);
    out_ += '\'';
  }

  void write_escaped(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
      const auto length = utf8_length(text);
      const auto first = static_cast<unsigned char>(text.front());
      if (length == 0) {
        out_ += "\xef\xbf\xbd";  // as the JSON has it
      } else if (first == '"' || first == '\\') {
        out_.append(1, '\\').append(1, text.front());
      } else if (first == '\n') {
        out_ += "\\n";
      } else if (first == '\t') {
        out_ += "\\t";
      } else if (first < 0x20 || first == 0x7f) {
        fmt::format_to(std::back_inserter(out_), "\\x{:02X}", first);
      } else {
        out_ += text.substr(0, length);
      }
      text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out_ += '"';
  }

  std::string out_;
};

}  // namespace

std::string go_yaml(const json::value& value) {
  YamlWriter writer;
  writer.write(value, 0);
  return writer.take();
}

}  // namespace fluxmetrics::kube
