// Writes what Prometheus reads: its text format 0.0.4, and OpenMetrics 1.0.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.hpp"

namespace fluxmetrics::metrics {

enum class ExpositionFormat { text, openmetrics };
// The media type of a document, with its version.
[[nodiscard]] std::string_view content_type(ExpositionFormat format);
// What ends a whole OpenMetrics document.
inline constexpr std::string_view openmetrics_end = "# EOF\n";
enum class ExposedType { gauge, counter, histogram, info };

// A family as Prometheus knows it. Names are full ones: those of counters end in _total, of infos in _info.
struct Exposed {
  std::string_view name;
  ExposedType type = ExposedType::gauge;
  std::string_view help;
  std::vector<std::string_view> labels = {};
  std::vector<std::string_view> made_of = {};  // metrics of the catalogue: without one of them it is left out
};
// "gauge"
[[nodiscard]] std::string_view to_string(ExposedType type);

struct LabelView {
  std::string_view name;
  std::string_view value;
};
using LabelViews = std::span<const LabelView>;

class ExpositionWriter {
 public:
  explicit ExpositionWriter(ExpositionFormat format) : format_(format) {}

  // What follows belongs to `family`, which must live as long as this. A family without samples is not
  // written.
  void begin(const Exposed& family);
  void sample(double value, LabelViews labels = {});
  void sample(double value, std::initializer_list<LabelView> labels) {
    sample(value, LabelViews(labels.begin(), labels.size()));
  }
  void histogram(const Histogram& histogram, LabelViews labels = {});
  // Ends the document, where the format has a mark for that.
  void end();

  [[nodiscard]] const std::string& text() const { return text_; }
  // The part of the text that is `family`'s; empty when it was not written.
  struct Part {
    const Exposed* family = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

 private:
  void head();
  void line(std::string_view suffix, LabelViews labels, std::string_view last_name, double last_value,
            double value);

  ExpositionFormat format_;
  const Exposed* family_ = nullptr;
  bool begun_ = false;  // the family's head is written
  std::string text_;
  std::vector<Part> parts_;
};

// Whether `name` is `family`'s name or that of one of its samples: what ?name[]= selects by.
[[nodiscard]] bool is_name_of(std::string_view name, const Exposed& family);

}  // namespace fluxmetrics::metrics
