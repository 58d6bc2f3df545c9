#include "flux/job.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace fluxmetrics::flux {
namespace {

constexpr std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view f58_prefix = "\xc6\x92";  // "ƒ" in UTF-8
constexpr auto max_job_id = std::numeric_limits<JobId>::max();

std::optional<JobId> decode_digits(std::string_view digits) {
  constexpr auto base = static_cast<JobId>(alphabet.size());
  if (digits.empty()) return std::nullopt;
  JobId id = 0;
  for (const char c : digits) {
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    const auto value = static_cast<JobId>(digit);
    if (id > (max_job_id - value) / base) return std::nullopt;
    id = id * base + value;
  }
  return id;
}

std::optional<JobId> decode_number(std::string_view text, int base) {
  JobId id = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), id, base);
  if (text.empty() || text.front() == '-' || error != std::errc{} || rest != end) return std::nullopt;
  return id;
}

std::optional<JobId> decode(std::string_view text) {
  if (text.starts_with(f58_prefix)) return decode_digits(text.substr(f58_prefix.size()));
  if (text.starts_with('f')) return decode_digits(text.substr(1));
  if (text.starts_with("0x") || text.starts_with("0X")) return decode_number(text.substr(2), 16);
  return decode_number(text, 10);
}

}  // namespace

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::new_:
      return "new";
    case JobState::depend:
      return "depend";
    case JobState::priority:
      return "priority";
    case JobState::sched:
      return "sched";
    case JobState::run:
      return "run";
    case JobState::cleanup:
      return "cleanup";
    case JobState::inactive:
      return "inactive";
  }
  return "unknown";
}

Result<JobState> job_state_from(std::int64_t number) {
  for (const JobState state : all_job_states) {
    if (number == static_cast<std::int64_t>(state)) return state;
  }
  return fail(Code::protocol, "{} is not a job state", number);
}

std::string encode_f58(JobId id) {
  std::string digits;
  auto rest = static_cast<std::uint64_t>(id);
  do {
    digits.push_back(alphabet[rest % alphabet.size()]);
    rest /= alphabet.size();
  } while (rest != 0);
  std::ranges::reverse(digits);
  return std::string(f58_prefix) + digits;
}

Result<JobId> parse_job_id(std::string_view text) {
  if (const auto id = decode(text)) return *id;
  return fail(Code::invalid,
              "'{}' is not a job id: write it as flux jobs does (\xc6\x92"
              "2caLqpbZ), or as a number",
              text);
}

}  // namespace fluxmetrics::flux
