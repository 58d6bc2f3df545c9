// Which broker a command talks to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/blocking_client.hpp"

namespace fluxmetrics::server {

struct Broker {
  std::vector<std::string> socket_paths;  // to try in turn
  bool named = false;                     // by --flux-uri: then exactly that instance is meant
  bool guessed = false;                   // nobody named one: only the usual places are tried
};

// What to do, behind the reasons why no broker was reached; "" where one was named.
[[nodiscard]] std::string_view way_to_a_broker(const Broker& broker);

// The first that answers. Errors: of the broker that was named, or of all that were tried.
[[nodiscard]] Result<std::unique_ptr<flux::BlockingClient>> connect_to(const Broker& broker);

// --flux-uri, else FLUX_URI and the usual places, else the usual places alone.
// Errors: a form of URI that this program does not speak, as flux::local_socket_path().
[[nodiscard]] Result<Broker> find_broker(const std::optional<std::string>& flux_uri);

}  // namespace fluxmetrics::server
