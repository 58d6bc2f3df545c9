// A snapshot as documents: what `get` prints, and the lines of a recording. docs/get.md has the fields.
#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "metrics/snapshot.hpp"

namespace fluxmetrics::metrics {

using Chosen = std::function<bool(const Family&)>;

// {"timestamp","instance","metrics":[{"name","unit","items":[{"labels","value"}]} or {..,"missing"}]}
[[nodiscard]] boost::json::object to_document(const Snapshot& snapshot, const Chosen& chosen);

// One line of a recording, without its newline: {"format","time","instance","metrics":{NAME: number, array of
// {"labels","value"} for a metric with labels, or null when it has no value}}.
[[nodiscard]] std::string to_record(const Snapshot& snapshot, const Chosen& chosen);

// Two snapshots with the same text have the same values.
[[nodiscard]] std::string values_text(const Snapshot& snapshot, const Chosen& chosen);

}  // namespace fluxmetrics::metrics
