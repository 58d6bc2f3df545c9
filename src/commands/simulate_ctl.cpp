// simulate-ctl: steers a simulated instance, over the same socket that everybody else uses. What a real
// broker knows too (submit, cancel, drain, undrain, queue) works there as well.
#include <chrono>
#include <fmt/format.h>
#include <functional>
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
#include "commands/options.hpp"
#include "commands/output.hpp"
#include "flux/blocking_client.hpp"
#include "flux/job.hpp"
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
      "this broker is a real one and does not know {}: only an instance started with 'flux-metrics-api "
      "simulate' can be steered so",
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
                 json::object{{"ranks", options.ranks}, {"how", options.lost ? "lost" : "shutdown"}});
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

}  // namespace

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
