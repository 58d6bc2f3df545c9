#include "server/broker.hpp"

#include <algorithm>
#include <cstdlib>

#include "flux/uri.hpp"

namespace fluxmetrics::server {

Result<Broker> find_broker(const std::optional<std::string>& flux_uri) {
  Broker broker;
  if (flux_uri) {
    auto path = flux::local_socket_path(*flux_uri);
    if (!path) return fail(path.error().code, "--flux-uri: {}", path.error().message);
    broker.socket_paths.push_back(std::move(*path));
    broker.named = true;
    return broker;
  }
  if (const char* uri = std::getenv("FLUX_URI"); uri != nullptr && *uri != '\0') {
    auto path = flux::local_socket_path(uri);
    if (!path) return fail(path.error().code, "FLUX_URI: {}", path.error().message);
    broker.socket_paths.push_back(std::move(*path));
  }
  broker.guessed = broker.socket_paths.empty();
  for (const auto& path : flux::default_socket_paths()) {
    if (std::ranges::find(broker.socket_paths, path) == broker.socket_paths.end())
      broker.socket_paths.push_back(path);
  }
  return broker;
}

std::string_view way_to_a_broker(const Broker& broker) {
  return broker.guessed ? ": name one with --flux-uri local:///PATH, or in FLUX_URI" : "";
}

Result<std::unique_ptr<flux::BlockingClient>> connect_to(const Broker& broker) {
  std::optional<Error> why;
  for (const auto& path : broker.socket_paths) {
    auto client = flux::BlockingClient::connect(path);
    if (client) return client;
    if (!why) {
      why = client.error();
    } else if (broker.guessed) {
      why->message += "; " + client.error().message;
    }
  }
  why->message += way_to_a_broker(broker);
  return std::unexpected(*std::move(why));
}

}  // namespace fluxmetrics::server
