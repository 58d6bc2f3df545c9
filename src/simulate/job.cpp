#include "simulate/job.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/json_members.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

bool has_slot(const json::value& resources) {
  const json::array* vertices = resources.if_array();
  return vertices != nullptr && std::ranges::any_of(*vertices, [](const json::value& vertex) {
           const json::value* with = value_at(vertex.if_object(), "with");
           return text_at(vertex.if_object(), "type") == "slot" || (with != nullptr && has_slot(*with));
         });
}

// attributes.system, or an empty object.
const json::object& system_of(const json::object& jobspec) {
  static const json::object none;
  const json::object* system = object_at(object_at(&jobspec, "attributes"), "system");
  return system == nullptr ? none : *system;
}

// Null when there is none.
const json::object* first_task(const json::object& jobspec) {
  const json::array* tasks = array_at(&jobspec, "tasks");
  return tasks == nullptr || tasks->empty() ? nullptr : tasks->front().if_object();
}

std::uint32_t count_tasks(const json::object& jobspec, const flux::Shape& shape) {
  const std::uint32_t nodes = shape.nodes.value_or(1);
  const std::uint32_t slots = nodes * shape.slots;
  // Per-resource tasks: so many on each node, or on each core.
  const json::object* options = object_at(object_at(&system_of(jobspec), "shell"), "options");
  const json::object* per = object_at(options, "per-resource");
  if (per != nullptr) {
    const auto count = static_cast<std::uint32_t>(number_at(per, "count").value_or(1));
    return text_at(per, "type") == "node" ? nodes * count : slots * shape.cores * count;
  }
  const json::object* count = object_at(first_task(jobspec), "count");
  if (const auto total = number_at(count, "total")) return static_cast<std::uint32_t>(*total);
  return slots * static_cast<std::uint32_t>(number_at(count, "per_slot").value_or(1));
}

// Flux names a job after its program when nobody does.
std::string program_name(const json::object& jobspec) {
  const json::array* command = array_at(first_task(jobspec), "command");
  if (command == nullptr || command->empty()) return "";
  const json::value& first = command->front();
  if (!first.is_string()) return "";
  const std::string path(first.get_string());
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0: a plain name
}

Result<void> read_dependencies(JobTerms& terms, const json::value& list) {
  const json::array* entries = list.if_array();
  if (entries == nullptr) return fail_errno(Code::invalid, EINVAL, "dependencies must be an array");
  for (const json::value& entry : *entries) {
    const json::object* object = entry.if_object();
    if (object == nullptr) return fail_errno(Code::invalid, EINVAL, "a dependency must be an object");
    const std::string_view scheme = text_at(object, "scheme").value_or("");
    const std::string_view value = text_at(object, "value").value_or("");
    double time = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), time);
    if (scheme != "begin-time")
      return fail_errno(Code::invalid, EINVAL, "dependency scheme \"{}\" not supported", scheme);
    if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(time))
      return fail_errno(Code::invalid, EINVAL, "invalid begin-time value '{}'", value);
    terms.begin_times.push_back(time);
    terms.dependencies.push_back(fmt::format("begin-time={:.3f}", time));
  }
  return {};
}

}  // namespace

Result<JobTerms> read_terms(const json::object& jobspec) {
  const json::value* resources = jobspec.if_contains("resources");
  if (resources == nullptr || jobspec.if_contains("tasks") == nullptr ||
      jobspec.if_contains("attributes") == nullptr)
    return fail_errno(Code::invalid, EPERM, "invalid jobspec: resources, tasks and attributes are required");
  if (!has_slot(*resources)) return fail_errno(Code::invalid, EINVAL, "Unable to determine slot count");
  auto request = flux::parse_jobspec(jobspec);
  if (request.fault) return fail_errno(Code::invalid, EINVAL, "{}", request.fault->message);

  JobTerms terms;
  terms.request = std::move(request);
  const flux::Shape& shape = terms.request.shape;
  const json::object& system = system_of(jobspec);
  terms.cwd = text_at(&system, "cwd");
  terms.project = text_at(&system, "project");
  terms.bank = text_at(&system, "bank");
  if (terms.request.name.empty()) terms.request.name = program_name(jobspec);
  terms.ntasks = count_tasks(jobspec, shape);
  terms.nnodes = shape.nodes;
  if (!shape.exclusive) terms.ncores = shape.nodes.value_or(1) * shape.slots * shape.cores;
  terms.run_time = terms.request.duration;
  if (const json::object* simulate = object_at(&system, "simulate")) {
    terms.run_time = std::max(0.0, number_at(simulate, "runtime").value_or(terms.run_time));
    terms.status = (static_cast<std::uint32_t>(number_at(simulate, "exit").value_or(0)) & 0xffU) << 8U;
  }
  if (const json::value* dependencies = system.if_contains("dependencies"))
    if (auto read = read_dependencies(terms, *dependencies); !read) return std::unexpected(read.error());
  return terms;
}

flux::JobResult Job::result() const {
  if (active()) return flux::JobResult::none;
  if (success()) return flux::JobResult::completed;
  if (fatal() && exception->type == "cancel") return flux::JobResult::canceled;
  if (fatal() && exception->type == "timeout") return flux::JobResult::timeout;
  return flux::JobResult::failed;
}

json::object without_environment(const json::object& jobspec) {
  json::object copy = jobspec;
  if (json::value* attributes = copy.if_contains("attributes");
      attributes != nullptr && attributes->is_object())
    if (json::value* system = attributes->get_object().if_contains("system");
        system != nullptr && system->is_object())
      system->get_object().erase("environment");
  return copy;
}

json::value R_of(const Job& job) {
  json::value shown = job.R->to_json();
  if (!job.R->nslots) whole_seconds(shown);
  return shown;
}

std::string eventlog_text(const std::vector<flux::Event>& events) {
  std::string text;
  for (const flux::Event& event : events)
    text += json::serialize(event.to_json()) + "\n";
  return text;
}

}  // namespace fluxmetrics::simulate
