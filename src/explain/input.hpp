// Where an HPA comes from when there is no cluster: a file, or standard input.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/yaml.hpp"
#include "explain/advice_input.hpp"

namespace fluxmetrics::explain {

struct HpaFile {
  // How the scalars of the document are written, by JSON pointer.
  std::map<std::string, YamlPlace, std::less<>> places = {};
  boost::json::object document = {};
  std::vector<RepeatedField> repeated = {};
  std::vector<boost::json::object> others = {};  // what else the file holds: the target, perhaps
};

// The HPA's document (autoscaling/v2) of a file; "-" is standard input. Errors: Code::invalid or io.
[[nodiscard]] Result<HpaFile> read_hpa_file(const std::string& path);

}  // namespace fluxmetrics::explain
