// What an API server's answer to a call means: an object, or an error whose code says what to do.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "http/message.hpp"

namespace fluxmetrics::kube {

// Of a status that is not 2xx. Code::denied for 401 and 403; not_found for 404: no such object, or nobody
// serves its kind; conflict for 409: the object was changed since the resourceVersion that was sent, or has
// been made already; expired for 410: the resourceVersion or the page of a list is too old; invalid for 400,
// 413 and 422; unsupported for 405, 406 and 415; unavailable for the rest, of which much passes.
[[nodiscard]] Code code_of(int status);

// What an API server says in a Status, or the beginning of any other answer; for sentences.
[[nodiscard]] std::string message_of(const http::Fetched& answer);

// The object in an answer of 2xx. `what` was called, as "GET /api/v1/pods", for sentences. Errors: by
// code_of(); Code::protocol for what is no JSON object.
[[nodiscard]] Result<boost::json::object> object_of(const http::Fetched& answer, std::string_view what);

}  // namespace fluxmetrics::kube
