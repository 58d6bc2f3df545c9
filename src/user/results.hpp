// What a user's code gave, as items of a family.
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "metrics/user_metric.hpp"

namespace fluxmetrics::user {

// Of a metric without labels: one number. Of one with labels: objects {"labels":{NAME: VALUE},"value":
// NUMBER}, alone or in arrays, with all of the metric's labels. null, or nothing at all, is no value now.
// Errors: Code::unavailable with a sentence that says what was given instead.
[[nodiscard]] Result<std::vector<metrics::Item>> items_of(const metrics::UserMetric& metric,
                                                          const boost::json::array& results);

}  // namespace fluxmetrics::user
