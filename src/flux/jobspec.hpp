// Jobspec V1 (RFC 14, RFC 25), reduced to what sizing needs: the shape of what a job asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/constraint.hpp"

namespace fluxmetrics::flux {

// N nodes with S slots each (or S slots anywhere), C cores and G gpus a slot. Equal shapes pack alike.
struct Shape {
  std::optional<std::uint32_t> nodes;  // N; absent: the scheduler spreads the slots
  std::uint32_t slots = 1;             // S: a node when nodes is given, else in all
  std::uint32_t cores = 1;             // C
  std::uint32_t gpus = 0;              // G
  bool exclusive = false;              // whole nodes
  bool known = true;  // false: no jobspec was readable, this is a lower bound from job-list's counts
  Constraint constraint{};
  auto operator<=>(const Shape&) const = default;
};

struct Jobspec {
  Shape shape;
  double duration = 0;  // seconds, 0 = no limit
  std::string queue;    // "" = the anonymous queue
  std::string name;
};

// `value` is a jobspec object. A count object {min,max} counts as its min.
// Errors: Code::unsupported for resources that are not V1 (naming the vertex), Code::protocol for wrong JSON.
[[nodiscard]] Result<Jobspec> parse_jobspec(const boost::json::value& value);

// The shape of a job whose jobspec cannot be read, from job-list's counts: nnodes given -> nodes of
// ncores/nnodes cores each, exclusive when ncores is absent; nnodes absent -> ncores single cores.
[[nodiscard]] Shape shape_from_counts(std::optional<std::uint32_t> nnodes,
                                      std::optional<std::uint32_t> ncores);

}  // namespace fluxmetrics::flux
