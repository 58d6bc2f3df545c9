#include "base/csv.hpp"

#include <algorithm>

#include "base/byte_order_mark.hpp"

namespace fluxmetrics {
namespace {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(without_byte_order_mark(text)) {}

  Result<std::vector<CsvRow>> read() {
    std::vector<CsvRow> rows;
    while (!text_.empty()) {
      CsvRow row{.line = line_, .cells = {}};
      const auto rest = text_;
      do {
        auto cell = text_.starts_with('"') ? quoted() : plain();
        if (!cell) return std::unexpected(cell.error());
        row.cells.push_back(*std::move(cell));
      } while (take(","));
      const bool empty = rest.size() == text_.size();
      if (!text_.empty() && !end_of_line())
        return fail(Code::invalid, "line {}: something follows the quote that ends a cell", line_);
      if (!empty) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool take(std::string_view what) {
    if (!text_.starts_with(what)) return false;
    text_.remove_prefix(what.size());
    return true;
  }

  bool end_of_line() {
    if (!take("\r\n") && !take("\n") && !take("\r")) return false;
    ++line_;
    return true;
  }

  Result<std::string> plain() {
    std::string cell(text_.substr(0, text_.find_first_of(",\r\n")));
    text_.remove_prefix(cell.size());
    return cell;
  }

  Result<std::string> quoted() {
    const auto begin = line_;
    std::string cell;
    text_.remove_prefix(1);
    while (!text_.empty()) {
      if (take("\"\"")) {
        cell += '"';
      } else if (take("\"")) {
        return cell;
      } else {
        if (text_.front() == '\n') ++line_;
        cell += text_.front();
        text_.remove_prefix(1);
      }
    }
    return fail(Code::invalid, "line {}: nothing closes the quote of a cell", begin);
  }

  std::string_view text_;
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> parse_csv(std::string_view text) {
  return CsvReader(text).read();
}

}  // namespace fluxmetrics
