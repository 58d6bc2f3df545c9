#include "flux/constraint.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "flux/hostlist.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

// A constraint nested deeper than this is no real one; it bounds the recursion.
constexpr int max_depth = 32;
// A short text can name millions, and every job may have its own.
constexpr std::size_t max_hosts_named = 1U << 16U;

constexpr std::array<std::pair<std::string_view, Constraint::Op>, 6> operators{
    {{"properties", Constraint::Op::properties},
     {"hostlist", Constraint::Op::hosts},
     {"ranks", Constraint::Op::ranks},
     {"and", Constraint::Op::all_of},
     {"or", Constraint::Op::any_of},
     {"not", Constraint::Op::not_all}}};

std::optional<Constraint::Op> op_of(std::string_view name) {
  for (const auto& [known, op] : operators)
    if (known == name) return op;
  return std::nullopt;
}

std::string_view name_of(Constraint::Op op) {
  for (const auto& [name, known] : operators)
    if (known == op) return name;
  return {};
}

void sort_unique(std::vector<std::string>& names) {
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
}

Result<std::vector<std::string>> strings_of(std::string_view op, const json::array& values) {
  std::vector<std::string> strings;
  for (const auto& value : values) {
    if (!value.is_string())
      return fail(Code::protocol, "constraint: {} contains something that is not a string", op);
    strings.emplace_back(value.get_string());
  }
  return strings;
}

// The ranks that have the property `name`, which may be a host's name too; those that have it not when it is
// "^name".
IdSet ranks_with(std::string_view name, const ResourceSet& resources,
                 const std::map<IdSet::Id, std::string>& hosts) {
  const bool absent = name.starts_with('^');
  if (absent) name.remove_prefix(1);
  IdSet found;
  const auto property = resources.properties.find(std::string(name));
  if (property != resources.properties.end()) found = property->second;
  for (const auto& [rank, host] : hosts) {
    if (host == name) found.insert(rank);
  }
  return absent ? resources.ranks() - found : resources.ranks() & found;
}

}  // namespace

Constraint::Constraint(Op op, std::vector<std::string> names) : op_(op), names_(std::move(names)) {}

Result<Constraint> Constraint::from_json(const json::value& value) {
  return read(value, 0);
}

json::value Constraint::to_json() const {
  json::array values;
  for (const auto& operand : operands_)
    values.push_back(operand.to_json());
  for (const auto& name : names_)
    values.emplace_back(name);
  if (op_ == Op::ranks) values.emplace_back(ranks_.to_string());
  json::object written;
  if (op_ != Op::all) written[name_of(op_)] = std::move(values);
  return written;
}

Result<Constraint> Constraint::read(const json::value& value, int depth) {
  if (value.is_null()) return Constraint{};
  if (!value.is_object()) return fail(Code::protocol, "constraint is not an object");
  if (depth > max_depth) return fail(Code::protocol, "constraint is nested deeper than {} levels", max_depth);
  Constraint whole;
  for (const auto& [name, values] : value.get_object()) {
    auto part = read_operator(name, values, depth);
    if (!part) return part;
    whole = both(std::move(whole), *std::move(part));
  }
  return whole;
}

Result<Constraint> Constraint::read_operator(std::string_view name, const json::value& values, int depth) {
  const auto op = op_of(name);
  if (!op) return fail(Code::protocol, "constraint: operator '{}' is unknown", printable(name));
  const auto* items = values.if_array();
  if (items == nullptr) return fail(Code::protocol, "constraint: the value of {} is not an array", name);
  Constraint made(*op, {});
  if (*op == Op::any_of || *op == Op::all_of || *op == Op::not_all) {
    for (const auto& item : *items) {
      auto operand = read(item, depth + 1);
      if (!operand) return operand;
      made.operands_.push_back(*std::move(operand));
    }
    return made;
  }
  auto strings = strings_of(name, *items);
  if (!strings) return std::unexpected(strings.error());
  if (*op == Op::properties) return requires_properties(*std::move(strings));
  for (const std::string& text : *strings) {
    if (*op == Op::ranks) {
      auto ranks = IdSet::parse(text);
      if (!ranks) return fail(Code::protocol, "constraint: ranks: {}", ranks.error().message);
      made.ranks_ |= *ranks;
      continue;
    }
    if (made.names_.size() >= max_hosts_named)
      return fail(Code::protocol, "constraint: hostlist: more than {} hosts", max_hosts_named);
    auto hosts = expand_hostlist(text, max_hosts_named - made.names_.size());
    if (!hosts) return fail(Code::protocol, "constraint: hostlist: {}", hosts.error().message);
    // No host has a name with brackets in it, and writing it out would make other names of it.
    std::erase_if(*hosts,
                  [](std::string_view host) { return host.find_first_of("[]") != std::string_view::npos; });
    made.names_.insert(made.names_.end(), hosts->begin(), hosts->end());
  }
  sort_unique(made.names_);
  return made;
}

Constraint Constraint::requires_properties(std::vector<std::string> properties) {
  if (properties.empty()) return {};
  sort_unique(properties);
  return {Op::properties, std::move(properties)};
}

Constraint Constraint::both(Constraint a, Constraint b) {
  if (a.admits_all()) return b;
  if (b.admits_all() || a == b) return a;
  if (a.op_ == Op::properties && b.op_ == Op::properties) {
    a.names_.insert(a.names_.end(), b.names_.begin(), b.names_.end());
    return requires_properties(std::move(a.names_));
  }
  Constraint made(Op::all_of, {});
  made.operands_ = {std::move(a), std::move(b)};
  return made;
}

std::size_t Constraint::weight() const {
  std::size_t weight = 1 + names_.size() + ranks_.ranges().size();
  for (const auto& operand : operands_)
    weight += operand.weight();
  return weight;
}

// Written out because a defaulted one would need itself, for the operands, before its type is complete.
std::strong_ordering operator<=>(const Constraint& a, const Constraint& b) {
  const auto own = std::tie(a.op_, a.names_, a.ranks_) <=> std::tie(b.op_, b.names_, b.ranks_);
  if (own != std::strong_ordering::equal) return own;
  return std::lexicographical_compare_three_way(a.operands_.begin(), a.operands_.end(), b.operands_.begin(),
                                                b.operands_.end());
}

IdSet Constraint::admitted(const ResourceSet& resources,
                           const std::map<IdSet::Id, std::string>& hosts) const {
  IdSet ranks = resources.ranks();
  switch (op_) {
    case Op::all:
      break;
    case Op::properties:
      for (const auto& name : names_)
        ranks = ranks & ranks_with(name, resources, hosts);
      break;
    case Op::hosts: {
      IdSet named;
      for (const auto& [rank, host] : hosts) {
        if (std::ranges::binary_search(names_, host)) named.insert(rank);
      }
      ranks = ranks & named;
      break;
    }
    case Op::ranks:
      ranks = ranks & ranks_;
      break;
    case Op::any_of: {
      IdSet any;
      for (const auto& operand : operands_)
        any |= operand.admitted(resources, hosts);
      ranks = any;
      break;
    }
    case Op::all_of:
      for (const auto& operand : operands_)
        ranks = ranks & operand.admitted(resources, hosts);
      break;
    case Op::not_all: {
      IdSet all = ranks;
      for (const auto& operand : operands_)
        all = all & operand.admitted(resources, hosts);
      ranks = ranks - all;
      break;
    }
  }
  return ranks;
}

}  // namespace fluxmetrics::flux
