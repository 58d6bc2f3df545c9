#include "plan/generate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "plan/latencies.hpp"

namespace fluxmetrics::plan {
namespace {

constexpr double hour = 3600;
constexpr double day = 24 * hour;

// Milliseconds are enough, and a file of them would hold the same numbers.
double rounded(double seconds) {
  return std::round(seconds * 1000) / 1000;
}

// Log-normal: half of the numbers are below `median`, two thirds within a factor of e^spread of it.
double around(PlanRandom& random, double median, double spread, double least, double most) {
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  const double normal = radius * std::cos(2 * std::numbers::pi * random.unit());
  return std::clamp(median * std::exp(spread * normal), least, most);
}

template <std::size_t n>
std::uint32_t one_of(PlanRandom& random, const std::array<std::uint32_t, n>& choices) {
  return choices.at(static_cast<std::size_t>(random.unit() * n));
}

std::vector<simulate::TraceJob> generate_day(PlanRandom& random) {
  constexpr double most_an_hour = 100;
  constexpr double quiet = 0.2;  // of the rate at noon, at midnight
  std::vector<simulate::TraceJob> jobs;
  double t = 0;
  for (;;) {
    t -= std::log(1 - random.unit()) * hour / most_an_hour;
    if (t >= day) return jobs;
    const double sun = std::sin(std::numbers::pi * t / day);
    if (random.unit() > quiet + ((1 - quiet) * sun * sun)) continue;
    simulate::TraceJob job{.t = rounded(t), .request = {}};
    auto& request = job.request;
    const double kind = random.unit();
    if (kind < 0.5) {
      request.slots = one_of(random, std::array{1U, 2U, 4U});
      request.cores = one_of(random, std::array{1U, 2U, 4U});
      request.duration = around(random, 5 * 60, 1, 20, 2 * hour);
    } else if (kind < 0.9) {
      request.nodes = one_of(random, std::array{1U, 1U, 2U, 4U});
      request.duration = around(random, 10 * 60, 1, 60, 3 * hour);
    } else {
      request.nodes = one_of(random, std::array{8U, 16U, 32U});
      request.duration = around(random, 10 * 60, 0.5, 60, hour);
    }
    request.duration = rounded(request.duration);
    jobs.push_back(std::move(job));
  }
}

std::vector<simulate::TraceJob> generate_bursts(PlanRandom& random) {
  constexpr int bursts = 8;
  std::vector<simulate::TraceJob> jobs;
  for (int i = 0; i < bursts; ++i) {
    const double begin = (i + random.between(0.1, 0.9)) * hour;
    const auto count = static_cast<int>(random.between(80, 120));
    for (int j = 0; j < count; ++j) {
      jobs.push_back({.t = rounded(begin + random.between(0, 2)),
                      .request = {.slots = 1, .cores = 4, .duration = rounded(random.between(20, 60))}});
    }
  }
  std::ranges::stable_sort(jobs, {}, &simulate::TraceJob::t);
  return jobs;
}

}  // namespace

std::optional<std::vector<simulate::TraceJob>> generate_workload(std::string_view name, std::uint64_t seed) {
  PlanRandom random(seed);
  if (name == "daily") return generate_day(random);
  if (name == "burst") return generate_bursts(random);
  return std::nullopt;
}

}  // namespace fluxmetrics::plan
