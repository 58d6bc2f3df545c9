#include "flux/hostlist.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace fluxmetrics::flux {
namespace {

// A name is at most 64 characters on Linux and 253 in DNS; together this bounds what a short text can expand
// to.
constexpr std::size_t max_name = 255;
constexpr std::size_t max_total_bytes = 64U << 20U;
constexpr std::size_t max_digits = 18;  // any such number fits 64 bits

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A number as it is written: its value and how many digits it has.
struct Number {
  std::uint64_t value = 0;
  std::size_t width = 0;
};

std::optional<Number> to_number(std::string_view text) {
  if (text.empty() || text.size() > max_digits || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  Number number{.value = 0, .width = text.size()};
  std::from_chars(text.data(), text.data() + text.size(), number.value);
  return number;
}

// The number that a text of brackets begins with, and what follows it. As with C's strtoul, which Flux reads
// it with, blanks and a plus may come first.
struct Leading {
  std::uint64_t value = 0;
  std::string_view rest;
};
std::optional<Leading> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  const auto number = to_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  return Leading{.value = number->value, .rest = text.substr(digits)};
}

// A number or a range of numbers in brackets. `width`: to this many digits they are padded.
struct HostRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::size_t width = 0;
};
// As flux-core does: "3-" is 3, all of the text before the dash says the width, blanks too ("h[1, 2]" is h1
// and h02), and what stands between the first number and the dash means nothing else.
std::optional<HostRange> to_range(std::string_view text) {
  const auto dash = text.find('-');
  const std::string_view head = text.substr(0, dash);
  const std::string_view tail = dash == std::string_view::npos ? "" : text.substr(dash + 1);
  const auto first = leading_number(head);
  const auto last = tail.empty() ? first : leading_number(tail);
  if (!first || !last || !last->rest.empty()) return std::nullopt;
  return HostRange{.first = first->value, .last = last->value, .width = head.size()};
}

std::string padded(std::uint64_t value, std::size_t width) {
  return fmt::format("{:0{}}", value, width);
}

class Expander {
 public:
  Expander(std::string_view text, std::size_t max_hosts) : text_(text), max_hosts_(max_hosts) {}

  Result<std::vector<std::string>> expand() {
    std::string_view rest = text_;
    for (;;) {
      rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
      if (rest.empty()) return std::move(hosts_);
      const std::string_view member = rest.substr(0, end_of_member(rest));
      if (auto done = add_member(member); !done) return std::unexpected(done.error());
      rest.remove_prefix(member.size());
    }
  }

 private:
  static constexpr std::string_view separators = "\t, ";

  // Where the first member of `rest` ends: at a separator outside of brackets.
  static std::size_t end_of_member(std::string_view rest) {
    int level = 0;
    std::size_t end = 0;
    for (; end < rest.size(); ++end) {
      if (level == 0 && separators.find(rest[end]) != std::string_view::npos) break;
      if (rest[end] == '[') ++level;
      if (rest[end] == ']') --level;
    }
    return end;
  }

  // Only the first pair of brackets is one: Flux takes later ones as they are, and no host has such a name.
  Result<void> add_member(std::string_view member) {
    const auto open = member.find('[');
    const auto close = member.find(']', open == std::string_view::npos ? 0 : open);
    if ((open == std::string_view::npos) != (close == std::string_view::npos)) {
      return fail(Code::invalid, "hostlist '{}': unbalanced brackets", shown());
    }
    if (open == std::string_view::npos) return add(std::string(member));
    std::string_view ids = member.substr(open + 1, close - open - 1);
    for (;;) {
      const auto comma = ids.find(',');
      if (auto done = add_range(member.substr(0, open), ids.substr(0, comma), member.substr(close + 1));
          !done)
        return done;
      if (comma == std::string_view::npos) return {};
      ids.remove_prefix(comma + 1);
    }
  }

  Result<void> add_range(std::string_view prefix, std::string_view text, std::string_view suffix) {
    const auto range = to_range(text);
    if (!range) {
      return fail(Code::invalid, "hostlist '{}': '{}' is neither a number nor a range of numbers", shown(),
                  printable(text));
    }
    if (range->first > range->last)
      return fail(Code::invalid, "hostlist '{}': '{}' goes down", shown(), printable(text));
    if (range->last - range->first >= max_hosts_) return too_many();
    for (std::uint64_t value = range->first; value <= range->last; ++value) {
      auto name = fmt::format("{}{}{}", prefix, padded(value, range->width), suffix);
      if (auto done = add(std::move(name)); !done) return done;
    }
    return {};
  }

  Result<void> add(std::string name) {
    if (name.size() > max_name) {
      return fail(Code::invalid, "hostlist '{}': a name is longer than {} characters", shown(), max_name);
    }
    bytes_ += name.size();
    if (hosts_.size() >= max_hosts_ || bytes_ > max_total_bytes) return too_many();
    hosts_.push_back(std::move(name));
    return {};
  }

  [[nodiscard]] std::unexpected<Error> too_many() const {
    return fail(Code::invalid, "hostlist '{}' names more than the {} hosts allowed here", shown(),
                max_hosts_);
  }

  // The text, cut when it would make the sentence unreadable.
  [[nodiscard]] std::string shown() const { return printable(text_); }

  std::string_view text_;
  std::size_t max_hosts_;
  std::size_t bytes_ = 0;
  std::vector<std::string> hosts_;
};

struct SplitName {
  std::string_view prefix;
  std::optional<Number> number;  // the digits at the end
};

SplitName split(std::string_view host) {
  std::size_t digits = 0;
  while (digits < host.size() && digits < max_digits && is_digit(host[host.size() - 1 - digits]))
    ++digits;
  const auto cut = host.size() - digits;
  return {.prefix = host.substr(0, cut), .number = to_number(host.substr(cut))};
}

}  // namespace

Result<std::vector<std::string>> expand_hostlist(std::string_view text, std::size_t max_hosts) {
  return Expander(text, max_hosts).expand();
}

std::string compress_hostlist(std::span<const std::string> hosts) {
  struct Run {
    Number first, last;
  };
  std::string text;
  std::size_t i = 0;
  while (i < hosts.size()) {
    // Gathers the hosts from i on that share a prefix and ascend.
    const SplitName head = split(hosts[i]);
    std::vector<Run> runs;
    std::size_t next = i + 1;
    if (head.number) {
      runs.push_back({*head.number, *head.number});
      for (; next < hosts.size(); ++next) {
        const SplitName name = split(hosts[next]);
        Run& run = runs.back();
        if (!name.number || name.prefix != head.prefix || name.number->value <= run.last.value) break;
        const bool follows = name.number->value == run.last.value + 1 &&
                             padded(name.number->value, run.first.width).size() == name.number->width;
        if (follows) {
          run.last = *name.number;
        } else {
          runs.push_back({*name.number, *name.number});
        }
      }
    }
    if (!text.empty()) text += ',';
    if (next == i + 1) {
      text += hosts[i];
    } else {
      text += head.prefix;
      text += '[';
      for (std::size_t r = 0; r < runs.size(); ++r) {
        if (r != 0) text += ',';
        text += padded(runs[r].first.value, runs[r].first.width);
        if (runs[r].last.value == runs[r].first.value) continue;
        text += '-';
        text += padded(runs[r].last.value, runs[r].last.width);
      }
      text += ']';
    }
    i = next;
  }
  return text;
}

}  // namespace fluxmetrics::flux
