#include "module/options.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace fluxmetrics::module {
namespace {

using Read = Result<void> (*)(std::string_view value, Options& options);

template <class T, std::size_t n>
Result<T> one_of(std::string_view value, const std::array<std::pair<std::string_view, T>, n>& choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return fail(Code::invalid, "it must be {}", names);
}

Result<std::uint32_t> count(std::string_view value) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number == 0) {
    return fail(Code::invalid, "it must be a whole number from 1 to {}",
                std::numeric_limits<std::uint32_t>::max());
  }
  return number;
}

template <class Target, class Value>
Result<void> put(Target& target, Result<Value> value) {
  if (!value) return std::unexpected(value.error());
  target = *std::move(value);
  return {};
}

Result<void> read_rule(std::string_view value, Options& options) {
  using enum sizing::SizeRule;
  constexpr std::array<std::pair<std::string_view, sizing::SizeRule>, 3> rules{
      {{"wanted", wanted}, {"all", all}, {"head-of-line", head_of_line}}};
  return put(options.policy.rule, one_of(value, rules));
}
Result<void> read_level(std::string_view value, Options& options) {
  using enum log::Level;
  constexpr std::array<std::pair<std::string_view, log::Level>, 5> levels{
      {{"debug", debug}, {"info", info}, {"warning", warning}, {"error", error}, {"off", off}}};
  return put(options.log_level, one_of(value, levels));
}

constexpr std::array<std::pair<std::string_view, Read>, 9> known{{
    {"size-policy", read_rule},
    {"hold", [](auto value, auto& options) { return put(options.policy.hold, parse_duration(value)); }},
    {"patience",
     [](auto value, auto& options) { return put(options.policy.patience, parse_duration(value)); }},
    {"count-denied",
     [](auto value, auto& options) { return put(options.policy.count_denied, parse_duration(value)); }},
    {"min-replicas",
     [](auto value, auto& options) { return put(options.policy.min_replicas, count(value)); }},
    {"max-replicas",
     [](auto value, auto& options) { return put(options.policy.max_replicas, count(value)); }},
    {"max-staleness",
     [](auto value, auto& options) { return put(options.max_staleness, parse_duration(value)); }},
    {"max-streams", [](auto value, auto& options) { return put(options.most_streams, count(value)); }},
    {"log", read_level},
}};

Result<void> read_word(std::string_view word, Options& options) {
  const auto equals = word.find('=');
  std::string names;
  for (const auto& [name, read] : known) {
    if (equals != std::string_view::npos && word.substr(0, equals) == name) {
      const auto done = read(word.substr(equals + 1), options);
      if (!done) return fail(Code::invalid, "{}: {}", printable(word), done.error().message);
      return {};
    }
    if (!names.empty()) names += ", ";
    names += name;
  }
  return fail(Code::invalid,
              "'{}' is not an option of this module; options are NAME=VALUE, with a NAME of {}",
              printable(word), names);
}

}  // namespace

Result<Options> parse_options(std::span<const std::string_view> words) {
  Options options;
  for (const auto word : words)
    if (const auto read = read_word(word, options); !read) return std::unexpected(read.error());
  const auto& policy = options.policy;
  if (policy.max_replicas && policy.min_replicas > *policy.max_replicas) {
    return fail(Code::invalid, "min-replicas={} is above max-replicas={}", policy.min_replicas,
                *policy.max_replicas);
  }
  return options;
}

}  // namespace fluxmetrics::module
