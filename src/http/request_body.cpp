#include "http/request_body.hpp"

#include <string>

namespace fluxmetrics::http {

bool RequestBody::take(Request& request, std::string_view piece) {
  if (!most_) most_ = context_.handler.most_body(request);
  if (*most_ == 0 || request.body_cut) return true;
  if (request.body.size() + piece.size() > *most_) {
    request.body_cut = true;
    std::string().swap(request.body);
    context_.unread -= counted_;
    counted_ = 0;
    return true;
  }
  if (context_.unread + piece.size() > context_.options.max_unread_bytes) return false;
  request.body.append(piece);
  counted_ += piece.size();
  context_.unread += piece.size();
  return true;
}

}  // namespace fluxmetrics::http
