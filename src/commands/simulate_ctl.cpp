#include "commands/simulate_ctl.hpp"

#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/clock.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "flux/blocking_client.hpp"
#include "flux/job.hpp"
#include "flux/payload.hpp"
#include "server/broker.hpp"
#include "simulate/job_request.hpp"

namespace fluxmetrics::commands {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

using Answer = Result<json::value>;

// Whoever steers an instance owns it: a simulated one that treats clients as guests wants to be told so.
constexpr flux::RpcOptions as_owner{.rolemask = 5};

// A request that only simulated brokers know.
Answer steer(flux::BlockingClient& client, const std::string& topic, const json::value& request) {
  Answer answer = client.rpc(topic, request, as_owner);
  if (answer || answer.error().code != Code::unsupported) return answer;
  return fail(
      Code::unsupported,
      "this is a real broker, which has no method {}: only an instance started with 'flux-metrics-api "
      "simulate' can be steered this way",
      topic);
}

json::object queue_request(const SimulateCtlOptions& options) {
  const bool start = options.queue_action == "start";
  json::object request{{"start", start}, {"all", options.queue_name.empty()}, {"nocheckpoint", false}};
  if (!options.queue_name.empty()) request["name"] = options.queue_name;
  if (!start) request["reason"] = "stopped with simulate-ctl";
  return request;
}

Answer drain(flux::BlockingClient& client, const SimulateCtlOptions& options) {
  json::object request{{"targets", options.ranks}};
  if (!options.reason.empty()) request["reason"] = options.reason;
  return client.rpc("resource." + options.action, request, as_owner);
}

Answer cancel(flux::BlockingClient& client, const SimulateCtlOptions& options) {
  const auto id = flux::parse_job_id(options.job_id);
  if (!id) return std::unexpected(id.error());
  return client.rpc("job-manager.raise",
                    json::object{{"id", *id}, {"severity", 0}, {"type", "cancel"}, {"note", ""}}, as_owner);
}

Answer purge(flux::BlockingClient& client, const SimulateCtlOptions& options) {
  // An age of -1 is no limit; Flux forgets at most a batch at a time.
  Answer answer = client.rpc(
      "job-manager.purge",
      json::object{{"age_limit", -1.0}, {"num_limit", options.keep}, {"force", true}, {"batch", 50}},
      as_owner);
  if (answer) fmt::print("{}\n", answer->at("count").to_number<std::int64_t>());
  return answer;
}

Answer clock(flux::BlockingClient& client) {
  Answer answer = steer(client, "simulate.clock", json::object());
  if (!answer) return answer;
  const double now = answer->at("now").to_number<double>();
  fmt::print("{} {:.3f} speed {:g}\n", format_rfc3339(from_unix(now)), now,
             answer->at("speed").to_number<double>());
  return answer;
}

Answer stats(flux::BlockingClient& client) {
  Answer answer = steer(client, "simulate.stats", json::object());
  if (answer) fmt::print("{}\n", json::serialize(*answer));
  return answer;
}

Result<simulate::JobRequest> read_request(const SimulateCtlOptions& options) {
  simulate::JobRequest request{.nodes = options.nodes,
                               .slots = options.slots,
                               .cores = options.cores,
                               .gpus = options.gpus,
                               .exclusive = options.exclusive,
                               .queue = options.queue,
                               .urgency = options.urgency};
  if (!request.nodes && !request.slots) request.slots = 1;  // as flux submit
  if (!options.duration.empty()) {
    const auto duration = parse_duration(options.duration);
    if (!duration) return std::unexpected(duration.error());
    request.duration = duration->count();
  }
  return request;
}

// Sends all requests at once: each takes the broker a while, but they do not wait for each other.
asio::awaitable<std::vector<Result<std::string>>> send_copies(std::shared_ptr<flux::Client> client,
                                                              std::string topic, std::string payload,
                                                              std::size_t copies) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<Result<std::string>> answers(copies, fail(Code::internal, "no answer"));
  std::size_t missing = copies;
  asio::steady_timer all_here(executor, asio::steady_timer::time_point::max());
  for (std::size_t i = 0; i < copies; ++i) {
    asio::co_spawn(
        executor, client->rpc(topic, payload, as_owner),
        [&answers, &missing, &all_here, i](const std::exception_ptr& failure, Result<std::string> answer) {
          if (!failure) answers[i] = std::move(answer);
          if (--missing == 0) all_here.cancel();
        });
  }
  boost::system::error_code cancelled;
  while (missing > 0)
    co_await all_here.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  co_return answers;
}

Answer submit(flux::BlockingClient& client, const SimulateCtlOptions& options) {
  const auto request = read_request(options);
  if (!request) return std::unexpected(request.error());
  const auto jobspec = simulate::make_jobspec(*request);
  if (!jobspec) return std::unexpected(jobspec.error());
  const json::object payload{{"J", simulate::wrap_unsigned(::getuid(), json::serialize(*jobspec))},
                             {"urgency", request->urgency},
                             {"flags", 0}};
  // A window keeps thousands of copies within their deadlines.
  constexpr std::size_t window = 256;
  for (std::size_t sent = 0; sent < options.copies;) {
    const std::size_t count = std::min<std::size_t>(window, options.copies - sent);
    auto task = send_copies(client.client(), "job-ingest.submit", json::serialize(payload), count);
    for (const Result<std::string>& text : client.wait_for(std::move(task))) {
      if (!text) return std::unexpected(text.error());
      const Answer reply = flux::parse_payload("job-ingest.submit", *text);
      if (!reply) return reply;
      fmt::print("{}\n", flux::encode_f58(reply->at("id").to_number<std::int64_t>()));
    }
    sent += count;
  }
  return json::value();
}

Answer act(flux::BlockingClient& client, const SimulateCtlOptions& options) {
  if (options.action == "online")
    return steer(client, "simulate.online", json::object{{"ranks", options.ranks}});
  if (options.action == "offline")
    return steer(client, "simulate.offline",
                 json::object{{"ranks", options.ranks}, {"how", options.lost ? "lost" : "deleted"}});
  if (options.action == "torpid" || options.action == "lively")
    return steer(client, "simulate.torpid",
                 json::object{{"ranks", options.ranks}, {"torpid", options.action == "torpid"}});
  if (options.action == "scheduler")
    return steer(client, "simulate.scheduler", json::object{{"loaded", options.queue_action == "load"}});
  if (options.action == "shutdown") return steer(client, "simulate.shutdown", json::object());
  if (options.action == "purge") return purge(client, options);
  if (options.action == "clock") return clock(client);
  if (options.action == "stats") return stats(client);
  if (options.action == "submit") return submit(client, options);
  if (options.action == "cancel") return cancel(client, options);
  if (options.action == "drain" || options.action == "undrain") return drain(client, options);
  return client.rpc("job-manager.queue-start", queue_request(options), as_owner);
}

// What is wrong before any broker is asked: an id, a duration, an idset.
Result<void> check(const SimulateCtlOptions& options) {
  if (options.action == "cancel") {
    const auto id = flux::parse_job_id(options.job_id);
    if (!id) return std::unexpected(id.error());
  }
  if (options.action == "online" || options.action == "offline" || options.action == "torpid" ||
      options.action == "lively") {
    const auto ranks = flux::IdSet::parse(options.ranks);
    if (!ranks) return std::unexpected(ranks.error());
  }
  if (options.action != "submit") return {};
  const auto request = read_request(options);
  if (!request) return std::unexpected(request.error());
  const auto jobspec = simulate::make_jobspec(*request);
  if (!jobspec) return std::unexpected(jobspec.error());
  return {};
}

using Shared = std::shared_ptr<SimulateCtlOptions>;

// A way to steer the instance. `queue` and `scheduler` have two each, of which `which` is one.
Command add_action(Command& parent, const Shared& options, const std::string& name, const std::string& help,
                   const std::string& example, const std::string& group = "") {
  auto command = parent.add_command(name, help);
  command.footer("Example:\n  flux-metrics-api simulate-ctl " + example);
  command.passes_options_up();
  command.runs([options, name, group] {
    options->action = group.empty() ? name : group;
    options->queue_action = group.empty() ? "" : name;
    return run_simulate_ctl(*options);
  });
  return command;
}

void add_ranks(Command& ctl, const Shared& o) {
  const auto ranks = [&](Command command) {
    command.option("ranks", o->ranks, "Idset, such as 2-3").required();
    return command;
  };
  ranks(add_action(ctl, o, "online", "Ranks join", "online 2-3"));
  ranks(add_action(ctl, o, "offline", "Ranks leave", "offline 3 --lost"))
      .flag("--lost", o->lost,
            "As a node that dies; otherwise as a pod that is deleted (simulate --pod-grace)");
  ranks(add_action(ctl, o, "torpid", "Ranks answer slowly", "torpid 1"));
  ranks(add_action(ctl, o, "lively", "Ranks answer well again", "lively 1"));
  ranks(add_action(ctl, o, "drain", "Drain ranks", "drain 1 \"a fan\"")).option("reason", o->reason, "Why");
  ranks(add_action(ctl, o, "undrain", "Undrain ranks", "undrain 1"));
}

void add_jobs(Command& ctl, const Shared& o) {
  auto submit = add_action(ctl, o, "submit", "Submit a job and print its id", "submit -N4 --duration 10s");
  submit.whole("-N,--nodes", o->nodes, "Nodes");
  submit.whole("-n,--slots", o->slots, "Slots in total; -N without -n asks for whole nodes");
  submit.whole("-c,--cores-per-slot", o->cores, "Cores per slot").shows_default();
  submit.whole("-g,--gpus-per-slot", o->gpus, "GPUs per slot").shows_default();
  submit.flag("--exclusive", o->exclusive, "Whole nodes");
  submit.option("--duration", o->duration, "How long it runs, and its limit, such as 10s [it runs for ever]");
  submit.option("-q,--queue", o->queue, "Queue");
  submit.whole("--urgency", o->urgency, "0 (held) to 31", 0, 31).shows_default();
  submit.whole("--cc", o->copies, "How many copies", 1).shows_default();
  auto cancel =
      add_action(ctl, o, "cancel", "Cancel a job", "cancel $(flux-metrics-api simulate-ctl submit -N1)");
  cancel.option("id", o->job_id, "Job id").required();
  auto purge = add_action(ctl, o, "purge", "Let the instance forget inactive jobs", "purge --keep 100");
  purge.whole("--keep", o->keep, "How many of the latest to keep").shows_default();
}

void add_switches(Command& ctl, const Shared& o) {
  auto queue = ctl.add_command("queue", "Start or stop queues");
  queue.footer("Example:\n  flux-metrics-api simulate-ctl queue start --all");
  queue.passes_options_up();
  queue.requires_command();
  for (const std::string name : {"start", "stop"}) {
    auto command = add_action(queue, o, name, name == "start" ? "Let jobs start" : "Let no job start",
                              "queue " + name, "queue");
    command.option("name", o->queue_name, "Queue");
    command.flag("-a,--all", o->all_queues, "All queues (the default)");
  }
  auto scheduler = ctl.add_command("scheduler", "Load or unload the scheduler");
  scheduler.footer("Example:\n  flux-metrics-api simulate-ctl scheduler unload");
  scheduler.passes_options_up();
  scheduler.requires_command();
  add_action(scheduler, o, "load", "Jobs start again", "scheduler load", "scheduler");
  add_action(scheduler, o, "unload", "No job starts, as when its module is removed", "scheduler unload",
             "scheduler");
}

}  // namespace

void add_simulate_ctl(Command& program) {
  auto options = std::make_shared<SimulateCtlOptions>();
  auto command = program.add_command("simulate-ctl", "Steer a simulated instance");
  command.footer(
      "Examples:\n"
      "  flux-metrics-api simulate-ctl online 2-3\n"
      "  flux-metrics-api simulate-ctl offline 3 --lost\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api simulate-ctl cancel 3562272718848\n"
      "  flux-metrics-api simulate-ctl queue start --all");
  add_flux_uri(command, options->flux_uri);
  command.requires_command();
  add_ranks(command, options);
  add_jobs(command, options);
  add_switches(command, options);
  add_action(command, options, "clock", "Show the simulated time", "clock");
  add_action(command, options, "stats", "Show how many requests came, by topic", "stats");
  add_action(command, options, "shutdown", "End the instance, as `flux shutdown` does", "shutdown");
}

int run_simulate_ctl(const SimulateCtlOptions& options) {
  if (const auto fine = check(options); !fine) return ends_with(exit_misused, fine.error());
  const auto broker = server::find_broker(options.flux_uri);
  if (!broker) return ends_with(exit_misused, broker.error());
  auto client = server::connect_to(*broker);
  if (!client) return ends_with(exit_failed, client.error());
  const Answer answer = act(**client, options);
  if (!answer) return ends_with(exit_failed, answer.error());
  return exit_fine;
}

}  // namespace fluxmetrics::commands
