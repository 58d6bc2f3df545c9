#include "http/request_body.hpp"

#include <string>

namespace fluxmetrics::http {

namespace {

// One connection must not take what all share.
constexpr std::size_t most_whole_bodies = 2;

}  // namespace

bool RequestBody::take(Request& request, std::string_view piece) {
  if (!most_) most_ = context_.handler.most_body(request);
  if (*most_ == 0 || request.body_cut) return true;
  if (request.body.size() + piece.size() > *most_) {
    request.body_cut = true;
    std::string().swap(request.body);
    release();
    return true;
  }
  if (context_.unread + piece.size() > context_.options.max_unread_bytes) return false;
  if (of_connection_ + piece.size() > most_whole_bodies * *most_) return false;
  request.body.append(piece);
  counted_ += piece.size();
  context_.unread += piece.size();
  of_connection_ += piece.size();
  return true;
}

void RequestBody::release() {
  context_.unread -= counted_;
  of_connection_ -= counted_;
  counted_ = 0;
}

}  // namespace fluxmetrics::http
