#include "simulate/queues.hpp"

#include <cerrno>

namespace fluxmetrics::simulate {

Queues::Queues(const Options& options) {
  for (const QueueOptions& queue : options.queues) {
    Queue made{.name = queue.name, .ranks = queue.ranks, .status = {}};
    made.status.start = options.start_queues;
    queues_.push_back(std::move(made));
  }
  if (queues_.empty()) queues_.emplace_back();
}

Result<std::size_t> Queues::find(const std::optional<std::string>& name) const {
  if (named() && !name) return fail_errno(Code::invalid, EINVAL, "a named queue is required");
  const std::string& wanted = name ? *name : queues_.front().name;
  for (std::size_t i = 0; i < queues_.size(); ++i)
    if (queues_[i].name == wanted) return i;
  return fail_errno(Code::invalid, EINVAL, "'{}' is not a valid queue", wanted);
}

Result<std::vector<Queue*>> Queues::select(const std::optional<std::string>& name, bool all) {
  std::vector<Queue*> selected;
  if (name) {
    const auto index = find(name);
    if (!index) return std::unexpected(index.error());
    selected.push_back(&queues_[*index]);
    return selected;
  }
  if (named() && !all)
    return fail_errno(Code::invalid, EINVAL, "Use --all to apply this command to all queues");
  for (Queue& queue : queues_)
    selected.push_back(&queue);
  return selected;
}

Result<void> Queues::enable(const std::optional<std::string>& name, bool all, bool value,
                            const std::optional<std::string>& reason) {
  if (!value && !reason) return fail_errno(Code::invalid, EINVAL, "reason is required for disable");
  auto selected = select(name, all);
  if (!selected) return std::unexpected(selected.error());
  for (Queue* queue : *selected) {
    queue->status.enable = value;
    queue->status.disable_reason = value ? std::nullopt : reason;
  }
  return {};
}

Result<void> Queues::start(const std::optional<std::string>& name, bool all, bool value,
                           const std::optional<std::string>& reason) {
  auto selected = select(name, all);
  if (!selected) return std::unexpected(selected.error());
  for (Queue* queue : *selected) {
    queue->status.start = value;
    queue->status.stop_reason = value ? std::nullopt : reason;
  }
  return {};
}

}  // namespace fluxmetrics::simulate
