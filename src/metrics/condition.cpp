#include "metrics/condition.hpp"

namespace fluxmetrics::metrics {

Condition condition_of(const View& view) {
  if (!view.trouble.empty()) {
    if (!view.trouble_kind) return Condition::starting;
    switch (*view.trouble_kind) {
      case instance::Trouble::Kind::ending:
        return Condition::shutdown;
      case instance::Trouble::Kind::silent:
        return Condition::silent;
      case instance::Trouble::Kind::gone:
        return Condition::gone;
    }
  }
  if (!view.snapshot || !view.snapshot->state) return Condition::starting;
  const auto& state = *view.snapshot->state;
  if (state.broker_state == "quorum") return Condition::quorum;
  if (state.broker_state != "run") return Condition::starting;
  return state.has_scheduler ? Condition::running : Condition::no_scheduler;
}

std::string_view to_string(Condition condition) {
  switch (condition) {
    case Condition::starting:
      return "starting";
    case Condition::quorum:
      return "quorum";
    case Condition::no_scheduler:
      return "no-scheduler";
    case Condition::running:
      return "running";
    case Condition::shutdown:
      return "shutdown";
    case Condition::silent:
      return "silent";
    case Condition::gone:
      return "gone";
  }
  return "";
}

}  // namespace fluxmetrics::metrics
