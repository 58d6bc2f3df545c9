#include "kube/go_time.hpp"

#include <array>
#include <fmt/format.h>

namespace fluxmetrics::kube {
namespace {

// As Go's package time quotes, which shows single bytes of what is not ASCII.
std::string time_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte < 0x20) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads the text part by part; the first part that does not fit is the fault.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  std::string run() {
    const auto year = digits("2006", 4, 4, 0, 9999, "");
    literal("-");
    const auto month = digits("01", 2, 2, 1, 12, "month");
    literal("-");
    const auto day = digits("02", 2, 2, 0, 99, "");
    literal("T");
    (void)digits("15", 1, 2, 0, 23, "hour");
    literal(":");
    (void)digits("04", 2, 2, 0, 59, "minute");
    literal(":");
    (void)digits("05", 2, 2, 0, 59, "second");
    fraction();
    zone();
    if (fault_.empty() && !rest_.empty()) say(fmt::format(": extra text: {}", time_quoted(rest_)));
    if (fault_.empty() && (day < 1 || day > days_of(month, year))) say(": day out of range");
    return fault_;
  }

 private:
  void say(const std::string& what) {
    if (fault_.empty()) fault_ = fmt::format("parsing time {}{}", time_quoted(text_), what);
  }
  void no_match(std::string_view at, std::string_view part) {
    say(fmt::format(" as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as {}", time_quoted(at),
                    time_quoted(part)));
  }
  void literal(std::string_view part) {
    if (!fault_.empty()) return;
    if (!rest_.starts_with(part)) return no_match(rest_, part);
    rest_.remove_prefix(part.size());
  }
  int digits(std::string_view part, std::size_t least, std::size_t most, int low, int high,
             std::string_view range) {
    if (!fault_.empty()) return 0;
    std::size_t length = 0;
    int number = 0;
    while (length < most && length < rest_.size() && is_digit(rest_[length]))
      number = (number * 10) + (rest_[length++] - '0');
    if (length < least) {
      no_match(rest_, part);
      return 0;
    }
    rest_.remove_prefix(length);
    if (number < low || number > high) say(fmt::format(": {} out of range", range));
    return number;
  }
  void fraction() {
    if (!fault_.empty() || rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1]))
      return;
    std::size_t length = 2;
    while (length < rest_.size() && is_digit(rest_[length]))
      ++length;
    rest_.remove_prefix(length);
  }
  void zone() {
    if (!fault_.empty()) return;
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return;
    }
    const auto at = rest_;
    const bool shaped = at.size() >= 6 && (at[0] == '+' || at[0] == '-') && is_digit(at[1]) &&
                        is_digit(at[2]) && at[3] == ':' && is_digit(at[4]) && is_digit(at[5]);
    if (!shaped) return no_match(at, "Z07:00");
    const auto number = [&](std::size_t i) { return ((at[i] - '0') * 10) + (at[i + 1] - '0'); };
    rest_.remove_prefix(6);
    if (number(1) > 24) say(": time zone offset hour out of range");
    if (number(4) > 60) say(": time zone offset minute out of range");
  }
  static int days_of(int month, int year) {
    static constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12) return 0;
    return days.at(static_cast<std::size_t>(month) - 1) + (month == 2 && leap ? 1 : 0);
  }

  std::string_view text_;
  std::string_view rest_;
  std::string fault_;
};

}  // namespace

std::string go_time_fault(std::string_view text) {
  return Parser(text).run();
}

}  // namespace fluxmetrics::kube
