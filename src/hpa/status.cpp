#include "hpa/status.hpp"

#include <algorithm>
#include <utility>

namespace fluxmetrics::hpa {

void HpaConditions::set(std::string_view type, bool status, std::string_view reason, std::string message,
                        std::int64_t now_ms) {
  auto found = std::ranges::find(list_, type, &HpaCondition::type);
  if (found == list_.end()) {
    list_.push_back({.type = std::string(type), .status = !status});
    found = list_.end() - 1;
  }
  if (found->status != status) found->since_ms = now_ms;
  found->status = status;
  found->reason = reason;
  found->message = std::move(message);
}

void HpaConditions::remove(std::string_view type) {
  std::erase_if(list_, [&](const HpaCondition& condition) { return condition.type == type; });
}

const HpaCondition* HpaConditions::find(std::string_view type) const {
  const auto found = std::ranges::find(list_, type, &HpaCondition::type);
  return found == list_.end() ? nullptr : &*found;
}

bool HpaConditions::is_true(std::string_view type) const {
  const auto* condition = find(type);
  return condition != nullptr && condition->status;
}

}  // namespace fluxmetrics::hpa
