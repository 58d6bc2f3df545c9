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

std::string padded(std::uint64_t value, std::size_t width) {
  return fmt::format("{:0{}}", value, width);
}

class Expander {
 public:
  Expander(std::string_view text, std::size_t max_hosts) : text_(text), max_hosts_(max_hosts) {}

  Result<std::vector<std::string>> expand() {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const auto end = end_of_member(rest);
      if (!end) return std::unexpected(end.error());
      const std::string_view member = rest.substr(0, *end);
      if (member.empty()) return fail(Code::invalid, "hostlist '{}': a name is empty", shown());
      if (auto done = add_member(member); !done) return std::unexpected(done.error());
      if (*end == rest.size()) break;
      rest.remove_prefix(*end + 1);
      if (rest.empty()) return fail(Code::invalid, "hostlist '{}': ends with a comma", shown());
    }
    return std::move(hosts_);
  }

 private:
  // Where the comma is that ends the first member of `rest`, or its size. Commas in brackets do not count.
  [[nodiscard]] Result<std::size_t> end_of_member(std::string_view rest) const {
    bool inside = false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == ',' && !inside) return i;
      if ((rest[i] == '[' && inside) || (rest[i] == ']' && !inside)) {
        return fail(Code::invalid, "hostlist '{}': unbalanced brackets", shown());
      }
      if (rest[i] == '[' || rest[i] == ']') inside = !inside;
    }
    if (inside) return fail(Code::invalid, "hostlist '{}': unbalanced brackets", shown());
    return rest.size();
  }

  Result<void> add_member(std::string_view member) {
    const auto open = member.find('[');
    if (open == std::string_view::npos) return add(std::string(member));
    const auto close = member.find(']');
    const std::string_view prefix = member.substr(0, open);
    const std::string_view suffix = member.substr(close + 1);
    if (suffix.find('[') != std::string_view::npos) {
      return fail(Code::invalid, "hostlist '{}': '{}' has more than one pair of brackets", shown(),
                  printable(member));
    }
    std::string_view ids = member.substr(open + 1, close - open - 1);
    for (;;) {
      const auto comma = ids.find(',');
      if (auto done = add_range(prefix, ids.substr(0, comma), suffix); !done) return done;
      if (comma == std::string_view::npos) return {};
      ids.remove_prefix(comma + 1);
    }
  }

  Result<void> add_range(std::string_view prefix, std::string_view range, std::string_view suffix) {
    const auto dash = range.find('-');
    const auto first = to_number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : to_number(range.substr(dash + 1));
    if (!first || !last) {
      return fail(Code::invalid, "hostlist '{}': '{}' is neither a number nor a range of numbers", shown(),
                  printable(range));
    }
    if (first->value > last->value)
      return fail(Code::invalid, "hostlist '{}': '{}' goes down", shown(), printable(range));
    if (last->value - first->value >= max_hosts_) return too_many();
    for (std::uint64_t value = first->value; value <= last->value; ++value) {
      auto name = fmt::format("{}{:0{}}{}", prefix, value, first->width, suffix);
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
