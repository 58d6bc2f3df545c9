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

void HandedOut::record(std::uint32_t value, Reader reader, MonoTime now) {
  if (!reader.person) read_ = now;
  auto found = readers_.find(reader.name);
  if (found == readers_.end()) {
    if (readers_.size() >= most_readers)
      std::erase_if(readers_, [&](const auto& entry) { return !smallest_of(entry.second, now); });
    if (readers_.size() >= most_readers) reader = {};
    found = readers_.try_emplace(std::string(reader.name)).first;
    found->second.person = reader.person;
  }
  auto& values = found->second.values;
  // What is larger and older than this can be the smallest no more.
  while (!values.empty() && values.back().value >= value)
    values.pop_back();
  values.push_back({.value = value, .last = now});
  std::erase_if(values, [&](const Value& old) { return now - old.last > acts_within_; });
}

std::optional<std::uint32_t> HandedOut::smallest_of(const ReaderTold& told, MonoTime now) const {
  for (const auto& [value, last] : told.values)
    if (now - last <= acts_within_) return value;
  if (told.person || gone(told.values.back().last, now)) return std::nullopt;
  return told.values.back().value;
}

std::uint32_t HandedOut::smallest(MonoTime now) const {
  if (now < began_ + acts_within_) return 0;
  std::optional<std::uint32_t> least;
  for (const auto& [name, told] : readers_)
    if (const auto value = smallest_of(told, now)) least = std::min(least.value_or(*value), *value);
  if (least) return *least;
  return gone(std::max(began_, read_), now) ? std::numeric_limits<std::uint32_t>::max() : 0;
}

bool HandedOut::unread(MonoTime now) const {
  return readers_.empty() && now >= began_ + acts_within_;
}

}  // namespace fluxmetrics::metrics
