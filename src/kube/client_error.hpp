// What Kubernetes' own Go client makes of an answer that is not the one asked for: the sentence that a
// controller then writes into a status. As client-go 0.37 and apimachinery 0.37 word it.
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace fluxmetrics::kube {

// Of a GET. `resource` is what the client asked for, with its group ("pods.metrics.k8s.io"), `name` the
// object's,
// "" for a list. A Status in the body is taken at its word; anything else becomes the client's own sentence.
[[nodiscard]] std::string client_error(const http::Fetched& answer, std::string_view resource,
                                       std::string_view name);

// The body is a Status, so that an API server said this, and not what stands before one.
[[nodiscard]] bool is_status(const http::Fetched& answer);

}  // namespace fluxmetrics::kube
