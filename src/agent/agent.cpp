#include "agent/agent.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <random>
#include <string_view>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "agent/refusal.hpp"
#include "agent/state_document.hpp"
#include "api/freshness.hpp"
#include "api/objects.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace fluxmetrics::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

enum class Place { state, drain, undrain, unknown };

Place place_of(const http::Target& target) {
  const auto& path = target.segments;
  if (target.empty_segment || path.size() != 3 || path[0] != api::subtree_root || path[1] != "v1")
    return Place::unknown;
  if (path[2] == "state") return Place::state;
  if (path[2] == "drain") return Place::drain;
  return path[2] == "undrain" ? Place::undrain : Place::unknown;
}

// The media type of a Content-Type, without its parameters.
bool is_json(const http::Headers& headers) {
  const auto type = http::find_header(headers, "Content-Type").value_or(std::string_view());
  auto name = type.substr(0, type.find(';'));
  while (name.ends_with(' ') || name.ends_with('\t'))
    name.remove_suffix(1);
  return same_ignoring_case(name, "application/json");
}

// If-None-Match of RFC 9110, 13.1.2: a list of tags, which compare without their "W/", or "*".
bool names_tag(std::string_view list, std::string_view tag) {
  tag.remove_prefix(2);
  while (!list.empty()) {
    auto entry = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), entry.size() + 1));
    while (entry.starts_with(' '))
      entry.remove_prefix(1);
    while (entry.ends_with(' '))
      entry.remove_suffix(1);
    if (entry.starts_with("W/")) entry.remove_prefix(2);
    if (entry == "*" || entry == tag) return true;
  }
  return false;
}

http::Response method_refused(const char* allowed) {
  auto response = kube::to_response(refusal(405, fmt::format("this path takes {} only", allowed)));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

http::Response answer_of(const Effect& effect) {
  json::array busy;
  for (const auto& [rank, jobs] : effect.busy) {
    json::array ids;
    for (const auto id : jobs)
      ids.emplace_back(std::to_string(id));
    busy.push_back(json::object{{"rank", rank}, {"jobs", std::move(ids)}});
  }
  http::Response response;
  response.body = std::make_shared<const std::string>(
      json::serialize(json::object{{"drained", effect.drained.to_string()}, {"busy", std::move(busy)}}) +
      "\n");
  return response;
}

std::string ranks_of(const std::vector<autoscale::BusyRank>& busy) {
  flux::IdSet ranks;
  for (const auto& rank : busy)
    ranks.insert(rank.rank);
  return ranks.empty() ? "none" : ranks.to_string();
}

}  // namespace

struct Agent::Impl {
  AgentOptions options;
  const metrics::Store& store;
  Commander commander;
  std::unique_ptr<Worker> commanding = std::make_unique<Worker>();  // no document holds up a command
  std::unique_ptr<Worker> writing = std::make_unique<Worker>();
  StateStreams streams;
  StateDocument document{*writing};
  // Tags of states: which program's, and which of the states that it has told.
  std::string program = fmt::format("{:08x}{:08x}", std::random_device()(), std::random_device()());
  std::shared_ptr<const instance::InstanceState> tagged;
  std::uint64_t tag = 0;

  Impl(AgentOptions options_, const metrics::Store& store_)
      : options(std::move(options_)),
        store(store_),
        commander(options.broker),
        streams(options.streams, store_, *writing) {}

  // Weak: the document tells when it was confirmed, too, and that moves.
  std::string tag_of(const std::shared_ptr<const instance::InstanceState>& state) {
    if (tagged != state) {
      tagged = state;
      ++tag;
    }
    return fmt::format("W/\"{}-{}\"", program, tag);
  }

  asio::awaitable<http::Response> state(http::Request request, http::Target target, std::string user) {
    if (request.method != "GET") co_return method_refused("GET");
    const auto watch = target.query_value("watch").value_or("false");
    const bool streams_it = watch == "true" || watch == "1";
    if (!streams_it && watch != "false" && watch != "0")
      co_return kube::to_response(refusal(400, "watch: give true or false"));
    const std::string requester(target.query_value("requester").value_or(std::string_view()));
    if (!requester.empty() && !is_name(requester)) {
      co_return kube::to_response(
          refusal(400, fmt::format("requester: give at most {} letters, digits and -._:@/", longest_name)));
    }
    const auto view = store.view();
    if (const auto trouble = api::data_trouble(view, options.max_staleness, MonoTime::clock::now()))
      co_return kube::to_response(refusal(503, *trouble));
    http::Response response;
    if (streams_it) {
      const auto executor = co_await asio::this_coro::executor;
      StateStreams::Key key{user, requester};
      auto opened = streams.open(std::move(key), executor);
      if (!opened) {
        response = kube::to_response(opened.error());
        response.headers.emplace_back("Retry-After", "1");
        co_return response;
      }
      response.source = *std::move(opened);
      co_return response;
    }
    const auto known = http::find_header(request.headers, "If-None-Match").value_or(std::string_view());
    if (names_tag(known, tag_of(view.snapshot->state))) {
      response.status = 304;
      put_validators(response, *view.snapshot);
      co_return response;
    }
    const auto written = co_await document.of(view.snapshot);
    if (written.text->empty()) {
      co_return kube::to_response(refusal(
          400,
          fmt::format("there are more than {} jobs: ask with ?watch=true, which sends them piece by piece",
                      StateDocument::most_jobs)));
    }
    put_validators(response, *written.snapshot);
    response.body = written.text;
    co_return response;
  }

  void put_validators(http::Response& response, const metrics::Snapshot& snapshot) {
    response.headers.emplace_back("ETag", tag_of(snapshot.state));
    response.headers.emplace_back("Flux-Confirmed", format_rfc3339(snapshot.confirmed.wall));
  }

  // What is wrong with a command before anybody looks at Flux.
  [[nodiscard]] std::expected<Command, kube::Status> read(Command::Kind kind, const http::Request& request,
                                                          const api::Caller& caller) const {
    if (!caller.checked) {
      return std::unexpected(refusal(
          403,
          "no client is asked who it is (--insecure-skip-auth), so nobody may drain: start the server with "
          "access to a cluster (--kubeconfig)"));
    }
    if (!is_json(request.headers))
      return std::unexpected(refusal(415, "a command is sent with Content-Type: application/json"));
    if (request.body_cut)
      return std::unexpected(
          refusal(413, fmt::format("the body is larger than {} bytes", most_command_bytes)));
    if (!options.obeys_not.empty()) return std::unexpected(refusal(409, options.obeys_not));
    return read_command(kind, request.body);
  }

  asio::awaitable<http::Response> command(Command::Kind kind, http::Request request, api::Caller caller) {
    if (request.method != "POST") co_return method_refused("POST");
    const auto read_one = read(kind, request, caller);
    if (!read_one) co_return kube::to_response(read_one.error());
    const auto outcome = co_await commanding->run(commander.obey(*read_one));
    const auto told = fmt::format("{} {} for {} ({}, lease {} of {})", to_string(kind),
                                  read_one->ranks.to_string(), printable(caller.user, 100),
                                  read_one->requester, read_one->lease.transitions, read_one->lease.holder);
    if (!outcome) {
      log::warning("{}: refused ({}): {}", told, outcome.error().code, outcome.error().message);
      co_return kube::to_response(outcome.error());
    }
    log::info("{}: drained are {}, of these are busy {}", told, outcome->drained.to_string(),
              ranks_of(outcome->busy));
    co_return answer_of(*outcome);
  }
};

Agent::Agent(AgentOptions options, const metrics::Store& store)
    : impl_(std::make_unique<Impl>(std::move(options), store)) {}
Agent::~Agent() = default;

std::optional<access::AccessAttributes> Agent::attributes(const http::Target& target) const {
  const auto place = place_of(target);
  if (place == Place::unknown) return std::nullopt;
  const bool reads = place == Place::state;
  return access::AccessAttributes{.verb = reads ? "get" : "update",
                                  .resource_request = true,
                                  .path = target.path,
                                  .group = std::string(api::minicluster_group),
                                  .version = "v1alpha2",
                                  .namespace_ = impl_->options.name_space,
                                  .resource = "miniclusters",
                                  .subresource = reads ? "state" : "drain",
                                  .name = impl_->options.minicluster()};
}

std::optional<kube::Status> Agent::turn_away(const http::Request& request) const {
  if (!request.peer.tls) {
    return refusal(
        403,
        "the agent's API is answered over TLS only, also to clients on this host: use https:// with "
        "a client certificate or a bearer token");
  }
  if (impl_->options.minicluster().empty()) {
    return refusal(
        503,
        "it is not known yet which MiniCluster this is: no broker has answered; try again, or start "
        "the server with --minicluster");
  }
  return std::nullopt;
}

std::size_t Agent::most_body(const http::Request& head) const {
  return head.method == "POST" ? most_command_bytes : 0;
}

asio::awaitable<http::Response> Agent::answer(http::Request request, http::Target target,
                                              api::Caller caller) {
  switch (place_of(target)) {
    case Place::state:
      return impl_->state(std::move(request), std::move(target), std::move(caller.user));
    case Place::drain:
      return impl_->command(Command::Kind::drain, std::move(request), std::move(caller));
    case Place::undrain:
      return impl_->command(Command::Kind::undrain, std::move(request), std::move(caller));
    case Place::unknown:
      break;
  }
  return []() -> asio::awaitable<http::Response> {
    co_return kube::to_response(
        refusal(404,
                "the agent's API has /flux-metrics/v1/state, /flux-metrics/v1/drain and "
                "/flux-metrics/v1/undrain"));
  }();
}

void Agent::stop() {
  impl_->commanding.reset();
  impl_->writing.reset();
}

}  // namespace fluxmetrics::agent
