// Answers requests for documents: discovery in the version that was asked for, OpenAPI, and "not modified"
// for a reader whose copy is the newest.
#pragma once

#include "api/documents.hpp"
#include "api/negotiation.hpp"
#include "http/message.hpp"

namespace fluxmetrics::api {

[[nodiscard]] http::Response answer_page(const Page& page, const http::Request& request,
                                         const http::Target& target, const Negotiated& negotiated);

// 405: only GET is allowed.
[[nodiscard]] kube::Status method_not_allowed();

}  // namespace fluxmetrics::api
