// The identity that an authenticating proxy (the aggregator) puts into headers.
#pragma once

#include <optional>

#include "access/authentication_config.hpp"
#include "access/identity.hpp"
#include "http/message.hpp"

namespace fluxmetrics::access {

// nullopt when no header names a user. Only to be asked for a peer that has proven to be such a proxy.
[[nodiscard]] std::optional<Identity> identity_from_headers(const http::Headers& headers,
                                                            const RequestHeaderConfig& config);

// Whether a header says who asks: one that identity_from_headers() reads.
[[nodiscard]] bool tells_identity(std::string_view header, const RequestHeaderConfig& config);

}  // namespace fluxmetrics::access
