#include "charts/svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <string_view>

namespace fluxmetrics::charts {
namespace {

constexpr double width = 860;
constexpr double least_height = 440;
constexpr double left = 78;
constexpr double right = 24;
constexpr double least_top = 74;  // room for a title and two rows of names
constexpr double row_height = 16;
constexpr double bottom = 62;

// Distinct for most eyes, on white and on black.
constexpr std::array<std::string_view, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#b8860b", "#1f97d0", "#8c564b", "#7f7f7f"};

std::string_view colour(std::size_t index) {
  return colours.at(index % colours.size());
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

struct Axis {
  double low = 0;
  double high = 1;
  std::vector<double> ticks = {0, 1};
  ChartScale scale = ChartScale::linear;

  // Where a value lies, as a part of the axis.
  [[nodiscard]] double part(double value) const {
    const auto mapped = [this](double x) {
      if (scale == ChartScale::linear) return x;
      return std::log10(std::max(scale == ChartScale::logarithmic ? x : x + 1, 1e-9));
    };
    return (mapped(value) - mapped(low)) / (mapped(high) - mapped(low));
  }
};

// Round numbers, about six of them, that enclose the values; no fractions between whole values: there is no
// half a job.
Axis linear_axis(double low, double high, bool whole) {
  if (!(low < high)) high = low + 1;
  const double rough = (high - low) / 6;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double part = rough / power;
  const double round = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  const double step = whole ? std::max(1.0, round) : round;
  Axis axis{.low = std::floor(low / step) * step, .high = std::ceil(high / step) * step, .ticks = {}};
  for (double tick = axis.low; tick <= axis.high + (step / 2); tick += step)
    axis.ticks.push_back(std::abs(tick) < step / 1e6 ? 0 : tick);
  return axis;
}

// 1, 2, 5, 10, 20 ... around the values; powers of ten only where there are many.
Axis logarithmic_axis(double low, double high) {
  const double first = std::pow(10.0, std::floor(std::log10(low)));
  Axis axis{.low = first, .high = first, .ticks = {}, .scale = ChartScale::logarithmic};
  for (double power = first; axis.high < high; power *= 10) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double tick = digit * power;
      if (tick * (digit == 2 ? 2.5 : 2) <= low) continue;  // the next one is low enough
      if (axis.ticks.empty()) axis.low = tick;
      axis.ticks.push_back(tick);
      axis.high = tick;
      if (tick >= high) break;
    }
  }
  return axis;
}

Axis axis_from_zero(double high) {
  Axis axis{.low = 0, .high = 1, .ticks = {0}, .scale = ChartScale::logarithmic_from_zero};
  for (double power = 1;; power *= 10) {
    axis.ticks.push_back(power);
    axis.high = power;
    if (power >= high) return axis;
    for (const double digit : {2.0, 5.0}) {
      if (digit * power < high) continue;
      axis.ticks.push_back(digit * power);
      axis.high = digit * power;
      return axis;
    }
  }
}

Axis axis_for(double low, double high, ChartScale scale, bool whole = false) {
  if (scale == ChartScale::logarithmic && low > 0) return logarithmic_axis(low, std::max(high, low * 2));
  if (scale == ChartScale::logarithmic_from_zero) return axis_from_zero(high);
  return linear_axis(std::min(low, 0.0), high, whole);
}

// Plain rules, without variables: not every reader of SVG knows those.
std::string style(std::string_view theme) {
  constexpr std::string_view light =
      ".bg{fill:#ffffff}text{fill:#1f2328}.grid{stroke:#d8dee4}.axis{stroke:#1f2328}";
  constexpr std::string_view dark =
      ".bg{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#e6edf3}";
  std::string out =
      "text{font:13px sans-serif}.title{font-size:16px;font-weight:600}.grid,.axis{stroke-width:1}"
      ".line{fill:none;stroke-width:1.8}.box{fill-opacity:.25;stroke-width:1.6}";
  out += theme == "dark" ? dark : light;
  if (theme == "auto") out += fmt::format("@media(prefers-color-scheme:dark){{{}}}", dark);
  return out;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    place_names();
    range();
  }

  std::string run() {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
        "role=\"img\" aria-label=\"{2}\"><style>{3}</style><rect class=\"bg\" width=\"{0}\" "
        "height=\"{1}\"/>\n",
        width, height_, escape(chart_.title), style(chart_.theme));
    text(left, 26, chart_.title, "start", "title");
    frame();
    if (chart_.boxes.empty()) {
      legend();
      for (std::size_t i = 0; i < chart_.series.size(); ++i)
        series(i);
    } else {
      for (std::size_t i = 0; i < chart_.boxes.size(); ++i)
        box(chart_.boxes[i], i);
    }
    return out_ + "</svg>\n";
  }

 private:
  void range() {
    double low_x = std::numeric_limits<double>::max();
    double high_x = std::numeric_limits<double>::lowest();
    double high_y = 0;
    bool whole_y = chart_.boxes.empty();
    for (const auto& series : chart_.series) {
      for (const auto& [x, y] : series.points) {
        whole_y = whole_y && y == std::floor(y);
        low_x = std::min(low_x, x);
        high_x = std::max(high_x, x);
        high_y = std::max(high_y, y);
      }
    }
    double low_y = chart_.boxes.empty() ? 0 : std::numeric_limits<double>::max();
    for (const auto& box : chart_.boxes) {
      for (const double value : shown(box))
        high_y = std::max(high_y, value);
      for (const double value : box.values)
        low_y = std::min(low_y, value);
    }
    if (low_x > high_x) low_x = high_x = 0;
    x_ = axis_for(std::min(0.0, low_x), high_x, chart_.x_scale);
    y_ = axis_for(low_y < high_y ? low_y : 0, high_y, chart_.y_scale, whole_y);
  }

  [[nodiscard]] double at_x(double x) const { return left + (x_.part(x) * (width - left - right)); }
  [[nodiscard]] double at_y(double y) const {
    return height_ - bottom - (y_.part(y) * (height_ - top_ - bottom));
  }

  void text(double x, double y, std::string_view words, std::string_view anchor, std::string_view kind = "") {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor,
                        kind.empty() ? "" : fmt::format(" class=\"{}\"", kind), escape(words));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view kind, std::string_view stroke = "") {
    out_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"{}/>\n",
                        kind, x1, y1, x2, y2, stroke.empty() ? "" : fmt::format(" stroke=\"{}\"", stroke));
  }

  void frame() {
    for (const double y : y_.ticks) {
      line(left, at_y(y), width - right, at_y(y), "grid");
      text(left - 8, at_y(y) + 4, fmt::format("{:.6g}", y), "end");
    }
    line(left, at_y(y_.low), width - right, at_y(y_.low), "axis");
    if (chart_.boxes.empty()) {
      for (const double x : x_.ticks)
        text(at_x(x), height_ - bottom + 20, fmt::format("{:.6g}", x), "middle");
    }
    text((left + width - right) / 2, height_ - 14, chart_.x_label, "middle");
    out_ +=
        fmt::format("<text transform=\"translate(20 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                    (top_ + height_ - bottom) / 2, escape(chart_.y_label));
  }

  // Where each line's name stands above the plot, in as many rows as it takes: the plot begins below them.
  void place_names() {
    double x = left;
    double y = 44;
    for (std::size_t i = 0; chart_.boxes.empty() && i < chart_.series.size(); ++i) {
      if (chart_.series[i].dots) continue;
      const double length = 50 + (7.2 * static_cast<double>(chart_.series[i].name.size()));
      if (x > left && x + length > width - right + 20) {
        x = left;
        y += row_height;
      }
      names_.push_back({.line = i, .x = x, .y = y});
      x += length;
    }
    const double more = std::max(0.0, y + 14 - least_top);
    top_ += more;
    height_ += more;
  }

  void legend() {
    for (const auto& name : names_) {
      const auto& series = chart_.series[name.line];
      out_ += fmt::format("<path class=\"line\" stroke=\"{}\"{} d=\"M{:.1f} {:.1f}h26\"/>\n",
                          colour(name.line), dash_attribute(series), name.x, name.y);
      text(name.x + 31, name.y + 4, series.name, "start");
    }
  }

  [[nodiscard]] static std::string dash_attribute(const ChartSeries& series) {
    return series.dashes.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", series.dashes);
  }

  void series(std::size_t index) {
    const auto& series = chart_.series[index];
    const auto stroke = colour(index);
    if (series.dots) {
      for (const auto& [x, y] : series.points) {
        const bool far_right = at_x(x) > width - right - 120;
        out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"{}\"/>\n", at_x(x), at_y(y),
                            stroke);
        name_dot(at_x(x) + (far_right ? -9 : 9), at_y(y) - 7, series.name, far_right, stroke);
      }
      return;
    }
    if (series.points.size() == 1) {
      // No line leads anywhere. Later dots are smaller, as they may lie on earlier ones.
      const auto& [x, y] = series.points.front();
      const auto later = std::min<std::size_t>(chart_.series.size() - 1 - index, 4);
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\"/>\n", at_x(x),
                          at_y(y), 3 + (1.2 * static_cast<double>(later)), stroke);
      return;
    }
    std::string path;
    for (const auto& [x, y] : series.points) {
      if (path.empty()) {
        path = fmt::format("M{:.1f} {:.1f}", at_x(x), at_y(y));
      } else if (series.steps) {
        path += fmt::format("H{:.1f}V{:.1f}", at_x(x), at_y(y));
      } else {
        path += fmt::format("L{:.1f} {:.1f}", at_x(x), at_y(y));
      }
    }
    if (path.empty()) return;
    out_ += fmt::format("<path class=\"line\" stroke=\"{}\"{} d=\"{}\"/>\n", stroke, dash_attribute(series),
                        path);
  }

  // A name moves up until it lies on no other.
  void name_dot(double x, double y, const std::string& name, bool to_the_left, std::string_view stroke) {
    constexpr double line_height = 15;
    const double above = y;
    const double length = 7.2 * static_cast<double>(name.size());
    const double begin = to_the_left ? x - length : x;
    const auto taken = [&](const Label& label) {
      return std::abs(label.y - y) < line_height && begin < label.to && label.from < begin + length;
    };
    while (y > top_ && std::ranges::any_of(labels_, taken))
      y -= line_height;
    labels_.push_back({.from = begin, .to = begin + length, .y = y});
    // From the dot to a name that had to move away from it.
    if (y < above) line(to_the_left ? x + 9 : x - 9, above + 2, x, y + 3, "line", stroke);
    text(x, y, name, to_the_left ? "end" : "start");
  }

  struct Fences {
    double first, median, third, low, high;
  };
  [[nodiscard]] static Fences fences(const ChartBox& box) {
    const double first = quantile_of(box.values, 0.25);
    const double third = quantile_of(box.values, 0.75);
    const double reach = 1.5 * (third - first);
    Fences fences{
        .first = first, .median = quantile_of(box.values, 0.5), .third = third, .low = third, .high = first};
    for (const double value : box.values) {
      if (value >= first - reach) fences.low = std::min(fences.low, value);
      if (value <= third + reach) fences.high = std::max(fences.high, value);
    }
    return fences;
  }
  [[nodiscard]] std::vector<double> shown(const ChartBox& box) const {
    if (chart_.outliers || box.values.empty()) return box.values;
    return {fences(box).high};
  }

  void box(const ChartBox& box, std::size_t index) {
    if (box.values.empty()) return;
    const double column = (width - left - right) / static_cast<double>(chart_.boxes.size());
    const double middle = left + (column * (static_cast<double>(index) + 0.5));
    const double half = std::min(34.0, column * 0.3);
    const auto f = fences(box);
    const auto stroke = colour(index);
    line(middle, at_y(f.low), middle, at_y(f.first), "line", stroke);
    line(middle, at_y(f.third), middle, at_y(f.high), "line", stroke);
    line(middle - (half / 2), at_y(f.low), middle + (half / 2), at_y(f.low), "line", stroke);
    line(middle - (half / 2), at_y(f.high), middle + (half / 2), at_y(f.high), "line", stroke);
    out_ += fmt::format(
        "<rect class=\"box\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\" "
        "stroke=\"{}\"/>\n",
        middle - half, at_y(f.third), 2 * half, std::max(0.5, at_y(f.first) - at_y(f.third)), stroke, stroke);
    line(middle - half, at_y(f.median), middle + half, at_y(f.median), "line", stroke);
    for (const double value : box.values) {
      if (!chart_.outliers || (value >= f.low && value <= f.high)) continue;
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"none\" stroke=\"{}\"/>\n",
                          middle, at_y(value), stroke);
    }
    text(middle, height_ - bottom + 19, box.name, "middle");
    text(middle, height_ - bottom + 34, fmt::format("median {:.1f} s, n {}", f.median, box.values.size()),
         "middle");
  }

  struct Label {
    double from, to, y;
  };

  struct Name {
    std::size_t line;
    double x, y;
  };

  const Chart& chart_;
  double top_ = least_top;
  double height_ = least_height;
  std::vector<Name> names_;
  std::vector<Label> labels_;
  Axis x_;
  Axis y_;
  std::string out_;
};

}  // namespace

double quantile_of(std::vector<double> values, double quantile) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double place = quantile * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + ((values[above] - values[below]) * (place - static_cast<double>(below)));
}

std::string dashes_of(std::size_t index) {
  // Only the first line is solid: all others are drawn over it. Where colours begin anew, patterns are
  // another.
  constexpr std::array<std::string_view, 4> patterns{"10 4", "2 3", "8 3 2 3", "5 5"};
  if (index == 0) return "";
  return std::string(patterns.at((index - 1 + (index / colours.size())) % patterns.size()));
}

TimeUnit time_unit(double span) {
  constexpr double minute = 60;
  constexpr double hour = 3600;
  if (span < 5 * minute) return {.name = "seconds", .seconds = 1};
  if (span < 3 * hour) return {.name = "minutes", .seconds = minute};
  return {.name = "hours", .seconds = hour};
}

std::string to_svg(const Chart& chart) {
  return Drawing(chart).run();
}

}  // namespace fluxmetrics::charts
