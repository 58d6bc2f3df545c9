#include "kube/json.hpp"

#include <charconv>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"

namespace fluxmetrics::kube {
namespace {

std::string_view short_escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return {};
  }
}

bool needs_code(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&';
}

class Writer {
 public:
  explicit Writer(Layout layout) : pretty_(layout == Layout::pretty) {}
  [[nodiscard]] std::string take() { return std::move(out_); }

  void write(const boost::json::value& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        break;
      case boost::json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        break;
      case boost::json::kind::int64:
        fmt::format_to(sink(), "{}", value.get_int64());
        break;
      case boost::json::kind::uint64:
        fmt::format_to(sink(), "{}", value.get_uint64());
        break;
      case boost::json::kind::double_:
        fmt::format_to(sink(), "{}", value.get_double());
        break;
      case boost::json::kind::string:
        write_string(value.get_string());
        break;
      case boost::json::kind::array:
        write_array(value.get_array());
        break;
      case boost::json::kind::object:
        write_object(value.get_object());
        break;
    }
  }

 private:
  std::back_insert_iterator<std::string> sink() { return std::back_inserter(out_); }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  void write_array(const boost::json::array& array) {
    open('[');
    for (const auto& value : array) {
      separate(&value == array.data());
      write(value);
    }
    close(']', array.empty());
  }

  void write_object(const boost::json::object& object) {
    open('{');
    for (const auto& pair : object) {
      separate(&pair == object.begin());
      write_string(pair.key());
      out_ += pretty_ ? ": " : ":";
      write(pair.value());
    }
    close('}', object.empty());
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }
  void separate(bool first) {
    if (!first) out_ += ',';
    new_line();
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_ += bracket;
  }

  void write_string(boost::json::string_view view) {
    std::string_view text(view.data(), view.size());
    out_ += '"';
    while (!text.empty()) {
      const std::size_t length = utf8_length(text);
      const std::string_view symbol = text.substr(0, std::max<std::size_t>(length, 1));
      if (length == 0) {
        out_ += "\\ufffd";
      } else if (const auto escape = short_escape(text[0]); !escape.empty()) {
        out_ += escape;
      } else if (needs_code(text[0])) {
        fmt::format_to(sink(), "\\u{:04x}", static_cast<unsigned char>(text[0]));
      } else if (symbol == "\xe2\x80\xa8" || symbol == "\xe2\x80\xa9") {
        out_ += symbol[2] == '\xa8' ? "\\u2028" : "\\u2029";
      } else {
        out_ += symbol;
      }
      text.remove_prefix(symbol.size());
    }
    out_ += '"';
  }

  bool pretty_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string go_json(const boost::json::value& value, Layout layout) {
  Writer writer(layout);
  writer.write(value);
  return writer.take();
}

std::string json_body(const boost::json::value& value, Layout layout) {
  auto text = go_json(value, layout);
  if (layout == Layout::compact) text += '\n';
  return text;
}

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    const char first = text[0];
    const auto escape = short_escape(first);
    if (!escape.empty()) {
      out += escape;
    } else if (static_cast<unsigned char>(first) < 0x20 || first == '\x7f' || utf8_length(text) == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(first));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

}  // namespace fluxmetrics::kube
