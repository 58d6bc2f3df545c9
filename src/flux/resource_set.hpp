// R, the resource set (RFC 20): which cores and gpus each rank has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/idset.hpp"

namespace fluxmetrics::flux {

// How much a rank, a job or an instance has.
struct Amount {
  std::uint64_t cores = 0;
  std::uint64_t gpus = 0;
  auto operator<=>(const Amount&) const = default;
};

class ResourceSet {
 public:
  // Ranks with identical children: one entry of R_lite.
  struct Entry {
    IdSet ranks;
    IdSet cores;
    IdSet gpus;
    bool operator==(const Entry&) const = default;
  };

  std::vector<Entry> entries;               // ranks of different entries are disjoint
  std::vector<std::string> nodelist;        // hostlists as given; [""] for an empty set from resource.*
  bool has_nodelist = false;                // the scheduler's empty sets have none
  std::map<std::string, IdSet> properties;  // property -> ranks
  bool has_properties = false;
  double starttime = 0;  // seconds since 1970, 0 = unset
  double expiration = 0;
  std::optional<std::uint32_t> nslots;  // in job allocations

  // `value` is the JSON object of RFC 20; "scheduling" is ignored.
  // Errors: Code::protocol naming the field; version other than 1; a rank listed twice.
  [[nodiscard]] static Result<ResourceSet> from_json(const boost::json::value& value);
  // Equal, as JSON, to what from_json read, save "scheduling".
  [[nodiscard]] boost::json::value to_json() const;

  [[nodiscard]] IdSet ranks() const;
  [[nodiscard]] bool empty() const { return entries.empty(); }
  // What `rank` has; zeros when it is not in the set.
  [[nodiscard]] Amount on_rank(IdSet::Id rank) const;
  [[nodiscard]] const Entry* entry_of(IdSet::Id rank) const;
  [[nodiscard]] Amount total() const;
  // The sum over the ranks that are also in `ranks`.
  [[nodiscard]] Amount total_of(const IdSet& ranks) const;
  // Host names by ascending rank (nodelist expanded); empty when there is no nodelist.
  [[nodiscard]] Result<std::map<IdSet::Id, std::string>> hosts() const;

  bool operator==(const ResourceSet&) const = default;
};

// What is in either: per rank, the cores and gpus of both. Names, properties and times are left out.
[[nodiscard]] ResourceSet united(const ResourceSet& a, const ResourceSet& b);

}  // namespace fluxmetrics::flux
