#include "simulate/services.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>

#include <boost/json/value_from.hpp>

namespace fluxmetrics::simulate {
namespace {

constexpr std::size_t most_topics = 1000;  // counted; clients may make up others

std::string_view service_of(std::string_view topic) {
  return topic.substr(0, topic.find('.'));
}

}  // namespace

Services::Services(Options options, Surroundings surroundings)
    : surroundings_(std::move(surroundings)),
      streams_(surroundings_.userid),
      instance_(std::move(options), surroundings_.userid, surroundings_.start, streams_) {
  streams_.attach(instance_);
  add_broker_methods(methods_);
  add_resource_methods(methods_);
  add_job_manager_methods(methods_);
  add_job_list_methods(methods_);
  if (instance_.options().fluxion) add_fluxion_methods(methods_);
  add_simulate_methods(methods_);
}

void Services::handle(const std::shared_ptr<Peer>& peer, flux::Message message) {
  if (message.type != flux::MessageType::request) return;
  const Request request(peer, std::move(message), surroundings_.userid, instance_.options().guests);
  // A broker tells each service that a client used when it leaves; ours knows by itself.
  if (request.topic().ends_with(".disconnect")) return;
  if (received_.size() < most_topics || received_.contains(request.topic()))
    ++received_[std::string(request.topic())];
  if (!elsewhere(request)) dispatch(request);
}

Answered Services::dispatch(const Request& request) {
  const std::string_view service = service_of(request.topic());
  const auto found = methods_.find(request.topic());
  if (absent(service))
    return request.fail(ENOSYS, fmt::format("No service matching {} is registered", request.topic()));
  if (found == methods_.end() || !instance_.options().release.has(request.topic())) {
    const bool known = std::ranges::any_of(
        methods_, [&](const auto& method) { return service_of(method.first) == service; });
    return request.fail(ENOSYS, known ? fmt::format("Unknown service method '{}'", request.topic())
                                      : fmt::format("No service matching {} is registered", request.topic()));
  }
  const Method& method = found->second;
  if (method.owner_only && !request.owner()) return request.fail(EPERM, "Request requires owner credentials");
  if (method.needs_payload && request.payload() == nullptr) return request.fail(EPROTO);
  return method.handler(*this, request);
}

bool Services::absent(std::string_view service) {
  if (service == "sched" || service == "feasibility" || service.starts_with("sched-fluxion-"))
    return !instance_.has_scheduler();
  const bool of_the_broker = service == "attr" || service == "config" || service == "event" ||
                             service == "groups" || service == "overlay" || service == "state-machine" ||
                             service == "simulate";
  return !instance_.lifecycle().loaded() && !of_the_broker;
}

bool Services::elsewhere(const Request& request) {
  const std::uint32_t rank = request.message().nodeid();
  if (rank == flux::nodeid_any || rank == 0) return false;
  const std::string_view service = service_of(request.topic());
  if (rank >= instance_.options().max_size || !instance_.resources().nodes().alive(rank)) {
    request.fail(EHOSTUNREACH);
  } else if (service == "attr" || service == "overlay" || service == "state-machine" || service == "config") {
    return false;  // every broker has these
  } else if (service == "resource") {
    request.fail(EPROTO, "this RPC only works on rank 0");
  } else if (service == "groups") {
    request.fail(EPROTO, "this RPC is only available on rank 0");
  } else {
    request.fail(ENOSYS, fmt::format("No service matching {} is registered", request.topic()));
  }
  return true;
}

}  // namespace fluxmetrics::simulate
