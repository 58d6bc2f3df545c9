// The topics a broker answers, each a short function: requests in, replies out, no sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "flux/message.hpp"
#include "simulate/instance.hpp"
#include "simulate/request.hpp"
#include "simulate/streams.hpp"

namespace fluxmetrics::simulate {

// What the services need to know beside the instance.
struct Surroundings {
  std::uint32_t userid = 0;  // the owner's uid
  std::string socket;        // path, for the local-uri attribute
  Time start = 0;            // seconds since 1970
};

class Services {
 public:
  Services(Options options, Surroundings surroundings);

  // Replies go to `peer`, now or when they are due. Messages that are not requests are dropped, as brokers
  // do.
  void handle(const std::shared_ptr<Peer>& peer, flux::Message message);
  // The client is gone, its streams and subscriptions go with it.
  void forget(const Peer* peer) { streams_.forget(peer); }

  [[nodiscard]] Instance& instance() { return instance_; }
  [[nodiscard]] Streams& streams() { return streams_; }
  [[nodiscard]] const Surroundings& surroundings() const { return surroundings_; }
  // How many requests came for each topic, refused ones too.
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& received() const {
    return received_;
  }

  using Handler = Answered (*)(Services&, const Request&);
  struct Method {
    Handler handler;
    bool owner_only = false;
    bool needs_payload = false;  // EPROTO without
  };
  using Table = std::unordered_map<std::string_view, Method>;

 private:
  Answered dispatch(const Request& request);
  // Whether what would answer is not loaded (any more).
  [[nodiscard]] bool absent(std::string_view service);
  [[nodiscard]] bool elsewhere(const Request& request);

  Surroundings surroundings_;
  Streams streams_;
  Instance instance_;
  Table methods_;
  std::map<std::string, std::uint64_t, std::less<>> received_;
};

// Each adds the methods of some services.
void add_broker_methods(Services::Table& methods);       // attr, config, event, groups, overlay, ...
void add_resource_methods(Services::Table& methods);     // resource, sched, kvs
void add_job_manager_methods(Services::Table& methods);  // job-manager, job-ingest
void add_job_list_methods(Services::Table& methods);     // job-list, job-info
void add_fluxion_methods(Services::Table& methods);      // sched-fluxion-qmanager, sched-fluxion-resource
void add_simulate_methods(Services::Table& methods);     // simulate: how tests and demos steer it

// sched.resource-status as Fluxion has it: null for an empty set, times in whole seconds.
[[nodiscard]] boost::json::object fluxion_status(const flux::SchedStatus& status);

}  // namespace fluxmetrics::simulate
