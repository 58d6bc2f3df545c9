// An instance's state as a document: docs/get.md describes it field by field, and tools read it.
#pragma once

#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

// size, level, version, hostname, state, owner: the head of all documents about an instance.
[[nodiscard]] boost::json::object instance_json(const InstanceState& state);

// Parts of the document: "nodes", "queues", "denied", "shapes", and one of "jobs".
[[nodiscard]] boost::json::array nodes_json(const InstanceState& state);
[[nodiscard]] boost::json::array queues_json(const InstanceState& state);
[[nodiscard]] boost::json::array denied_json(const InstanceState& state);
[[nodiscard]] boost::json::array shapes_json(const InstanceState& state);
[[nodiscard]] boost::json::object job_json(const InstanceState& state, const Job& job);

inline constexpr std::string_view state_format = "flux-metrics-api.state/1";

// Everything: the instance, its nodes, queues, shapes and jobs. Job ids are strings, as they have more digits
// than a double keeps.
[[nodiscard]] boost::json::object state_json(const InstanceState& state, WallTime confirmed);

}  // namespace fluxmetrics::instance
