// Asking a Handler so that nothing it throws gets further.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "http/body_source.hpp"
#include "http/handler.hpp"

namespace fluxmetrics::http {

// Handler::answer(), or a 500 when it threw.
[[nodiscard]] std::optional<Response> answer_now(Handler& handler, const Request& request);
// Handler::answer_later(), or a 500 when it threw.
[[nodiscard]] boost::asio::awaitable<Response> answer_later(Handler& handler, Request request);

// What BodySource::next() said; neither of both: that is the end.
struct NextPiece {
  std::optional<std::string> text;
  bool failed = false;  // it threw: the body must not look whole
};
[[nodiscard]] boost::asio::awaitable<NextPiece> next_piece(std::shared_ptr<BodySource> source);

// For the log: a client was too slow for a body that comes in pieces.
void log_slow(const Peer& peer, Seconds limit);

// A short text as an answer, for what goes wrong below the handler.
[[nodiscard]] Response plain_answer(int status);

}  // namespace fluxmetrics::http
