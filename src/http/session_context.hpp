// What all connections of a server share, and the time that one of them has.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/handler.hpp"
#include "http/server_options.hpp"
#include "http/tls_context.hpp"

namespace fluxmetrics::http {

// The Date header's text, made once a second.
class DateText {
 public:
  [[nodiscard]] std::string_view at(std::time_t now);

 private:
  std::time_t second_ = -1;
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
};

// What all sessions of a server share.
struct SessionContext {
  const ServerOptions& options;
  Handler& handler;
  ServingContext& tls;
  DateText date;
  std::string scratch;                 // for one response, never across a wait
  std::size_t unread = 0;              // bytes that all sessions' buffers take
  bool ending = false;                 // a signal has come; everything goes on for the shutdown delay
  bool stopping = false;               // finish the request under way, then close
  MonoTime stop_by = MonoTime::max();  // what takes longer is cut off
};

// Looked at by the server's watchman, who ends what is overdue.
struct SessionTime {
  MonoTime deadline = MonoTime::max();
  MonoTime since = MonoTime::min();  // when it began what it does now
  bool idle = false;                 // waits for a request of which nothing has come
  bool reading = false;              // a TLS hello, or a request over HTTP/1, is under way

  void allow(Seconds time, MonoTime at_most) {
    since = std::chrono::steady_clock::now();
    const auto end = since + std::chrono::duration_cast<MonoTime::duration>(time);
    deadline = std::min(end, at_most);
  }
};

}  // namespace fluxmetrics::http
