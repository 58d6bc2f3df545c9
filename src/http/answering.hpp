// Asking a Handler so that nothing it throws gets further.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "http/handler.hpp"

namespace fluxmetrics::http {

// Handler::answer(), or a 500 when it threw.
[[nodiscard]] std::optional<Response> answer_now(Handler& handler, const Request& request);
// Handler::answer_later(), or a 500 when it threw.
[[nodiscard]] boost::asio::awaitable<Response> answer_later(Handler& handler, Request request);

// A short text as an answer, for what goes wrong below the handler.
[[nodiscard]] Response plain_answer(int status);

}  // namespace fluxmetrics::http
