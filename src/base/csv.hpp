// Tables as comma-separated values (RFC 4180).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics {

struct CsvRow {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> cells;
};

// The rows of `text`, without a mark of byte order and without empty lines. A cell in quotes may hold commas,
// line ends and doubled quotes; lines end with LF, CR LF or CR. Errors: Code::invalid, "line 3: ...", for a
// quote that nothing closes, and for text behind one that closes.
[[nodiscard]] Result<std::vector<CsvRow>> parse_csv(std::string_view text);

}  // namespace fluxmetrics
