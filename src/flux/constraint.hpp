// RFC 31 job constraints: which ranks a job, or a queue, admits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::flux {

class Constraint {
 public:
  enum class Op { all, any_of, all_of, none_of, properties, hosts, ranks };  // all: no constraint; and, or, not

  // `value` is the object {"properties":[..]}, {"and":[..]}, ...; an empty object or null admits every rank.
  // A property written "^name" must be absent. Errors: Code::protocol naming an unknown operator.
  [[nodiscard]] static Result<Constraint> from_json(const boost::json::value& value);
  // Every name of `properties` must be present (a queue's `requires`).
  [[nodiscard]] static Constraint requires_properties(std::vector<std::string> properties);
  // Both must hold.
  [[nodiscard]] static Constraint both(Constraint a, Constraint b);

  // The ranks of `resources` that are admitted. `hosts` as from ResourceSet::hosts().
  [[nodiscard]] IdSet admitted(const ResourceSet& resources,
                               const std::map<IdSet::Id, std::string>& hosts) const;
  [[nodiscard]] bool admits_all() const { return op_ == Op::all; }
  auto operator<=>(const Constraint&) const = default;

 private:
  Op op_ = Op::all;
  std::vector<std::string> names_;       // properties or host names
  IdSet ranks_;                          // for Op::ranks
  std::vector<Constraint> operands_;     // for any_of (or), all_of (and), none_of (not)
};

}  // namespace fluxmetrics::flux
