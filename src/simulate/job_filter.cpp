#include "simulate/job_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "flux/hostlist.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// Deeper nesting is nothing but an attack on the stack.
constexpr int max_depth = 64;

template <class... Args>
[[nodiscard]] std::unexpected<Error> bad(fmt::format_string<Args...> format, Args&&... args) {
  return fail_errno(Code::protocol, EPROTO, "invalid payload: constraint object invalid: {}",
                    fmt::format(format, std::forward<Args>(args)...));
}

std::optional<std::uint32_t> state_mask(std::string_view name) {
  if (name == "pending") return flux::states_pending;
  if (name == "running") return flux::states_running;
  if (name == "active") return flux::states_active;
  for (const flux::JobState state : flux::all_job_states)
    if (flux::to_string(state) == name) return static_cast<std::uint32_t>(state);
  return std::nullopt;
}

std::optional<std::uint32_t> result_mask(std::string_view name) {
  if (name == "completed") return 1;
  if (name == "failed") return 2;
  if (name == "canceled") return 4;
  if (name == "timeout") return 8;
  return std::nullopt;
}

// Names or numbers, or-ed together.
template <class Lookup>
Result<std::uint32_t> read_mask(std::string_view operation, const json::array& values, const Lookup& lookup) {
  std::uint32_t mask = 0;
  for (const json::value& value : values) {
    std::optional<std::uint32_t> bits;
    if (value.is_string()) {
      const std::string name = lowered(std::string_view(value.get_string()));
      bits = lookup(name);
      if (!bits) return bad("invalid {} value '{}' specified", operation, name);
    } else if (value.is_int64() && value.get_int64() >= 0) {
      bits = static_cast<std::uint32_t>(value.get_int64());
    } else {
      return bad("{} value must be a string or a number", operation);
    }
    mask |= *bits;
  }
  return mask;
}

Result<std::vector<std::string>> read_strings(std::string_view operation, const json::array& values) {
  std::vector<std::string> strings;
  for (const json::value& value : values) {
    if (!value.is_string()) return bad("{} value must be a string", operation);
    strings.emplace_back(value.get_string());
  }
  return strings;
}

Result<JobFilter> by_text(std::string_view operation, const json::array& values,
                          const std::string& (*read)(const Job&)) {
  auto strings = read_strings(operation, values);
  if (!strings) return std::unexpected(strings.error());
  return [strings = std::move(*strings), read](const Job& job) {
    return std::ranges::find(strings, read(job)) != strings.end();
  };
}

Result<JobFilter> by_userid(const json::array& values) {
  std::vector<std::int64_t> ids;
  for (const json::value& value : values) {
    if (!value.is_int64()) return bad("userid value must be an integer");
    ids.push_back(value.get_int64());
  }
  return [ids = std::move(ids)](const Job& job) {
    // 0xffffffff stands for everyone.
    return std::ranges::any_of(ids, [&](std::int64_t id) { return id == job.userid || id == 0xffffffff; });
  };
}

Result<JobFilter> by_ranks(const json::array& values) {
  auto strings = read_strings("ranks", values);
  if (!strings) return std::unexpected(strings.error());
  flux::IdSet ranks;
  for (const std::string& text : *strings) {
    const auto parsed = flux::IdSet::parse(text);
    if (!parsed) return bad("ranks value '{}': error parsing range '{}'", text, text);
    ranks |= *parsed;
  }
  return [ranks = std::move(ranks)](const Job& job) { return !(ranks & job.ranks).empty(); };
}

Result<JobFilter> by_hosts(const json::array& values) {
  auto strings = read_strings("hostlist", values);
  if (!strings) return std::unexpected(strings.error());
  std::set<std::string> hosts;
  for (const std::string& text : *strings) {
    const auto names = flux::expand_hostlist(text);
    if (!names) return bad("hostlist value '{}' invalid", text);
    hosts.insert(names->begin(), names->end());
  }
  return [hosts = std::move(hosts)](const Job& job) {
    if (!job.R) return false;
    const auto names = flux::expand_hostlist(job.R->nodelist.front());
    return names &&
           std::ranges::any_of(*names, [&](const std::string& name) { return hosts.contains(name); });
  };
}

// Found once for a filter: it is asked of every job.
using TimeOf = std::optional<Time> (*)(const Job&);
TimeOf time_of(std::string_view name) {
  if (name == "t_submit") return [](const Job& job) -> std::optional<Time> { return job.t_submit; };
  if (name == "t_depend") return [](const Job& job) { return job.t_depend; };
  if (name == "t_sched") return [](const Job& job) { return job.t_sched; };
  if (name == "t_run") return [](const Job& job) { return job.t_run; };
  if (name == "t_cleanup") return [](const Job& job) { return job.t_cleanup; };
  return [](const Job& job) { return job.t_inactive; };
}

struct Comparison {
  std::string_view op;
  Time time = 0;
};

Result<std::vector<Comparison>> read_comparisons(std::string_view name, const json::array& values) {
  static constexpr std::array<std::string_view, 4> operators{">=", "<=", ">", "<"};
  auto strings = read_strings(name, values);
  if (!strings) return std::unexpected(strings.error());
  std::vector<Comparison> comparisons;
  for (const std::string& text : *strings) {
    const auto* const op =
        std::ranges::find_if(operators, [&](std::string_view o) { return text.starts_with(o); });
    if (op == operators.end()) return bad("no comparison operator specified in '{}'", text);
    Comparison comparison{.op = *op};
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + op->size(), last, comparison.time);
    if (error != std::errc{} || end != last || std::isnan(comparison.time))
      return bad("invalid timestamp value specified in '{}'", text);
    comparisons.push_back(comparison);
  }
  return comparisons;
}

// ">=123.4": any of the values may hold.
Result<JobFilter> by_time(std::string_view name, const json::array& values) {
  auto comparisons = read_comparisons(name, values);
  if (!comparisons) return std::unexpected(comparisons.error());
  return [comparisons = std::move(*comparisons), read = time_of(name)](const Job& job) {
    const std::optional<Time> time = read(job);
    return time && std::ranges::any_of(comparisons, [&](const Comparison& c) {
             const bool holds = c.op.front() == '>' ? *time > c.time : *time < c.time;
             return holds || (c.op.size() == 2 && *time == c.time);
           });
  };
}

Result<JobFilter> read(const json::value& constraint, int depth);

Result<JobFilter> combine(std::string_view operation, const json::array& values, int depth) {
  std::vector<JobFilter> parts;
  for (const json::value& value : values) {
    auto part = read(value, depth + 1);
    if (!part) return part;
    parts.push_back(std::move(*part));
  }
  if (operation == "or") {
    return [parts = std::move(parts)](const Job& job) {
      return parts.empty() || std::ranges::any_of(parts, [&](const JobFilter& part) { return part(job); });
    };
  }
  return [parts = std::move(parts), negate = operation == "not"](const Job& job) {
    return std::ranges::all_of(parts, [&](const JobFilter& part) { return part(job); }) != negate;
  };
}

Result<JobFilter> read(const json::value& constraint, int depth) {
  if (depth > max_depth) return bad("constraint is nested too deeply");
  const json::object* object = constraint.if_object();
  if (object == nullptr) return bad("constraint must be JSON object");
  if (object->empty()) return [](const Job&) { return true; };
  if (object->size() != 1) return bad("constraint must only contain 1 element");
  const std::string_view op = object->begin()->key();
  const json::array* values = object->begin()->value().if_array();
  if (values == nullptr) return bad("operator {} values not an array", op);
  if (op == "and" || op == "or" || op == "not") return combine(op, *values, depth);
  if (op == "userid") return by_userid(*values);
  if (op == "name")
    return by_text(op, *values, [](const Job& job) -> const std::string& { return job.terms.request.name; });
  if (op == "queue")
    return by_text(op, *values, [](const Job& job) -> const std::string& { return job.terms.request.queue; });
  if (op == "ranks") return by_ranks(*values);
  if (op == "hostlist") return by_hosts(*values);
  if (op == "t_submit" || op == "t_depend" || op == "t_sched" || op == "t_run" || op == "t_cleanup" ||
      op == "t_inactive")
    return by_time(op, *values);
  if (op != "states" && op != "results") return bad("unknown constraint operator: {}", op);
  const bool states = op == "states";
  const auto mask = states ? read_mask(op, *values, state_mask) : read_mask(op, *values, result_mask);
  if (!mask) return std::unexpected(mask.error());
  return [mask = *mask, states](const Job& job) {
    const auto bit =
        states ? static_cast<std::uint32_t>(job.state) : static_cast<std::uint32_t>(job.result());
    return (bit & mask) != 0;
  };
}

}  // namespace

std::uint32_t possible_states(const json::value& constraint) {
  constexpr std::uint32_t all = 127;
  const json::object* object = constraint.if_object();
  if (object == nullptr || object->size() != 1 || !object->begin()->value().is_array()) return all;
  const std::string_view op = object->begin()->key();
  const json::array& values = object->begin()->value().get_array();
  if (op == "states") return read_mask(op, values, state_mask).value_or(all);
  if (op != "and" && op != "or") return all;
  std::uint32_t states = op == "and" || values.empty() ? all : 0;
  for (const json::value& value : values)
    states = op == "and" ? states & possible_states(value) : states | possible_states(value);
  return states;
}

Time earliest_sched(const json::value& constraint) {
  const json::object* object = constraint.if_object();
  if (object == nullptr || object->size() != 1 || !object->begin()->value().is_array()) return 0;
  const std::string_view op = object->begin()->key();
  const json::array& values = object->begin()->value().get_array();
  Time earliest = 0;
  if (op == "t_sched") {
    const auto comparisons = read_comparisons(op, values);
    if (comparisons && comparisons->size() == 1 && comparisons->front().op.front() == '>')
      earliest = comparisons->front().time;
  } else if (op == "and") {
    for (const json::value& value : values)
      earliest = std::max(earliest, earliest_sched(value));
  }
  return earliest;
}

Result<JobFilter> read_filter(const json::value& constraint) {
  return read(constraint, 0);
}

}  // namespace fluxmetrics::simulate
