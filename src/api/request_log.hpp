// One line in the log for each metric request (for every request when asked), up to a rate that neither slows
// the answers nor fills a disk.
#pragma once

#include <cstdint>
#include <string_view>

#include "api/metric_answers.hpp"
#include "base/clock.hpp"
#include "http/message.hpp"

namespace fluxmetrics::api {

class RequestLog {
 public:
  static constexpr int lines_a_second = 100;

  // `every_request`: all at info; otherwise those that are not for a metric go to debug.
  explicit RequestLog(bool every_request) : every_request_(every_request) {}
  void metric(const http::Request& request, std::string_view user, const MetricAnswer& answer, MonoTime now);
  void request(const http::Request& request, std::string_view user, int status, MonoTime now);

 private:
  [[nodiscard]] bool has_room(MonoTime now);

  bool every_request_;
  MonoTime second_began_;
  int lines_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace fluxmetrics::api
