// The one place that includes libyaml.
#include "base/yaml_nodes.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <yaml.h>

#include "base/byte_order_mark.hpp"
#include "base/text.hpp"

namespace fluxmetrics {
namespace {

constexpr std::size_t most_nodes = 100'000;
constexpr std::size_t most_node_levels = 100;

// libyaml's names for a fault are lower-case fragments, such as "did not find expected ',' or ']'".
Error syntax_error(const yaml_parser_t& parser, std::size_t first_line) {
  const std::size_t line = first_line + parser.problem_mark.line;
  if (parser.error == YAML_MEMORY_ERROR)
    return {.code = Code::internal, .message = "no memory to read the YAML with"};
  if (parser.error == YAML_READER_ERROR) {
    // The reader knows no line: the byte that it stopped at is not one of text.
    return yaml_error(first_line + parser.mark.line,
                      fmt::format("this is not YAML: {} (byte {}); the file must be UTF-8", parser.problem,
                                  parser.problem_offset))
        .error();
  }
  const auto* const problem = parser.problem != nullptr ? parser.problem : "it cannot be parsed";
  if (parser.context == nullptr || parser.context_mark.line == parser.problem_mark.line)
    return yaml_error(line, fmt::format("this is not YAML: {}", problem)).error();
  return yaml_error(line, fmt::format("this is not YAML: {} ({} of line {})", problem, parser.context,
                                      first_line + parser.context_mark.line))
      .error();
}

// An event, deleted when it goes.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, {})) {}
  Event& operator=(Event&&) = delete;
  ~Event() { yaml_event_delete(&event_); }

  [[nodiscard]] yaml_event_t* get() { return &event_; }
  [[nodiscard]] const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* text) {
  // libyaml's characters are bytes of UTF-8.
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

}  // namespace

std::unexpected<Error> yaml_error(std::size_t line, std::string_view what) {
  return fail(Code::invalid, "line {}: {}", line, what);
}

class YamlTreeBuilder {
 public:
  YamlTreeBuilder(std::string_view text, std::size_t first_line)
      : text_(without_byte_order_mark(text)), first_line_(first_line) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (ready_)
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text_.data()),
                                   text_.size());
  }
  YamlTreeBuilder(const YamlTreeBuilder&) = delete;
  YamlTreeBuilder& operator=(const YamlTreeBuilder&) = delete;
  YamlTreeBuilder(YamlTreeBuilder&&) = delete;
  YamlTreeBuilder& operator=(YamlTreeBuilder&&) = delete;
  ~YamlTreeBuilder() { yaml_parser_delete(&parser_); }

  Result<YamlTree> build() {
    if (!ready_) return fail(Code::internal, "no memory to read the YAML with");
    if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff"))
      return yaml_error(first_line_, "the file is UTF-16: save it as UTF-8");
    for (;;) {
      auto event = next();
      if (!event) return std::unexpected(event.error());
      const auto type = (*event)->type;
      if (type == YAML_STREAM_START_EVENT) continue;
      if (type == YAML_DOCUMENT_START_EVENT) {
        const auto* const version = (*event)->data.document_start.version_directive;
        if (version != nullptr && version->minor != 1)
          return yaml_error(line_of(*event), "kubectl reads YAML 1.1 only: remove the line with %YAML");
        continue;
      }
      if (type == YAML_STREAM_END_EVENT) return std::move(tree_);
      auto root = node(*event, 1);
      if (!root) return std::unexpected(root.error());
      tree_.root_ = *root;
      break;
    }
    if (auto end = next(); !end) return std::unexpected(end.error());  // of the document
    // What stands behind it need not be YAML.
    const auto behind = next();
    if (!behind || (*behind)->type != YAML_STREAM_END_EVENT)
      tree_.rest_line_ = behind ? line_of(*behind) : first_line_ + parser_.mark.line;
    return std::move(tree_);
  }

 private:
  [[nodiscard]] Result<Event> next() {
    Event event;
    if (yaml_parser_parse(&parser_, event.get()) != 1)
      return std::unexpected(syntax_error(parser_, first_line_));
    return event;
  }
  [[nodiscard]] std::size_t line_of(const Event& event) const { return first_line_ + event->start_mark.line; }

  // The node that `event` begins.
  Result<const YamlNode*> node(const Event& event, std::size_t level) {
    const auto line = line_of(event);
    if (tree_.nodes_.size() >= most_nodes)
      return yaml_error(line, fmt::format("the YAML has more than {} nodes", most_nodes));
    if (level > most_node_levels)
      return yaml_error(line, fmt::format("the YAML has more than {} levels", most_node_levels));
    auto& made = tree_.nodes_.emplace_back();
    made.line = line;
    switch (event->type) {
      case YAML_ALIAS_EVENT:
        return alias(event, made);
      case YAML_SCALAR_EVENT:
        return scalar(event, made);
      case YAML_SEQUENCE_START_EVENT:
        made.kind = YamlNode::Kind::sequence;
        made.tag = text_of(event->data.sequence_start.tag);
        anchor(event->data.sequence_start.anchor, made);
        return children(made, event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE,
                        YAML_SEQUENCE_END_EVENT, level);
      case YAML_MAPPING_START_EVENT:
        made.kind = YamlNode::Kind::mapping;
        made.tag = text_of(event->data.mapping_start.tag);
        anchor(event->data.mapping_start.anchor, made);
        return children(made, event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE,
                        YAML_MAPPING_END_EVENT, level);
      default:
        return fail(Code::internal, "libyaml's events came in an order that it excludes");
    }
  }

  Result<const YamlNode*> children(YamlNode& parent, bool flow, yaml_event_type_t end, std::size_t level) {
    flow_ += flow ? 1 : 0;
    for (;;) {
      auto event = next();
      if (!event) return std::unexpected(event.error());
      if ((*event)->type == end) {
        flow_ -= flow ? 1 : 0;
        return &parent;
      }
      auto child = node(*event, level + 1);
      if (!child) return std::unexpected(child.error());
      parent.children.push_back(*child);
    }
  }

  Result<const YamlNode*> alias(const Event& event, YamlNode& made) {
    made.kind = YamlNode::Kind::alias;
    made.text = text_of(event->data.alias.anchor);
    const auto found = anchors_.find(made.text);
    if (found == anchors_.end())
      return yaml_error(made.line,
                        fmt::format("*{} names no anchor defined above it", printable(made.text, 60)));
    made.target = found->second;
    return &made;
  }

  Result<const YamlNode*> scalar(const Event& event, YamlNode& made) {
    const auto& scalar = event->data.scalar;
    made.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    made.tag = text_of(scalar.tag);
    const auto begin = offset_of(event->start_mark);
    const auto end = offset_of(event->end_mark);
    const auto written = text_.substr(begin, end - begin);
    const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    made.plain = plain && scalar.plain_implicit != 0 && !(made.tag.empty() && has_bare_tag(written));
    anchor(scalar.anchor, made);
    // Where libyaml reads more than its elder sister in Go.
    if (flow_ > 0 && plain && made.text.contains('?'))
      return yaml_error(made.line, "kubectl takes no ? in text between [] or {}: put the text in quotes");
    if (flow_ > 0 && !made.tag.empty() && made.text.empty() && text_.substr(end).starts_with(','))
      return yaml_error(made.line,
                        "kubectl takes a comma right after a tag as part of it: put a space between");
    if (scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && escapes_a_slash(written))
      return yaml_error(made.line, "kubectl does not know \\/ in a text of YAML: write / alone");
    return &made;
  }

  // The byte of text_ that a mark means. Marks count characters, and come in the order of the text.
  std::size_t offset_of(const yaml_mark_t& mark) {
    for (; seen_ < mark.index && at_ < text_.size(); ++seen_)
      at_ += std::max<std::size_t>(utf8_length(text_.substr(at_)), 1);
    return std::min(at_, text_.size());
  }

  // Whether a scalar stands behind a "!", which makes a text of everything; libyaml forgets it.
  static bool has_bare_tag(std::string_view written) {
    if (written.starts_with('&')) {
      written.remove_prefix(std::min(written.find_first_of(" \t\r\n"), written.size()));
      written.remove_prefix(std::min(written.find_first_not_of(" \t\r\n"), written.size()));
    }
    return written.starts_with('!');
  }

  static bool escapes_a_slash(std::string_view written) {
    for (std::size_t i = 0; i + 1 < written.size(); ++i) {
      if (written[i] != '\\') continue;
      if (written[++i] == '/') return true;
    }
    return false;
  }

  void anchor(const yaml_char_t* name, const YamlNode& node) {
    if (name != nullptr) anchors_[text_of(name)] = &node;
  }

  yaml_parser_t parser_{};
  bool ready_ = false;
  std::string_view text_;
  std::size_t first_line_;
  std::size_t seen_ = 0;  // characters of text_,
  std::size_t at_ = 0;    // which take so many bytes
  int flow_ = 0;          // how many [] and {} are open
  std::map<std::string, const YamlNode*> anchors_;
  YamlTree tree_;
};

Result<YamlTree> parse_yaml_tree(std::string_view text, std::size_t first_line) {
  return YamlTreeBuilder(text, first_line).build();
}

}  // namespace fluxmetrics
