#include "base/yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

bool has_lines(const json::value& value) {
  return (value.is_object() && !value.get_object().empty()) ||
         (value.is_array() && !value.get_array().empty());
}

void write_lines(const json::value& value, std::size_t indent, std::string& out);

// What stands after "key:" or "-". The first line of an item of a list stands beside its dash.
void write_value(const json::value& value, std::size_t indent, bool beside, std::string& out) {
  if (!has_lines(value)) {
    out += ' ' + json::serialize(value) + '\n';  // JSON's scalars and empty brackets are YAML's too
    return;
  }
  if (!beside) {
    out += '\n';
    write_lines(value, indent, out);
    return;
  }
  std::string lines;
  write_lines(value, indent, lines);
  out += ' ' + lines.substr(indent);
}

void write_lines(const json::value& value, std::size_t indent, std::string& out) {
  constexpr std::size_t step = 2;
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      out.append(indent, ' ');
      out += json::serialize(json::value(key)) + ':';
      write_value(member, indent + step, false, out);
    }
    return;
  }
  for (const auto& item : value.get_array()) {
    out.append(indent, ' ');
    out += '-';
    write_value(item, indent + step, true, out);
  }
}

}  // namespace

std::string to_yaml(const json::value& value) {
  if (!has_lines(value)) return json::serialize(value) + "\n";
  std::string out;
  write_lines(value, 0, out);
  return out;
}

}  // namespace fluxmetrics
