// Charts as SVG text: lines, points with names, and boxes, readable on light and on dark pages.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxmetrics::charts {

struct ChartSeries {
  std::string name = {};
  std::vector<std::pair<double, double>> points = {};
  std::string dashes = {};  // lengths of dashes and gaps, so that lines below show through; "" = none
  bool steps = false;       // the value holds until the next point
  bool dots = false;        // points with the name beside them instead of a line
};

// A box plot's column; whiskers reach to the last values within 1.5 interquartile ranges.
struct ChartBox {
  std::string name = {};
  std::vector<double> values = {};
};

// Logarithmic, for values above 0; or from 0 on, as the logarithm of 1 + value.
enum class ChartScale { linear, logarithmic, logarithmic_from_zero };

struct Chart {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  ChartScale x_scale = ChartScale::linear;
  ChartScale y_scale = ChartScale::linear;
  std::vector<ChartSeries> series = {};
  std::vector<ChartBox> boxes = {};  // instead of series
  bool outliers = true;              // of boxes
  std::string theme = "auto";        // auto, light or dark
};

// A chart and the name of the file that it belongs in.
struct NamedChart {
  std::string file;
  Chart chart;
};

// Dashes for line number `index` of several that may lie on one another.
[[nodiscard]] std::string dashes_of(std::size_t index);

// Seconds, minutes or hours: what makes readable numbers of a time axis of so many seconds.
struct TimeUnit {
  std::string name;
  double seconds;
};
[[nodiscard]] TimeUnit time_unit(double span);

[[nodiscard]] std::string to_svg(const Chart& chart);

// Between the two in the middle where their number is even; the values need not be sorted. 0 of nothing.
[[nodiscard]] double quantile_of(std::vector<double> values, double quantile);

}  // namespace fluxmetrics::charts
