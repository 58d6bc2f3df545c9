// Jobspecs (RFC 14, RFC 25), reduced to what sizing needs.
#pragma once

#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/shape.hpp"

namespace fluxmetrics::flux {

struct Jobspec {
  Shape shape;
  bool sized = false;       // `resources` was understood; else `shape` says nothing
  bool attributed = false;  // there is an attributes.system; else what follows says nothing
  double duration = 0;      // seconds, 0 = no limit
  std::string queue;        // "" = the anonymous queue
  std::string name;
  std::optional<Error> fault;  // the first thing that is not understood: Code::protocol, with a sentence
};

// Reads whatever can be read of a jobspec: what is wrong in one place takes nothing away from the others. A
// shape whose constraints are not understood is not `known`, and admits every rank.
[[nodiscard]] Jobspec parse_jobspec(const boost::json::value& value);

}  // namespace fluxmetrics::flux
