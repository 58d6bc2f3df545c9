#include "http/preferences.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace fluxmetrics::http {
namespace {

std::string_view bare(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::string lower_case(std::string_view text) {
  return lowered(bare(text));
}

// The text up to `separator`, which is taken off `rest` with it.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

double parse_quality(const std::string& text) {
  double quality = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quality);
  const bool good = error == std::errc{} && end == text.data() + text.size() && quality >= 0 && quality <= 1;
  return good ? quality : 0;
}

}  // namespace

std::string_view Preference::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<Preference> parse_preferences(std::string_view header) {
  std::vector<Preference> preferences;
  while (!header.empty()) {
    std::string_view element = next_part(header, ',');
    Preference preference;
    preference.value = lower_case(next_part(element, ';'));
    while (!element.empty()) {
      std::string_view parameter = next_part(element, ';');
      auto name = lower_case(next_part(parameter, '='));
      auto value = lower_case(parameter);
      if (name == "q") {
        preference.quality = parse_quality(value);
      } else if (!name.empty()) {
        preference.parameters.emplace_back(std::move(name), std::move(value));
      }
    }
    if (!preference.value.empty()) preferences.push_back(std::move(preference));
  }
  return preferences;
}

double quality_of(const std::vector<Preference>& preferences, std::string_view value) {
  for (const auto name : {value, std::string_view("*")}) {
    const auto found = std::ranges::find(preferences, name, &Preference::value);
    if (found != preferences.end()) return found->quality;
  }
  return 0;
}

}  // namespace fluxmetrics::http
