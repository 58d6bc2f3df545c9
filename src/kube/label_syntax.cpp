#include "kube/label_syntax.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fluxmetrics::kube {
namespace {

constexpr std::size_t longest_name = 63;
constexpr std::size_t longest_prefix = 253;

constexpr std::string_view name_rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view value_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view prefix_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool is_name(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    if (part.empty() || !is_lower_alnum(part.front()) || !is_lower_alnum(part.back())) return false;
    if (!std::ranges::all_of(part, [](char c) { return is_lower_alnum(c) || c == '-'; })) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

void add(std::string& faults, std::string_view fault) {
  if (!faults.empty()) faults += "; ";
  faults += fault;
}

}  // namespace

std::string label_key_fault(std::string_view key) {
  std::string faults;
  const auto slash = key.find('/');
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    const auto prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (name.contains('/')) {
      return fmt::format(
          "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
          name_rule);
    }
    if (prefix.empty()) {
      add(faults, "prefix part must be non-empty");
    } else {
      if (prefix.size() > longest_prefix) {
        add(faults, fmt::format("prefix part must be no more than {} bytes", longest_prefix));
      }
      if (!is_subdomain(prefix)) add(faults, fmt::format("prefix part {}", prefix_rule));
    }
  }
  if (name.empty()) add(faults, "name part must be non-empty");
  if (name.size() > longest_name)
    add(faults, fmt::format("name part must be no more than {} bytes", longest_name));
  if (!is_name(name)) add(faults, fmt::format("name part {}", name_rule));
  return faults;
}

std::string label_value_fault(std::string_view value) {
  std::string faults;
  if (value.size() > longest_name) add(faults, fmt::format("must be no more than {} bytes", longest_name));
  if (!value.empty() && !is_name(value)) add(faults, value_rule);
  return faults;
}

}  // namespace fluxmetrics::kube
