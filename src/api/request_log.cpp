#include "api/request_log.hpp"

#include "base/log.hpp"

namespace fluxmetrics::api {
namespace {

constexpr std::size_t longest_logged = 512;

std::string_view shortened(std::string_view target) {
  return target.substr(0, longest_logged);
}

// A user's name, which may hold anything, as one field of a line.
std::string one_word(std::string_view user) {
  std::string word(user.substr(0, longest_logged));
  for (char& c : word) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') c = '_';
  }
  return word;
}

}  // namespace

bool RequestLog::has_room(MonoTime now) {
  if (now - second_began_ >= std::chrono::seconds(1)) {
    if (untold_ > 0) {
      log::info("{} more requests were answered without a line here: there are at most {} a second", untold_,
                lines_a_second);
    }
    second_began_ = now;
    untold_ = 0;
    lines_ = 0;
  }
  if (lines_ < lines_a_second) {
    ++lines_;
    return true;
  }
  ++untold_;
  return false;
}

void RequestLog::metric(const http::Request& request, std::string_view user, const MetricAnswer& answer,
                        MonoTime now) {
  if (!log::enabled(log::Level::info) || !has_room(now)) return;
  log::info("{} {} {} {} {} {} age {}{}{}", request.peer.address, one_word(user), request.method,
            shortened(request.target), answer.response.status, answer.value,
            answer.age ? fmt::format("{:.1f}s", answer.age->count()) : "-",
            answer.message.empty() ? "" : ": ", answer.message);
}

void RequestLog::request(const http::Request& request, std::string_view user, int status, MonoTime now) {
  const auto level = every_request_ ? log::Level::info : log::Level::debug;
  if (!log::enabled(level) || !has_room(now)) return;
  log::write(level, fmt::format("{} {} {} {} {}", request.peer.address, one_word(user), request.method,
                                shortened(request.target), status));
}

}  // namespace fluxmetrics::api
