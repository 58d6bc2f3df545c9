#include "metrics/handed_out.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace fluxmetrics::metrics {
namespace {

// Readers beyond are one reader together, who acts on whatever any of them was told.
constexpr std::size_t most_readers = 64;

}  // namespace

HandedOut::HandedOut(Seconds acts_within, MonoTime began)
    : acts_within_(std::chrono::duration_cast<MonoTime::duration>(acts_within)),
      forgotten_after_(
          std::chrono::duration_cast<MonoTime::duration>(std::max(acts_within, forgotten_after))),
      began_(began) {}

void HandedOut::make_room(MonoTime now) {
  if (readers_.size() < most_readers) return;
  std::erase_if(readers_, [&](const auto& entry) { return gone(entry.second.back().last, now); });
}

void HandedOut::record(std::uint32_t value, std::string_view reader, MonoTime now) {
  auto found = readers_.find(reader);
  if (found == readers_.end()) {
    make_room(now);
    const bool room = readers_.size() < most_readers;
    found = readers_.try_emplace(std::string(room ? reader : std::string_view())).first;
  }
  auto& values = found->second;
  // What is larger and older than this can be the smallest no more.
  while (!values.empty() && values.back().value >= value)
    values.pop_back();
  values.push_back({.value = value, .last = now});
  const auto counts =
      std::ranges::find_if(values, [&](const Value& v) { return now - v.last <= acts_within_; });
  values.erase(values.begin(), counts);
}

std::uint32_t HandedOut::smallest(MonoTime now) const {
  if (readers_.empty()) return gone(began_, now) ? std::numeric_limits<std::uint32_t>::max() : 0;
  if (now < began_ + acts_within_) return 0;
  auto least = std::numeric_limits<std::uint32_t>::max();
  for (const auto& [reader, values] : readers_) {
    if (gone(values.back().last, now)) continue;
    const auto counts =
        std::ranges::find_if(values, [&](const Value& value) { return now - value.last <= acts_within_; });
    least = std::min(least, counts == values.end() ? values.back().value : counts->value);
  }
  return least;
}

bool HandedOut::unread(MonoTime now) const {
  return readers_.empty() && now >= began_ + acts_within_;
}

}  // namespace fluxmetrics::metrics
