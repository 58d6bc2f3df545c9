// RFC 31 job constraints: which ranks a job, or a queue, admits.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::flux {

class Constraint {
 public:
  // all: no constraint; any_of: or; all_of: and; not_all: not, which holds where one of its operands does
  // not.
  enum class Op { all, any_of, all_of, not_all, properties, hosts, ranks };

  Constraint() = default;  // admits every rank

  // `value` is the object {"properties":[..]}, {"and":[..]}, ...; an empty object or null admits every rank,
  // several keys must all hold. A property may be a host's name; written "^name" it must be absent. Errors:
  // Code::protocol naming an unknown operator or a value of the wrong kind.
  [[nodiscard]] static Result<Constraint> from_json(const boost::json::value& value);
  // Equal to this, when from_json() reads it.
  [[nodiscard]] boost::json::value to_json() const;
  // Every name of `properties` must be present (a queue's `requires`).
  [[nodiscard]] static Constraint requires_properties(std::vector<std::string> properties);
  // Both must hold.
  [[nodiscard]] static Constraint both(Constraint a, Constraint b);

  // The ranks of `resources` that are admitted. `hosts` as from ResourceSet::hosts().
  [[nodiscard]] IdSet admitted(const ResourceSet& resources,
                               const std::map<IdSet::Id, std::string>& hosts) const;
  // How much it holds: names, ranges and operators.
  [[nodiscard]] std::size_t weight() const;
  [[nodiscard]] bool admits_all() const { return op_ == Op::all; }
  friend bool operator==(const Constraint&, const Constraint&) = default;
  friend std::strong_ordering operator<=>(const Constraint& a, const Constraint& b);

 private:
  Constraint(Op op, std::vector<std::string> names);
  static Result<Constraint> read(const boost::json::value& value, int depth);
  static Result<Constraint> read_operator(std::string_view name, const boost::json::value& values, int depth);

  Op op_ = Op::all;
  std::vector<std::string> names_;    // properties or host names
  IdSet ranks_;                       // for Op::ranks
  std::vector<Constraint> operands_;  // for any_of (or), all_of (and), not_all (not)
};

}  // namespace fluxmetrics::flux
