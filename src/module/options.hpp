// What `flux module load flux-metrics.so NAME=VALUE...` may say.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::module {

struct Options {
  sizing::SizePolicy policy = {};  // of the metrics in the exposition
  Seconds max_staleness{30};       // exposition refuses what is older
  std::size_t most_streams = 64;
  log::Level log_level = log::Level::info;
};

// Errors: Code::invalid naming the word and what may stand there.
[[nodiscard]] Result<Options> parse_options(std::span<const std::string_view> words);

}  // namespace fluxmetrics::module
