#include "kube/label_syntax.hpp"

#include <algorithm>
#include <fmt/ranges.h>

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
constexpr std::string_view subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

constexpr std::string_view label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and "
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

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

// A name that is a DNS label or subdomain; lengths are counted in bytes, whatever the messages say.
bool is_dns_label(std::string_view text) {
  return is_subdomain(text) && !text.contains('.');
}

std::string joined(const std::vector<std::string>& faults) {
  return fmt::format("{}", fmt::join(faults, "; "));
}

}  // namespace

std::vector<std::string> label_key_faults(std::string_view key) {
  std::vector<std::string> faults;
  const auto slash = key.find('/');
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    const auto prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (name.contains('/')) {
      return {fmt::format(
          "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
          name_rule)};
    }
    if (prefix.empty()) {
      faults.emplace_back("prefix part must be non-empty");
    } else {
      if (prefix.size() > longest_prefix)
        faults.push_back(fmt::format("prefix part must be no more than {} bytes", longest_prefix));
      if (!is_subdomain(prefix)) faults.push_back(fmt::format("prefix part {}", subdomain_rule));
    }
  }
  if (name.empty()) faults.emplace_back("name part must be non-empty");
  if (name.size() > longest_name)
    faults.push_back(fmt::format("name part must be no more than {} bytes", longest_name));
  if (!is_name(name)) faults.push_back(fmt::format("name part {}", name_rule));
  return faults;
}

std::vector<std::string> label_value_faults(std::string_view value) {
  std::vector<std::string> faults;
  if (value.size() > longest_name)
    faults.push_back(fmt::format("must be no more than {} bytes", longest_name));
  if (!value.empty() && !is_name(value)) faults.emplace_back(value_rule);
  return faults;
}

std::vector<std::string> dns_label_faults(std::string_view name) {
  std::vector<std::string> faults;
  if (name.size() > longest_name)
    faults.push_back(fmt::format("must be no more than {} characters", longest_name));
  if (!is_dns_label(name))
    faults.emplace_back(is_subdomain(name) ? std::string_view("must not contain dots") : label_rule);
  return faults;
}

std::vector<std::string> dns_subdomain_faults(std::string_view name) {
  std::vector<std::string> faults;
  if (name.size() > longest_prefix)
    faults.push_back(fmt::format("must be no more than {} characters", longest_prefix));
  if (!is_subdomain(name)) faults.emplace_back(subdomain_rule);
  return faults;
}

std::vector<std::string> path_segment_faults(std::string_view name) {
  if (name == "." || name == "..") return {fmt::format("may not be '{}'", name)};
  std::vector<std::string> faults;
  for (const char c : {'/', '%'}) {
    if (name.contains(c)) faults.push_back(fmt::format("may not contain '{}'", c));
  }
  return faults;
}

std::string label_key_fault(std::string_view key) {
  return joined(label_key_faults(key));
}

std::string label_value_fault(std::string_view value) {
  return joined(label_value_faults(value));
}

}  // namespace fluxmetrics::kube
