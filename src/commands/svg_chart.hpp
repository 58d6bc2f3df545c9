// Charts as SVG text: lines, points with names, and boxes, readable on light and on dark pages.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxmetrics::commands {

struct ChartSeries {
  std::string name = {};
  std::vector<std::pair<double, double>> points = {};
  bool steps = false;  // the value holds until the next point
  bool dots = false;   // points with the name beside them instead of a line
};

// A box plot's column; whiskers reach to the last values within 1.5 interquartile ranges.
struct ChartBox {
  std::string name = {};
  std::vector<double> values = {};
};

struct Chart {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<ChartSeries> series = {};
  std::vector<ChartBox> boxes = {};  // instead of series
  bool outliers = true;              // of boxes
  std::string theme = "auto";        // auto, light or dark
};

[[nodiscard]] std::string to_svg(const Chart& chart);

// Between the two in the middle where their number is even; the values need not be sorted. 0 of nothing.
[[nodiscard]] double quantile_of(std::vector<double> values, double quantile);

}  // namespace fluxmetrics::commands
