#include "kube/micro_time.hpp"

#include <fmt/chrono.h>

#include "base/rfc3339.hpp"
#include "base/text.hpp"

namespace fluxmetrics::kube {

std::string format_micro_time(MicroTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(second), (time - second).count());
}

std::optional<MicroTime> read_micro_time(const JsonField& field) {
  if (!field.present()) return std::nullopt;
  const auto text = field.text();
  const auto time = parse_rfc3339(text);
  if (!time) field.refuse(fmt::format("is '{}', which is no time", printable(text, 60)));
  return std::chrono::round<std::chrono::microseconds>(*time);
}

}  // namespace fluxmetrics::kube
