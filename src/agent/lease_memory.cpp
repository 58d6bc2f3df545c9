#include "agent/lease_memory.hpp"

#include <charconv>
#include <fmt/format.h>

#include "autoscale/drain.hpp"

namespace fluxmetrics::agent {
namespace {

constexpr std::string_view before_transitions = "; lease ";
constexpr std::string_view before_holder = " of ";
constexpr std::string_view before_requester = "; requested by ";

// The text between `begin` and the next `end`; `text` goes on behind it.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view end) {
  const auto at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const auto taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

}  // namespace

std::string reason_of(const Command& command) {
  return fmt::format("{}{}{}{}{}{}{}{}{}", autoscale::drain_reason, before_transitions,
                     command.lease.transitions, before_holder, command.lease.holder, before_requester,
                     command.requester, command.reason.empty() ? "" : ": ", command.reason);
}

std::optional<Leadership> leadership_in(std::string_view reason) {
  if (!reason.starts_with(autoscale::drain_reason)) return std::nullopt;
  reason.remove_prefix(autoscale::drain_reason.size());
  if (!reason.starts_with(before_transitions)) return std::nullopt;
  reason.remove_prefix(before_transitions.size());
  const auto number = take_until(reason, before_holder);
  const auto holder = take_until(reason, before_requester);
  if (!number || !holder || !is_name(*holder)) return std::nullopt;
  Leadership lease{.holder = std::string(*holder)};
  const auto [end, error] =
      std::from_chars(number->data(), number->data() + number->size(), lease.transitions);
  if (error != std::errc() || end != number->data() + number->size()) return std::nullopt;
  return lease;
}

void LeaseMemory::recall(const std::vector<flux::Drain>& drains) {
  if (recalled_) return;
  recalled_ = true;
  for (const auto& drain : drains) {
    const auto lease = leadership_in(drain.reason);
    if (lease && (!last_ || lease->transitions > last_->transitions)) last_ = lease;
  }
}

Result<void> LeaseMemory::check(const Leadership& lease) const {
  if (!last_ || lease.transitions > last_->transitions || lease == *last_) return {};
  if (lease.transitions == last_->transitions) {
    return fail(Code::conflict,
                "lease: {} was obeyed with the same transitions {}: one of the two does not hold the Lease; "
                "read it again",
                last_->holder, last_->transitions);
  }
  return fail(
      Code::conflict,
      "lease: transitions {} of {} are older than the {} of {}, who was obeyed last: read the Lease "
      "again; if it was made anew, undrain the ranks with `flux resource undrain` and restart this server",
      lease.transitions, lease.holder, last_->transitions, last_->holder);
}

}  // namespace fluxmetrics::agent
