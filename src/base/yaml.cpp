#include "base/yaml.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

// Aliases may name one node a thousand times over; that is where this ends.
constexpr std::size_t most_nodes = 100'000;
// And an alias may name what it stands in.
constexpr std::size_t most_levels = 100;

struct TooMuch {};
struct TooDeep {};

// The whole text as a number, or nullopt.
template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const auto* begin = text.data();
  const auto* end = begin + text.size();
  if (text.size() > 1 && text[0] == '+') ++begin;
  const auto [stop, problem] = std::from_chars(begin, end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (text.find_first_not_of("+-.0123456789eE") != std::string::npos) return json::string(text);
  if (const auto whole = number_in<std::int64_t>(text)) return *whole;
  if (const auto real = number_in<double>(text)) return *real;
  return json::string(text);
}

json::value to_json(const YAML::Node& node, std::size_t& nodes, std::size_t level = 0) {
  if (++nodes > most_nodes) throw TooMuch{};
  if (level > most_levels) throw TooDeep{};
  switch (node.Type()) {
    case YAML::NodeType::Map: {
      json::object object;
      for (const auto& entry : node)
        object[entry.first.Scalar()] = to_json(entry.second, nodes, level + 1);
      return object;
    }
    case YAML::NodeType::Sequence: {
      json::array array;
      for (const auto& item : node)
        array.push_back(to_json(item, nodes, level + 1));
      return array;
    }
    case YAML::NodeType::Scalar:
      // Quoted ones have the tag "!".
      return node.Tag() == "!" ? json::value(json::string(node.Scalar())) : plain_scalar(node.Scalar());
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
  }
  return nullptr;
}

}  // namespace

Result<std::vector<json::value>> parse_yaml(const std::string& text) {
  try {
    std::vector<json::value> documents;
    std::size_t nodes = 0;
    for (const auto& document : YAML::LoadAll(text))
      documents.push_back(to_json(document, nodes));
    return documents;
  } catch (const TooMuch&) {
    return fail(Code::invalid, "the YAML unfolds to more than {} nodes", most_nodes);
  } catch (const TooDeep&) {
    return fail(Code::invalid, "the YAML has more than {} levels", most_levels);
  } catch (const YAML::Exception& broken) {
    return fail(Code::invalid, "this is not YAML: {}", broken.what());
  }
}

}  // namespace fluxmetrics
