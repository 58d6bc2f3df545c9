// How long nodes took to come and to go, as box plots.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "charts/svg.hpp"

namespace fluxmetrics::charts {

// Seconds, by machine type and by how many nodes came (above 0) or went (below 0) at once.
using Timings = std::map<std::string, std::map<int, std::vector<double>>>;

// Of CSV whose first line names the columns machine_type, from_nodes, to_nodes and seconds, and any others. A
// row without one of the two numbers of nodes is a cluster that was made or deleted: it is left out.
// Errors: Code::invalid naming the column or the line, as parse_csv(), and for no timings at all.
[[nodiscard]] Result<Timings> read_timings(std::string_view text);

// nodes-added.svg and nodes-removed.svg, each only where it has a box. Without outliers the scale is linear;
// with them it is logarithmic where they would flatten the boxes.
[[nodiscard]] std::vector<NamedChart> chart_timings(const Timings& timings, bool outliers,
                                                    const std::string& theme);

}  // namespace fluxmetrics::charts
