// How many connections this process may have open at a time.
#pragma once

#include <cstddef>

namespace fluxmetrics::http {

// Raises the soft limit of open files as far as `connections` need and the hard limit lets; returns how many
// connections fit beside what else the program keeps open: `connections`, or fewer, at least one.
[[nodiscard]] std::size_t make_room_for(std::size_t connections);

}  // namespace fluxmetrics::http
