// Recorded cases of tests/data that are JSON lines.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace fluxmetrics {

// All lines of a file of tests/data; none when it is not there.
inline std::vector<boost::json::object> json_lines(const std::string& name) {
  std::vector<boost::json::object> list;
  std::ifstream file(std::string(TEST_DATA) + "/" + name);
  std::string line;
  while (std::getline(file, line))
    list.push_back(boost::json::parse(line).get_object());
  return list;
}

}  // namespace fluxmetrics
