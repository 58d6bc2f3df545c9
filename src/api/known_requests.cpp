#include "api/known_requests.hpp"

namespace fluxmetrics::api {
namespace {

// A client that never repeats itself must not fill the memory.
constexpr std::size_t most_known = 512;
constexpr std::size_t longest_key = 2048;

}  // namespace

const KnownRequests::Known& KnownRequests::find(const http::Request& request) {
  // Everything that parse_target(), find_route() and negotiate() look at.
  key_.assign(request.target).append(1, '\0');
  key_.append(http::find_header(request.headers, "Accept").value_or("")).append(1, '\0');
  key_.append(1, prefers_pretty(request.headers) ? 'p' : 'c');
  if (const auto found = known_.find(key_); found != known_.end()) return found->second;

  auto made = std::make_shared<KnownRequest>();
  made->target = http::parse_target(request.target);
  if (made->target) {
    made->page = documents_.find(*made->target);
    made->route = find_route(*made->target, extra_root_);
    if (made->page != nullptr) made->route.kind = Route::Kind::document;
  }
  const auto offer = made->page == nullptr ? Offer::metrics : made->page->offer;
  made->negotiated = negotiate(request.headers, made->target.value_or(http::Target()), offer);
  if (key_.size() > longest_key) return too_long_ = std::move(made);
  if (known_.size() >= most_known) known_.clear();
  return known_.emplace(key_, std::move(made)).first->second;
}

}  // namespace fluxmetrics::api
