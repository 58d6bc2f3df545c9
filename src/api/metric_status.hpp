// How metric GETs say no: the Statuses of both metrics APIs, each with the way out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/router.hpp"
#include "base/result.hpp"
#include "kube/selector.hpp"
#include "kube/status.hpp"
#include "metrics/family.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

[[nodiscard]] kube::Status bad_request(std::string message);

// "the server could not find the metric M for pods web-0 with selector a=b: HINT".
[[nodiscard]] kube::Status not_found(const MetricPath& path, const kube::Selector& selector,
                                     std::string_view hint);
[[nodiscard]] kube::Status unavailable(std::string_view metric, std::string_view why);

// 404 for Code::not_found, else 503.
[[nodiscard]] kube::Status status_of(const Error& error, const MetricPath& path,
                                     const kube::Selector& selector);

// Why a GET of `path` cannot be answered, whatever the values are: no such metric (`description` is null;
// there are the `known`), a label that it has not, data too old.
[[nodiscard]] std::optional<kube::Status> check_metric(const MetricPath& path, const kube::Selector& selector,
                                                       const metrics::Description* description,
                                                       std::span<const metrics::Description> known,
                                                       const metrics::View& view, Seconds max_staleness);

}  // namespace fluxmetrics::api
