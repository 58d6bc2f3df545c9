// job-list's jobs: the attributes this program knows by name, the rest kept as they came.
#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "flux/fields.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

template <class T>
using RecordAttribute = std::pair<std::string_view, std::optional<T> JobRecord::*>;

constexpr std::array<RecordAttribute<std::int64_t>, 6> integers{{{"priority", &JobRecord::priority},
                                                                 {"urgency", &JobRecord::urgency},
                                                                 {"userid", &JobRecord::userid},
                                                                 {"ntasks", &JobRecord::ntasks},
                                                                 {"ncores", &JobRecord::ncores},
                                                                 {"nnodes", &JobRecord::nnodes}}};
constexpr std::array<RecordAttribute<double>, 9> numbers{{{"t_submit", &JobRecord::t_submit},
                                                          {"t_depend", &JobRecord::t_depend},
                                                          {"t_priority", &JobRecord::t_priority},
                                                          {"t_sched", &JobRecord::t_sched},
                                                          {"t_run", &JobRecord::t_run},
                                                          {"t_cleanup", &JobRecord::t_cleanup},
                                                          {"t_inactive", &JobRecord::t_inactive},
                                                          {"duration", &JobRecord::duration},
                                                          {"expiration", &JobRecord::expiration}}};
constexpr std::array<RecordAttribute<std::string>, 5> texts{{{"name", &JobRecord::name},
                                                             {"queue", &JobRecord::queue},
                                                             {"ranks", &JobRecord::ranks},
                                                             {"nodelist", &JobRecord::nodelist},
                                                             {"cwd", &JobRecord::cwd}}};

template <class Table>
bool names(const Table& table, std::string_view key) {
  return std::ranges::any_of(table, [&](const auto& attribute) { return attribute.first == key; });
}

bool known(std::string_view key) {
  return key == "id" || key == "state" || key == "result" || key == "success" || names(integers, key) ||
         names(numbers, key) || names(texts, key);
}

template <class Table>
void write(const Table& table, const JobRecord& job, json::object& out) {
  for (const auto& [key, member] : table) {
    if (const auto& attribute = job.*member) out[key] = *attribute;
  }
}

}  // namespace

Result<JobRecord> JobRecord::from_json(const json::value& value) {
  Fields in(value, "job");
  JobRecord job;
  const auto id = in.integer("id");
  const auto state_number = in.integer("state");
  for (const auto& [key, member] : integers)
    job.*member = in.integer(key);
  for (const auto& [key, member] : numbers)
    job.*member = in.number(key);
  for (const auto& [key, member] : texts)
    job.*member = in.text(key);
  job.success = in.boolean("success");
  job.result = in.unsigned32("result");
  if (!in.ok()) return in.error();
  if (!id) return fail(Code::protocol, "job: id is missing");
  job.id = *id;
  if (state_number) {
    const auto state = job_state_from(*state_number);
    if (!state) return fail(Code::protocol, "job: {}", state.error().message);
    job.state = *state;
  }
  for (const auto& [key, attribute] : value.get_object()) {
    if (!known(key)) job.other[key] = attribute;
  }
  return job;
}

json::value JobRecord::to_json() const {
  json::object out = other;
  out["id"] = id;
  if (state) out["state"] = static_cast<std::uint32_t>(*state);
  if (result) out["result"] = *result;
  if (success) out["success"] = *success;
  write(integers, *this, out);
  write(numbers, *this, out);
  write(texts, *this, out);
  return out;
}

Result<std::vector<JobRecord>> job_list_from_json(const json::value& value) {
  Fields in(value, "job-list.list");
  const auto* items = in.array("jobs");
  if (!in.ok()) return in.error();
  if (items == nullptr) return fail(Code::protocol, "job-list.list: jobs is missing");
  std::vector<JobRecord> jobs;
  jobs.reserve(items->size());
  for (const auto& item : *items) {
    auto job = JobRecord::from_json(item);
    if (!job) return std::unexpected(job.error());
    jobs.push_back(*std::move(job));
  }
  return jobs;
}

}  // namespace fluxmetrics::flux
