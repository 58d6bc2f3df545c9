#include "metrics/exposition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fluxmetrics::metrics {
namespace {

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
    return;
  }
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

// The end of a range, always with a fraction, as OpenMetrics has it: a series must not change
// its name with the format.
void append_bound(std::string& out, double value) {
  if (!std::isfinite(value)) {
    append_number(out, value);
    return;
  }
  const auto begin = out.size();
  std::array<char, 400> digits{};  // for the largest double
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
  out.append(digits.data(), end);
  if (out.find('.', begin) == std::string::npos) out += ".0";
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string_view without(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

// What OpenMetrics calls the family: its samples have the suffix.
std::string_view family_name(const Exposed& family, ExpositionFormat format) {
  if (format == ExpositionFormat::text) return family.name;
  if (family.type == ExposedType::counter) return without(family.name, "_total");
  if (family.type == ExposedType::info) return without(family.name, "_info");
  return family.name;
}

std::string_view type_name(ExposedType type, ExpositionFormat format) {
  if (type == ExposedType::info && format == ExpositionFormat::text) return "gauge";
  return to_string(type);
}

}  // namespace

std::string_view content_type(ExpositionFormat format) {
  return format == ExpositionFormat::text ? "text/plain; version=0.0.4; charset=utf-8"
                                          : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string_view to_string(ExposedType type) {
  switch (type) {
    case ExposedType::counter:
      return "counter";
    case ExposedType::histogram:
      return "histogram";
    case ExposedType::info:
      return "info";
    case ExposedType::gauge:
      break;
  }
  return "gauge";
}

void ExpositionWriter::begin(const Exposed& family) {
  family_ = &family;
  begun_ = false;
}

void ExpositionWriter::head() {
  if (begun_) return;
  begun_ = true;
  parts_.push_back({.family = family_, .begin = text_.size(), .end = text_.size()});
  const auto name = family_name(*family_, format_);
  text_.append("# HELP ").append(name).append(1, ' ');
  append_escaped(text_, family_->help, format_ == ExpositionFormat::openmetrics);
  text_.append("\n# TYPE ")
      .append(name)
      .append(1, ' ')
      .append(type_name(family_->type, format_))
      .append(1, '\n');
  if (format_ == ExpositionFormat::openmetrics && name.ends_with("_seconds"))
    text_.append("# UNIT ").append(name).append(" seconds\n");
  if (format_ == ExpositionFormat::openmetrics && name.ends_with("_bytes"))
    text_.append("# UNIT ").append(name).append(" bytes\n");
}

void ExpositionWriter::line(std::string_view suffix, LabelViews labels, std::string_view last_name,
                            double last_value, double value) {
  text_.append(family_->name).append(suffix);
  char before = '{';
  for (const auto& label : labels) {
    text_.append(1, before).append(label.name).append("=\"");
    append_escaped(text_, label.value, true);
    text_ += '"';
    before = ',';
  }
  if (!last_name.empty()) {
    text_.append(1, before).append(last_name).append("=\"");
    append_bound(text_, last_value);
    text_ += '"';
    before = ',';
  }
  if (before == ',') text_ += '}';
  text_ += ' ';
  append_number(text_, value);
  text_ += '\n';
  parts_.back().end = text_.size();
}

void ExpositionWriter::sample(double value, LabelViews labels) {
  head();
  line("", labels, "", 0, value);
}

void ExpositionWriter::histogram(const Histogram& histogram, LabelViews labels) {
  head();
  std::uint64_t below = 0;
  const auto counts = histogram.counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const double bound = i < histogram.bounds().size() ? histogram.bounds()[i] : HUGE_VAL;
    line("_bucket", labels, "le", bound, static_cast<double>(below));
  }
  line("_sum", labels, "", 0, histogram.sum());
  line("_count", labels, "", 0, static_cast<double>(below));
}

void ExpositionWriter::end() {
  if (format_ == ExpositionFormat::openmetrics) text_ += openmetrics_end;
}

bool is_name_of(std::string_view name, const Exposed& family) {
  if (name == family.name || name == family_name(family, ExpositionFormat::openmetrics)) return true;
  if (family.type != ExposedType::histogram || !name.starts_with(family.name)) return false;
  static constexpr std::array<std::string_view, 3> suffixes{"_bucket", "_sum", "_count"};
  return std::ranges::find(suffixes, name.substr(family.name.size())) != suffixes.end();
}

}  // namespace fluxmetrics::metrics
