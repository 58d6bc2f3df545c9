#include "flux/job.hpp"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <langinfo.h>
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

// Four groups of at most four hexadecimal digits: 0000.0000.0004.b000.
std::optional<JobId> decode_dothex(std::string_view text) {
  JobId id = 0;
  for (int group = 0; group < 4; ++group) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (group == 3)) return std::nullopt;
    const auto digits = text.substr(0, dot);
    const auto part = decode_number(digits, 16);
    if (!part || digits.size() > 4 || id > (max_job_id >> 16)) return std::nullopt;
    id = (id << 16) | *part;
    text.remove_prefix(std::min(digits.size() + 1, text.size()));
  }
  return id;
}

// Whether Flux's own commands would write f for the letter with a hook here (flux-core 0.88).
bool wants_ascii() {
  // Set is enough, whatever to.
  if (std::getenv("FLUX_F58_FORCE_ASCII") != nullptr) return true;
  // Of a locale that is not installed nothing is known, and C counts.
  auto* const locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return true;
  const bool utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return !utf8;
}

std::optional<JobId> decode(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with("job.")) text.remove_prefix(4);
  if (text.contains('.')) return decode_dothex(text);
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
  static const bool ascii = wants_ascii();
  std::string digits;
  auto rest = static_cast<std::uint64_t>(id);
  do {
    digits.push_back(alphabet[rest % alphabet.size()]);
    rest /= alphabet.size();
  } while (rest != 0);
  std::ranges::reverse(digits);
  return std::string(ascii ? "f" : f58_prefix) + digits;
}

Result<JobId> parse_job_id(std::string_view text) {
  if (const auto id = decode(text)) return *id;
  return fail(
      Code::invalid,
      "'{}' is not a job id: write it as flux jobs does ({}), as a number, or as 0000.033d.6800.0000; "
      "flux job id --to=dec turns words and emoji into a number",
      text, encode_f58(3562272718848));
}

}  // namespace fluxmetrics::flux
