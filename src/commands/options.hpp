// The options of every subcommand, as plain values: cli*.cpp fill them, one file a subcommand reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "hpa/kubernetes_version.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::commands {

// Exit codes of every command.
inline constexpr int exit_fine = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_misused = 2;

struct StartOptions {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8443;
  std::string namespace_ = "flux-operator";
  std::string service_name = "custom-metrics-apiserver";
  std::string minicluster;
  std::string ssl_certfile, ssl_keyfile;
  std::string cert_dir;
  std::string api_path;
  std::vector<std::string> custom_metrics;  // files
  bool forward_cluster_apis = false;
  bool no_cache = false;
  std::size_t most_waiting = 400;
  Seconds request_timeout{60};
  bool verbose = false;
  bool insecure_http = false;
  bool insecure_skip_auth = false;
  std::string kubeconfig;
  std::string authentication_kubeconfig;
  std::string authorization_kubeconfig;
  Seconds token_ttl{10};
  Seconds allowed_ttl{10};
  Seconds denied_ttl{10};
  std::optional<std::string> flux_uri;
  Seconds max_staleness{30};
  std::optional<Seconds> shutdown_delay;  // nullopt: some in a cluster, none elsewhere
  sizing::SizePolicy policy;
};

struct ExporterOptions {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8080;
  bool verbose = false;
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;
  Seconds max_staleness{30};
  sizing::SizePolicy policy;
};

struct GetOptions {
  std::vector<std::string> metrics;         // empty = all
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;
  std::string output = "table";  // table, json, yaml or markdown
  bool catalogue = false;        // what metrics there are, instead of their values
  bool watch = false;
  bool state = false;  // the instance's state instead of its metrics
  std::string record;  // append a line a snapshot to this file
  Seconds timeout{10};
  sizing::SizePolicy policy;
};

struct SimulateOptions {
  std::uint32_t size = 2;                 // ranks online at the start: 0..size-1
  std::optional<std::uint32_t> max_size;  // the size attribute; 4, or the size when that is more
  std::uint32_t cores = 4;                // per rank
  std::uint32_t gpus = 0;
  std::uint32_t pending = 0;
  std::uint32_t running = 0;
  std::string socket;  // "" = a new one below the temporary directory
  double speed = 1;
  std::string trace;                // file of JSON lines
  std::vector<std::string> queues;  // NAME or NAME=RANKS; configured queues start stopped, as Flux's do
  std::string as_version;           // "0.53"; "" = the newest
  bool as_guest = false;
  bool private_mode = false;
  bool no_scheduler = false;
  std::string scheduler = "simple";         // or "fluxion", whose the next three are
  std::vector<std::string> queue_policies;  // POLICY or QUEUE=POLICY
  std::string match_policy;
  std::string prune_filters;
  bool discovery = false;
  std::uint32_t quorum = 0;
  std::string exclude;  // an idset
  std::string parent_uri;
};

struct SimulateCtlOptions {
  std::optional<std::string> flux_uri;
  std::string action;  // online, offline, torpid, lively, submit, cancel, purge, drain, undrain, queue,
                       // scheduler, shutdown, clock
  std::string ranks;
  bool lost = false;         // offline
  std::string reason;        // drain
  std::string job_id;        // cancel
  std::uint32_t keep = 0;    // purge
  std::string queue_action;  // queue: start or stop; scheduler: load or unload
  std::string queue_name;    // "" = all
  bool all_queues = false;
  std::optional<std::uint32_t> nodes;
  std::optional<std::uint32_t> slots;
  std::uint32_t cores = 1;
  std::uint32_t gpus = 0;
  bool exclusive = false;
  std::string duration;
  std::string queue;
  std::uint32_t urgency = 16;
  std::uint32_t copies = 1;
};

struct DemoOptions {
  std::string inject;  // "", "server-refused" or "job-killed": faults that must make the demo fail
  bool plain = false;  // plain lines even on a terminal
};

struct ExplainOptions {
  std::string hpa;                          // a file, "-", or with namespace_ the name of an HPA in a cluster
  std::string namespace_;                   // "" = a file
  std::string kubeconfig;                   // "" = the pod's service account
  std::vector<std::string> metrics;         // NAME=VALUE
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;      // where values come from that are not given
  std::optional<std::int32_t> replicas;     // spec.replicas of the target
  std::optional<std::int32_t> status;       // status.replicas
  std::optional<std::int32_t> ready;        // ready pods
  std::optional<std::int32_t> max_size;     // spec.maxSize of the MiniCluster
  // nullopt: the cluster's own, of a file the newest.
  std::optional<hpa::KubernetesVersion> kubernetes_version;
  Seconds span{600};            // how far to look ahead
  Seconds timeout{10};          // for the broker
  std::string output = "text";  // text, json or yaml
  bool fix = false;             // print the corrected HPA instead
};

struct PlanOptions {
  std::string vectors;                  // file of recorded decisions to compare with; "-" = standard input
  std::string trace;                    // file of jobs
  std::string workload;                 // instead of a trace: daily or burst
  std::vector<std::string> strategies;  // by name; empty = all
  std::uint32_t min = 2;                // nodes
  std::uint32_t max = 64;
  std::uint32_t cores = 8;  // a node
  std::uint64_t seed = 1;
  Seconds period{15.02};
  Seconds hold{60};
  Seconds patience{60};
  std::optional<hpa::KubernetesVersion> kubernetes_version;
  std::string plots;             // directory for SVG files
  std::string theme = "auto";    // of the plots: auto, light or dark
  std::string output = "table";  // table, json or csv
};

struct RecordOptions {
  std::string out = "-";                // a new file; "-" = standard output
  std::optional<std::string> flux_uri;  // the instance
  std::optional<Seconds> duration;      // none: until a signal comes
  std::uint64_t jobs = 0;               // end after so many have ended; 0 = any number
  Seconds interval{1};                  // between two looks
};

struct PlotOptions {
  std::string file;       // of plan -o json, get --record or the node-scaling experiment
  std::string out = ".";  // directory
  std::string theme = "auto";
  bool no_outliers = false;
};

int run_start(const StartOptions& options);
int run_exporter(const ExporterOptions& options);
int run_get(const GetOptions& options);
int run_simulate(const SimulateOptions& options);
int run_simulate_ctl(const SimulateCtlOptions& options);
int run_demo(const DemoOptions& options);
int run_explain(const ExplainOptions& options);
int run_plan(const PlanOptions& options);
int run_plan_record(const RecordOptions& options);
int run_plot(const PlotOptions& options);

}  // namespace fluxmetrics::commands
