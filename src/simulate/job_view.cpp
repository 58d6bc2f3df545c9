#include "simulate/job_view.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>

#include "flux/hostlist.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

template <class T>
json::value shown(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value text(const std::string& value) {
  return value.empty() ? json::value(nullptr) : json::value(value);
}

struct Attribute {
  std::string_view name;
  json::value (*read)(const Job&);  // null: the job has no such attribute
};

constexpr auto attributes = std::to_array<Attribute>({
    {"userid", [](const Job& job) { return json::value(job.userid); }},
    {"urgency", [](const Job& job) { return json::value(job.urgency); }},
    {"priority", [](const Job& job) { return shown(job.priority); }},
    {"t_submit", [](const Job& job) { return json::value(job.t_submit); }},
    {"t_depend", [](const Job& job) { return shown(job.t_depend); }},
    {"t_priority", [](const Job& job) { return shown(job.t_priority); }},
    {"t_sched", [](const Job& job) { return shown(job.t_sched); }},
    {"t_run", [](const Job& job) { return shown(job.t_run); }},
    {"t_cleanup", [](const Job& job) { return shown(job.t_cleanup); }},
    {"t_inactive", [](const Job& job) { return shown(job.t_inactive); }},
    {"state", [](const Job& job) { return json::value(static_cast<std::uint32_t>(job.state)); }},
    {"name", [](const Job& job) { return text(job.terms.request.name); }},
    {"cwd", [](const Job& job) { return shown(job.terms.cwd); }},
    {"queue", [](const Job& job) { return text(job.terms.request.queue); }},
    {"project", [](const Job& job) { return shown(job.terms.project); }},
    {"bank", [](const Job& job) { return shown(job.terms.bank); }},
    {"ntasks", [](const Job& job) { return shown(job.terms.ntasks); }},
    {"ncores", [](const Job& job) { return shown(job.terms.ncores); }},
    {"duration", [](const Job& job) { return json::value(job.terms.request.duration); }},
    {"nnodes", [](const Job& job) { return shown(job.terms.nnodes); }},
    {"ranks", [](const Job& job) { return text(bracketed(job.ranks)); }},
    {"nodelist",
     [](const Job& job) { return job.R ? json::value(job.R->nodelist.front()) : json::value(nullptr); }},
    {"success", [](const Job& job) { return job.active() ? json::value(nullptr) : json::value(job.success()); }},
    {"exception_occurred",
     [](const Job& job) { return job.active() ? json::value(nullptr) : json::value(job.exception.has_value()); }},
    {"exception_type",
     [](const Job& job) {
       return job.active() || !job.exception ? json::value(nullptr) : json::value(job.exception->type);
     }},
    {"exception_severity",
     [](const Job& job) {
       return job.active() || !job.exception ? json::value(nullptr) : json::value(job.exception->severity);
     }},
    {"exception_note",
     [](const Job& job) {
       return job.active() || !job.exception ? json::value(nullptr) : json::value(job.exception->note);
     }},
    {"result",
     [](const Job& job) {
       return job.active() ? json::value(nullptr) : json::value(static_cast<std::uint32_t>(job.result()));
     }},
    {"expiration", [](const Job& job) { return job.R ? json::value(job.R->expiration) : json::value(nullptr); }},
    {"annotations",
     [](const Job& job) { return job.annotations.empty() ? json::value(nullptr) : json::value(job.annotations); }},
    {"waitstatus", [](const Job& job) { return shown(job.waitstatus); }},
    {"dependencies",
     [](const Job& job) {
       return job.terms.dependencies.empty() && job.terms.begin_times.empty()
                  ? json::value(nullptr)
                  : json::value(json::array(job.terms.dependencies.begin(), job.terms.dependencies.end()));
     }},
});

bool running(const Job& job) {
  return job.state == flux::JobState::run || job.state == flux::JobState::cleanup;
}

// Ascending order of this key is job-list's order.
std::tuple<int, double, flux::JobId> list_key(const Job& job) {
  if (!job.active()) return {2, -*job.t_inactive, -job.id};
  if (running(job)) return {1, -job.t_run.value_or(job.t_cleanup.value_or(0)), -job.id};
  return {0, -static_cast<double>(job.priority.value_or(0)), job.id};
}

}  // namespace

Result<JobView> JobView::of(const json::array& attrs) {
  JobView view;
  for (const json::value& attr : attrs) {
    if (!attr.is_string()) return fail_errno(Code::invalid, EINVAL, "attr has no string value");
    const std::string_view name = attr.get_string();
    if (name == "all") {
      view.attrs_.clear();
      for (std::size_t i = 0; i < attributes.size(); ++i)
        view.attrs_.push_back(i);
      return view;
    }
    const auto* const found = std::ranges::find(attributes, name, &Attribute::name);
    if (found == attributes.end())
      return fail_errno(Code::invalid, EINVAL, "{} is not a valid attribute", name);
    view.attrs_.push_back(static_cast<std::size_t>(found - attributes.begin()));
  }
  return view;
}

json::object JobView::show(const Job& job) const {
  json::object shown{{"id", job.id}};
  for (const std::size_t index : attrs_) {
    json::value value = attributes[index].read(job);
    if (!value.is_null()) shown[attributes[index].name] = std::move(value);
  }
  return shown;
}

json::array all_attributes() {
  json::array names;
  for (const Attribute& attribute : attributes)
    names.emplace_back(attribute.name);
  names.emplace_back("all");
  return names;
}

std::vector<const Job*> in_list_order(const Jobs& jobs, std::uint32_t states, Time earliest_sched,
                                      const JobFilter& passes) {
  constexpr std::array<std::uint32_t, 3> list_states{flux::states_pending, flux::states_running,
                                                     static_cast<std::uint32_t>(flux::JobState::inactive)};
  std::vector<std::pair<std::tuple<int, double, flux::JobId>, const Job*>> keyed;
  const auto take = [&](const Job* job) {
    if (passes(*job)) keyed.emplace_back(list_key(*job), job);
  };
  for (std::size_t i = 0; i < list_states.size(); ++i) {
    if ((states & list_states.at(i)) == 0) continue;
    if (i == 0 && earliest_sched > 0) {
      const auto& arrivals = jobs.arrivals();
      for (auto at = arrivals.lower_bound({earliest_sched, 0}); at != arrivals.end(); ++at)
        take(jobs.find(at->second));
      continue;
    }
    for (const auto& [id, job] : jobs.lists().at(i))
      take(job);
  }
  std::ranges::sort(keyed);
  std::vector<const Job*> ordered;
  ordered.reserve(keyed.size());
  for (const auto& [key, job] : keyed)
    ordered.push_back(job);
  return ordered;
}

}  // namespace fluxmetrics::simulate
