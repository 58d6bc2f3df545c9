// The catalogue as a reference for people and programs: what docs/metrics.md and docs/prometheus.md hold.
#pragma once

#include <span>
#include <string>

#include <boost/json/object.hpp>

#include "metrics/catalogue.hpp"
#include "metrics/exposition.hpp"

namespace fluxmetrics::metrics {

// The table of the catalogue, and that of Prometheus' families, a row each.
[[nodiscard]] std::string catalogue_table(const Catalogue& catalogue = *built_in());
[[nodiscard]] std::string exposed_table(std::span<const Exposed> families);

// {"metrics":[{"name","type","unit","labels","aggregation","prometheus","source","help"}],
//  "prometheus":[{"name","type","labels","made_of","help"}]}
[[nodiscard]] boost::json::object catalogue_document(std::span<const Exposed> own,
                                                     const Catalogue& catalogue = *built_in());

}  // namespace fluxmetrics::metrics
