// RFC 29 hostlists: "node[0-3,08-10],login", ordered, repeats allowed, zero padding kept.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics::flux {

// Expands `text` to host names in order, as flux-core 0.88 reads it: commas, blanks and tabs outside of
// brackets separate its members, and empty members count for nothing. "" gives an empty list. Errors:
// Code::invalid for unbalanced brackets, what is no range of numbers between them, descending ranges, or more
// than `max_hosts` names (a hostlist bomb).
[[nodiscard]] Result<std::vector<std::string>> expand_hostlist(std::string_view text,
                                                               std::size_t max_hosts = 1U << 20U);

// The shortest RFC 29 text for `hosts`, in order: runs of one prefix and ascending numbers share brackets.
[[nodiscard]] std::string compress_hostlist(std::span<const std::string> hosts);

}  // namespace fluxmetrics::flux
