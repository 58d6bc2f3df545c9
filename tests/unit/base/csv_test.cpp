#include "base/csv.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics {
namespace {

using Cells = std::vector<std::string>;

std::vector<Cells> cells(std::string_view text) {
  const auto rows = parse_csv(text);
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
  std::vector<Cells> all;
  for (const auto& row : rows.value_or(std::vector<CsvRow>()))
    all.push_back(row.cells);
  return all;
}

std::string refusal(std::string_view text) {
  const auto rows = parse_csv(text);
  return rows ? "" : rows.error().message;
}

TEST(Csv, ReadsQuotesAsRfc4180Does) {
  EXPECT_EQ(cells("a,b\n1,2\n"), (std::vector<Cells>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(cells("\"a\",\"b,c\"\r\n\"say \"\"x\"\"\",\"\"\r\n"),
            (std::vector<Cells>{{"a", "b,c"}, {"say \"x\"", ""}}));
  EXPECT_EQ(cells("a,\"two\nlines\"\nb,c"), (std::vector<Cells>{{"a", "two\nlines"}, {"b", "c"}}));
  EXPECT_EQ(cells("a,,\n,\n"), (std::vector<Cells>{{"a", "", ""}, {"", ""}}));
  EXPECT_EQ(cells("a 5\" disk,b\n"), (std::vector<Cells>{{"a 5\" disk", "b"}}))
      << "inside of a cell it is itself";
  EXPECT_EQ(cells("\"\"\n\na\n"), (std::vector<Cells>{{""}, {"a"}}));
  EXPECT_EQ(cells("a\rb\r"), (std::vector<Cells>{{"a"}, {"b"}}));
  EXPECT_EQ(cells("\xef\xbb\xbf\"a\",b\n"), (std::vector<Cells>{{"a", "b"}}));
  EXPECT_TRUE(cells("").empty());
  EXPECT_TRUE(cells("\xef\xbb\xbf\n\n").empty());
}

TEST(Csv, CountsLines) {
  const auto rows = parse_csv("a\n\n\"b\nb\"\nc\n");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[1].line, 3U);
  EXPECT_EQ((*rows)[2].line, 5U);
}

TEST(Csv, RefusesBrokenQuotes) {
  EXPECT_EQ(refusal("a\n\"b\nc\n"), "line 2: nothing closes the quote of a cell");
  EXPECT_EQ(refusal("a\n\"b\"c\n"), "line 2: something follows the quote that ends a cell");
  EXPECT_EQ(refusal("\"b\" ,c\n"), "line 1: something follows the quote that ends a cell");
}

}  // namespace
}  // namespace fluxmetrics
