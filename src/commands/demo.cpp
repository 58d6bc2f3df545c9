#include "commands/demo.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

#include <boost/json.hpp>

#include "api/api.hpp"
#include "base/log.hpp"
#include "commands/demo_cluster.hpp"
#include "commands/demo_view.hpp"
#include "commands/output.hpp"
#include "flux/blocking_client.hpp"
#include "flux/job_stats.hpp"
#include "http/server.hpp"
#include "server/pipeline.hpp"
#include "simulate/job_request.hpp"
#include "simulate/server.hpp"

namespace fluxmetrics::commands {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

// Everything is compressed about twelvefold: a real sync is 15 s, a real node takes half a minute.
constexpr auto sync_every = 1s;
constexpr auto pod_start = 2500ms;
constexpr auto pod_grace = 2500ms;
constexpr auto shrink_every = 1s;
constexpr auto hold = 2s;
constexpr auto tick = 100ms;
constexpr auto give_up_after = 40s;
constexpr int syncs_that_may_fail = 5;

struct DemoJob {
  Seconds at;
  std::uint32_t nodes;
  double duration;
};
constexpr std::array workload{DemoJob{Seconds(0.5), 1, 5}, DemoJob{Seconds(1.0), 1, 5},
                              DemoJob{Seconds(3.0), 4, 6}, DemoJob{Seconds(3.5), 1, 3},
                              DemoJob{Seconds(4.0), 1, 3}};

Result<json::value> submit_payload(const DemoJob& job) {
  simulate::JobRequest request;
  request.nodes = job.nodes;
  request.exclusive = true;
  request.duration = job.duration;
  const auto jobspec = simulate::make_jobspec(request);
  if (!jobspec) return std::unexpected(jobspec.error());
  return json::object{{"J", simulate::wrap_unsigned(getuid(), json::serialize(*jobspec))},
                      {"urgency", request.urgency},
                      {"flags", 0}};
}

// A directory that goes with its owner.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flux-metrics-api-demo.XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The HTTP server on a thread of its own, as `start` would serve.
class ServerThread {
 public:
  ServerThread(api::Api& api, std::string cert_dir)
      : server_(
            {.host = "127.0.0.1",
             .port = 0,
             .certificate = {.cert_file = {}, .key_file = {}, .cert_dir = std::move(cert_dir), .names = {}}},
            api) {}
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;
  ~ServerThread() { stop(); }
  [[nodiscard]] Result<std::uint16_t> start() {
    if (auto listening = server_.listen(); !listening) return std::unexpected(listening.error());
    const auto port = server_.port();
    thread_ = std::thread([this] { server_.run(false); });
    return port;
  }
  void stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

 private:
  http::Server server_;
  std::thread thread_;
};

struct Outcome {
  std::int64_t successful = 0;
  std::int64_t unsuccessful = 0;
};

// The loop that a cluster runs: submit, autoscale, start pods, until all is done and given back.
class Demo {
 public:
  Demo(const DemoOptions& options, flux::BlockingClient& broker, const metrics::Store& store,
       ServerThread& server, DemoAutoscaler autoscaler, DemoCluster& cluster, DemoView& view)
      : options_(options),
        broker_(broker),
        store_(store),
        server_(server),
        autoscaler_(std::move(autoscaler)),
        view_(view),
        cluster_(cluster) {}

  // Errors: the sentence that the demo ends with.
  [[nodiscard]] Result<void> run() {
    began_ = MonoTime::clock::now();
    auto next_sync = began_;
    if (options_.inject == "server-refused") server_.stop();
    for (;;) {
      const auto now = MonoTime::clock::now();
      if (auto done = submit_due(now); !done) return done;
      if (auto done = cluster_.advance(now); !done) return done;
      if (now >= next_sync) {
        if (auto done = synchronise(now); !done) return done;
        next_sync = now + sync_every;
      }
      if (auto done = inject_kill(); !done) return done;
      tell_drains();
      if (const auto seen = store_.view().snapshot; seen != nullptr) {
        view_.draw(*seen->state, cluster_.size(), wanted_);
      }
      const auto ended = finished();
      if (!ended) return std::unexpected(ended.error());
      if (*ended) return {};
      if (now - began_ > give_up_after)
        return fail(Code::timed_out, "not done after {} s", give_up_after.count());
      std::this_thread::sleep_for(tick);
    }
  }

  [[nodiscard]] std::string sizes() const {
    std::string text;
    for (const auto size : cluster_.sizes())
      text += fmt::format("{}{}", text.empty() ? "" : " -> ", size);
    return text;
  }

  [[nodiscard]] Result<Outcome> outcome() {
    const auto reply = broker_.rpc("job-list.job-stats", json::object{});
    if (!reply) return std::unexpected(reply.error());
    const auto stats = flux::JobStats::from_json(*reply);
    if (!stats) return std::unexpected(stats.error());
    return Outcome{.successful = stats->all.successful,
                   .unsuccessful = stats->all.failed + stats->all.canceled + stats->all.timeout};
  }

 private:
  Result<void> submit_due(MonoTime now) {
    while (submitted_ < workload.size() && now - began_ >= workload[submitted_].at) {
      const auto& job = workload[submitted_];
      const auto payload = submit_payload(job);
      if (!payload) return std::unexpected(payload.error());
      const auto id = broker_.rpc("job-ingest.submit", *payload);
      if (!id) return std::unexpected(id.error());
      ++submitted_;
      view_.tell(fmt::format("job {} asks for {} node{} for {:g} s", submitted_, job.nodes,
                             job.nodes == 1 ? "" : "s", job.duration));
    }
    return {};
  }

  // What the server does by itself; that ranks without a pod are drained is not worth a line.
  void tell_drains() {
    const auto draining = store_.view().draining;
    const auto drained = draining ? draining->ranks : flux::IdSet{};
    const auto here = flux::IdSet::range(0, cluster_.size() - 1);
    if (const auto leaving = (drained - drained_) & here; !leaving.empty())
      view_.tell(fmt::format("draining {} before giving them back", ranks_text(leaving)));
    if (const auto back = (drained_ - drained) & here; !back.empty())
      view_.tell(fmt::format("{} take jobs", ranks_text(back)));
    drained_ = drained;
  }

  Result<void> synchronise(MonoTime now) {
    const auto desired = autoscaler_.desired(cluster_.size(), now);
    if (!desired) {
      // As the HPA: on an error the size stays.
      view_.tell(fmt::format("the autoscaler got no metrics: {}", desired.error().message));
      if (++failed_syncs_ >= syncs_that_may_fail) return std::unexpected(desired.error());
      return {};
    }
    failed_syncs_ = 0;
    tell_drains();
    if (*desired != wanted_) view_.tell(fmt::format("node_wanted_count over https: {}", *desired));
    wanted_ = *desired;
    if (auto scaled = cluster_.scale(*desired, now); !scaled) return scaled;
    return {};
  }

  // --inject job-killed: the node under the big job dies.
  Result<void> inject_kill() {
    if (options_.inject != "job-killed" || killed_ || cluster_.pods() < DemoAutoscaler::max_replicas)
      return {};
    const auto seen = store_.view().snapshot;
    const auto top = DemoAutoscaler::max_replicas - 1;
    if (seen == nullptr || seen->state->allocated.on_rank(top).cores == 0) return {};
    killed_ = true;
    view_.tell(fmt::format("rank {} is killed while its job runs (--inject job-killed)", top));
    const auto lost =
        broker_.rpc("simulate.offline", json::object{{"ranks", std::to_string(top)}, {"how", "lost"}});
    if (!lost) return std::unexpected(lost.error());
    return {};
  }

  // All jobs have ended and the nodes are given back.
  Result<bool> finished() {
    if (submitted_ < workload.size()) return false;
    const auto now = outcome();
    if (!now) return std::unexpected(now.error());
    const auto ended = now->successful + now->unsuccessful;
    if (ended > reported_) view_.tell(fmt::format("{} of {} jobs have ended", ended, workload.size()));
    reported_ = ended;
    return std::cmp_equal(ended, workload.size()) && cluster_.size() == DemoAutoscaler::min_replicas;
  }

  const DemoOptions& options_;
  flux::BlockingClient& broker_;
  const metrics::Store& store_;
  ServerThread& server_;
  DemoAutoscaler autoscaler_;
  DemoView& view_;
  DemoCluster& cluster_;
  MonoTime began_{};
  std::size_t submitted_ = 0;
  std::uint32_t wanted_ = DemoAutoscaler::min_replicas;
  std::int64_t reported_ = 0;
  flux::IdSet drained_;  // by the server, as last seen
  int failed_syncs_ = 0;
  bool killed_ = false;
};

boost::asio::awaitable<Result<autoscale::ClusterLook>> look_at(const DemoCluster& cluster) {
  co_return cluster.look();
}

// Until there is a size to read; the autoscaler bears it when there is none.
void await_wanted(const metrics::Store& store) {
  for (int i = 0; i < 500; ++i) {
    if (const auto seen = store.view().snapshot; seen && seen->wanted) return;
    std::this_thread::sleep_for(10ms);
  }
}

int failed(DemoView& view, const std::string& why) {
  view.close(fmt::format("demo failed: {}", why));
  return exit_failed;
}

}  // namespace

void add_demo(Command& program) {
  auto options = std::make_shared<DemoOptions>();
  auto command =
      program.add_command("demo", "Watch a simulated MiniCluster follow its queue: 2 -> 4 -> 2 nodes");
  command.footer(
      "Example:\n  flux-metrics-api demo\nIt needs neither Flux nor Kubernetes and ends by itself in under "
      "45 seconds.");
  command.flag("--plain", options->plain, "Plain lines, also on a terminal");
  command
      .option("--inject", options->inject,
              "Break something, to see that the demo notices: server-refused or job-killed")
      .one_of({"server-refused", "job-killed"});
  command.runs([options] { return run_demo(*options); });
}

int run_demo(const DemoOptions& options) {
  if (!log::enabled(log::Level::debug)) log::set_level(log::Level::error);
  DemoView view(!options.plain && isatty(STDOUT_FILENO) == 1, MonoTime::clock::now());
  const ScratchDirectory scratch;
  if (scratch.path().empty()) return failed(view, "cannot make a temporary directory");

  simulate::Server instance({.size = DemoAutoscaler::min_replicas,
                             .max_size = DemoAutoscaler::max_replicas,
                             .cores = 4,
                             .pod_grace = Seconds(pod_grace).count(),
                             .socket = scratch.path() / "flux"});
  if (const auto started = instance.start(); !started) return failed(view, started.error().message);
  auto broker = flux::BlockingClient::connect(instance.socket_path());
  if (!broker) return failed(view, broker.error().message);

  DemoCluster cluster(**broker, DemoAutoscaler::min_replicas,
                      {.pod_start = Seconds(pod_start), .pod_grace = Seconds(pod_grace)},
                      [&view](const std::string& text) { view.tell(text); });
  // As `start --drain --min-replicas 2 --max-replicas 4` would.
  server::Pipeline pipeline({.socket_paths = {instance.socket_path()}, .named = true},
                            {.hold = Seconds(hold),
                             .patience = Seconds(0),
                             .min_replicas = DemoAutoscaler::min_replicas,
                             .max_replicas = DemoAutoscaler::max_replicas},
                            Seconds(30));
  pipeline.drain({.min = DemoAutoscaler::min_replicas,
                  .max = DemoAutoscaler::max_replicas,
                  .hold = Seconds(hold),
                  .shrink_every = Seconds(shrink_every)},
                 {.look = [&cluster] { return look_at(cluster); }}, Seconds(0));
  pipeline.start();
  api::Api api({}, pipeline.store());
  ServerThread server(api, scratch.path());
  const auto port = server.start();
  if (!port) return failed(view, port.error().message);
  await_wanted(pipeline.store());
  view.tell(
      fmt::format("a simulated instance of 2 of at most 4 nodes; metrics at https://localhost:{}", *port));

  const auto url = fmt::format(
      "https://localhost:{}/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/"
      "custom-metrics-apiserver/node_wanted_count",
      *port);
  Demo demo(options, **broker, pipeline.store(), server, DemoAutoscaler(url, scratch.path() / "tls.crt"),
            cluster, view);
  const auto done = demo.run();
  const auto outcome = demo.outcome();
  if (!done) return failed(view, fmt::format("{} (size {})", done.error().message, demo.sizes()));
  if (!outcome) return failed(view, outcome.error().message);
  if (outcome->unsuccessful > 0) {
    return failed(view, fmt::format("{} of {} jobs did not end well (size {})", outcome->unsuccessful,
                                    workload.size(), demo.sizes()));
  }
  if (demo.sizes() != "2 -> 4 -> 2")
    return failed(view, fmt::format("the size went {}, not 2 -> 4 -> 2", demo.sizes()));
  view.close(fmt::format("demo: the size went {}; all {} jobs ended well and none was killed", demo.sizes(),
                         workload.size()));
  return exit_fine;
}

}  // namespace fluxmetrics::commands
