#include "api/own_metrics.hpp"

#include <string>

#include "api/freshness.hpp"
#include "base/process.hpp"
#include "metrics/condition.hpp"

namespace fluxmetrics::api {
namespace {

using enum metrics::ExposedType;
using metrics::Exposed;

// What a label says of where a request went.
std::string_view route_name(Route::Kind kind) {
  switch (kind) {
    case Route::Kind::index:
      return "index";
    case Route::Kind::health:
      return "health";
    case Route::Kind::prometheus:
      return "prometheus";
    case Route::Kind::document:
      return "discovery";
    case Route::Kind::metric:
      return "metric";
    case Route::Kind::external_metric:
      return "external";
    case Route::Kind::subtree:
      return "agent";
    default:
      return "other";
  }
}

enum Family : std::size_t {
  build_info,
  fresh_data,
  condition,
  snapshot_age,
  snapshots,
  returns,
  broker_share,
  full_list,
  kept_jobs,
  journal,
  rpc_seconds,
  rpc_errors,
  drained_ranks,
  undrained_ranks,
  refused_shrinks,
  until_idle,
  requests,
  request_seconds,
  cpu,
  resident,
  virtual_memory,
  open_files,
  max_files,
  start_time,
};

const std::vector<Exposed>& own() {
  static const std::vector<Exposed> families{
      {.name = "flux_metrics_build_info", .type = info, .help = "This program.", .labels = {"version"}},
      {.name = "flux_metrics_up",
       .help = "Whether there are values to serve: 1, or 0 when Flux has been silent too long."},
      {.name = "flux_metrics_instance_state",
       .help = "The state of the instance: 1 for the one it is in, 0 for the others.",
       .labels = {"state"}},
      {.name = "flux_metrics_snapshot_age_seconds",
       .help = "How long ago the broker confirmed what is served."},
      {.name = "flux_metrics_snapshots_total",
       .type = counter,
       .help = "How often the broker has confirmed what is served."},
      {.name = "flux_metrics_returns_total",
       .type = counter,
       .help = "How often the broker came back after it had been gone, silent or ending."},
      {.name = "flux_metrics_broker_time_ratio",
       .help = "At most this fraction of the broker's time went into this program's queries over the last "
               "minute."},
      {.name = "flux_metrics_full_list_seconds",
       .help = "How long the last full list of jobs took; 0 when the events journal replaces it."},
      {.name = "flux_metrics_kept_jobs", .help = "Active jobs that this program keeps."},
      {.name = "flux_metrics_journal",
       .help = "Whether jobs come from the events journal: 1, or 0 when they are listed."},
      {.name = "flux_metrics_rpc_duration_seconds",
       .type = histogram,
       .help = "How long the broker took to answer, by topic.",
       .labels = {"topic"}},
      {.name = "flux_metrics_rpc_errors_total",
       .type = counter,
       .help = "Queries that the broker refused, or did not answer in time, by topic.",
       .labels = {"topic"}},
      {.name = "flux_metrics_drained_ranks_total",
       .type = counter,
       .help = "Ranks that this program drained, to give their nodes back (start --drain)."},
      {.name = "flux_metrics_undrained_ranks_total",
       .type = counter,
       .help = "Ranks that this program undrained, because their nodes are needed."},
      {.name = "flux_metrics_refused_shrinks_total",
       .type = counter,
       .help = "How often a smaller node_wanted_count had to wait for what runs on the drained ranks."},
      {.name = "flux_metrics_drain_idle_seconds",
       .type = histogram,
       .help = "From a rank's drain until nothing ran there any more."},
      {.name = "flux_metrics_http_requests_total",
       .type = counter,
       .help = "Requests answered, by route and status code.",
       .labels = {"route", "code"}},
      {.name = "flux_metrics_http_request_duration_seconds",
       .type = histogram,
       .help = "From having read a request to having its answer, including the cluster's access decision."},
      {.name = "process_cpu_seconds_total",
       .type = counter,
       .help = "Processor time that this process has used."},
      {.name = "process_resident_memory_bytes", .help = "Resident memory of this process."},
      {.name = "process_virtual_memory_bytes", .help = "Virtual memory of this process."},
      {.name = "process_open_fds", .help = "Open file descriptors of this process."},
      {.name = "process_max_fds", .help = "File descriptors that this process may have open."},
      {.name = "process_start_time_seconds", .help = "When this process started, in seconds since 1970."},
  };
  return families;
}

class Own {
 public:
  explicit Own(metrics::ExpositionWriter& writer) : writer_(writer) {}
  metrics::ExpositionWriter& begin(Family family) {
    writer_.begin(own()[family]);
    return writer_;
  }
  void single(Family family, double value) { begin(family).sample(value); }

 private:
  metrics::ExpositionWriter& writer_;
};

void expose_data(const metrics::View& view, bool fresh, MonoTime now, metrics::ExpositionWriter& writer) {
  Own out(writer);
  out.begin(build_info).sample(1, {{.name = "version", .value = FLUXMETRICS_VERSION}});
  out.single(fresh_data, fresh ? 1 : 0);
  out.begin(condition);
  const auto is = metrics::condition_of(view);
  for (const auto state : metrics::all_conditions)
    writer.sample(state == is ? 1 : 0, {{.name = "state", .value = metrics::to_string(state)}});
  if (const auto age = age_of(view, now)) out.single(snapshot_age, age->count());
  out.single(snapshots, view.snapshot ? static_cast<double>(view.snapshot->generation) : 0);
  out.single(returns, view.returns);
  out.single(broker_share, view.effort.share);
  out.single(full_list, view.effort.full_list.count());
  out.single(kept_jobs, static_cast<double>(view.effort.jobs));
  out.single(journal, view.effort.journal ? 1 : 0);
}

void expose_rpcs(const std::vector<instance::TopicTimes>& topics, metrics::ExpositionWriter& writer) {
  Own out(writer);
  out.begin(rpc_seconds);
  for (const auto& topic : topics) {
    const metrics::LabelView label{.name = "topic", .value = topic.topic};
    writer.histogram(topic.seconds, metrics::LabelViews(&label, 1));
  }
  out.begin(rpc_errors);
  for (const auto& topic : topics)
    writer.sample(static_cast<double>(topic.errors), {{.name = "topic", .value = topic.topic}});
}

void expose_draining(const metrics::Draining& draining, metrics::ExpositionWriter& writer) {
  Own out(writer);
  out.single(drained_ranks, static_cast<double>(draining.drained));
  out.single(undrained_ranks, static_cast<double>(draining.undrained));
  out.single(refused_shrinks, static_cast<double>(draining.refused_shrinks));
  out.begin(until_idle).histogram(draining.until_idle);
}

void expose_process(double began, metrics::ExpositionWriter& writer) {
  const auto use = read_process_use();
  Own out(writer);
  out.single(cpu, use.cpu_seconds);
  out.single(resident, static_cast<double>(use.resident_bytes));
  out.single(virtual_memory, static_cast<double>(use.virtual_bytes));
  out.single(open_files, static_cast<double>(use.open_files));
  out.single(max_files, static_cast<double>(use.max_files));
  out.single(start_time, began);
}

}  // namespace

OwnMetrics::OwnMetrics() : seconds_(bounds), began_(to_unix(std::chrono::system_clock::now())) {}

std::span<const Exposed> OwnMetrics::families() {
  return own();
}

void OwnMetrics::expose_requests(metrics::ExpositionWriter& writer) const {
  Own out(writer);
  out.begin(requests);
  // Several kinds of routes have one name: their sums, in the order of the names' first kinds.
  for (std::size_t kind = 0; kind < routes; ++kind) {
    const auto name = route_name(static_cast<Route::Kind>(kind));
    const auto same = [&](std::size_t other) { return route_name(static_cast<Route::Kind>(other)) == name; };
    std::size_t first = 0;
    while (!same(first))
      ++first;
    if (first != kind) continue;
    for (std::size_t status = 0; status < statuses.size(); ++status) {
      std::uint64_t number = 0;
      for (std::size_t other = kind; other < routes; ++other)
        if (same(other)) number += counts_[other][status];
      if (number == 0) continue;
      const auto code = statuses[status] == 0 ? std::string("other") : std::to_string(statuses[status]);
      writer.sample(static_cast<double>(number),
                    {{.name = "route", .value = name}, {.name = "code", .value = code}});
    }
  }
  out.begin(request_seconds).histogram(seconds_);
}

void OwnMetrics::expose(const metrics::View& view, bool fresh, const instance::RpcTimes::Shared& rpcs,
                        Now now, metrics::ExpositionWriter& writer) const {
  expose_data(view, fresh, now.mono, writer);
  if (rpcs) expose_rpcs(*rpcs, writer);
  expose_draining(view.draining ? *view.draining : metrics::Draining(), writer);
  expose_requests(writer);
  expose_process(began_, writer);
}

}  // namespace fluxmetrics::api
