#include "base/yaml.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

void emit(YAML::Emitter& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    out << (object->empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
    for (const auto& [key, member] : *object) {
      out << YAML::Key << YAML::DoubleQuoted << std::string(key) << YAML::Value;
      emit(out, member);
    }
    out << YAML::EndMap;
  } else if (const auto* array = value.if_array()) {
    out << (array->empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
    for (const auto& item : *array)
      emit(out, item);
    out << YAML::EndSeq;
  } else if (const auto* string = value.if_string()) {
    out << YAML::DoubleQuoted << std::string(*string);
  } else if (value.is_null()) {
    out << YAML::LowerNull << YAML::Null;
  } else {
    out << json::serialize(value);  // JSON's numbers and words are YAML's too
  }
}

}  // namespace

std::string to_yaml(const json::value& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace fluxmetrics
