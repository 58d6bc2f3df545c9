#include "http/answering.hpp"

#include <exception>

#include "base/log.hpp"

namespace fluxmetrics::http {

namespace asio = boost::asio;

namespace {

std::string_view text_of(int status) {
  switch (status) {
    case 413:
      return "the request's body is larger than this server accepts\n";
    case 431:
      return "the request's head is larger than this server accepts\n";
    case 500:
      return "this server failed to answer; its log says why\n";
    case 503:
      return "too many large requests are under way: try again\n";
    case 505:
      return "this server speaks HTTP/1.1, HTTP/1.0 and, over TLS, HTTP/2\n";
    default:
      return "this is not an HTTP request that this server understands\n";
  }
}

Response failed(const Request& request, const char* why) {
  log::error("{} {} from {} failed: internal error: {}", request.method, request.target, request.peer.address,
             why);
  return plain_answer(500);
}

}  // namespace

Response plain_answer(int status) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::make_shared<std::string>(text_of(status));
  response.close = true;
  return response;
}

std::optional<Response> answer_now(Handler& handler, const Request& request) {
  try {
    return handler.answer(request);
  } catch (const std::exception& fault) {
    return failed(request, fault.what());
  }
}

asio::awaitable<Response> answer_later(Handler& handler, Request request) {
  std::string why;
  try {
    co_return co_await handler.answer_later(request);
  } catch (const std::exception& fault) {
    why = fault.what();
  }
  co_return failed(request, why.c_str());
}

void log_slow(const Peer& peer, Seconds limit) {
  log::info("{}: took no more of its answer for {} s: dropped", peer.address, limit.count());
}

asio::awaitable<NextPiece> next_piece(std::shared_ptr<BodySource> source) {
  NextPiece piece;
  try {
    piece.text = co_await source->next();
  } catch (const std::exception& fault) {
    log::error("a body that comes in pieces ends early: internal error: {}", fault.what());
    piece.failed = true;
  }
  co_return piece;
}

}  // namespace fluxmetrics::http
