#include "commands/demo_view.hpp"

#include <fmt/format.h>

#include "commands/output.hpp"

namespace fluxmetrics::commands {
namespace {

constexpr std::size_t kept_lines = 6;

// One character a core: # in use, . free; the word says what the rank is.
std::string rank_line(const instance::InstanceState& state, std::uint32_t rank) {
  const auto has = state.resources.on_rank(rank).cores;
  const auto used = state.allocated.on_rank(rank).cores;
  std::string word = "idle";
  if (used > 0) word = "busy";
  if (state.drained().contains(rank)) word = used > 0 ? "draining" : "drained";
  const bool away = state.offline.contains(rank);
  if (away) word = word == "drained" ? "away, drained" : "away";
  return fmt::format("  node {}  [{}{}]  {}\n", rank, std::string(used, '#'),
                     std::string(has - std::min(used, has), away ? ' ' : '.'), word);
}

}  // namespace

void DemoView::tell(const std::string& text) {
  const Seconds age = MonoTime::clock::now() - began_;
  const auto line = fmt::format("{:5.1f} s  {}", age.count(), text);
  if (!live_) {
    fmt::print("{}\n", line);
    flush_output();
    return;
  }
  recent_.push_back(line);
  if (recent_.size() > kept_lines) recent_.pop_front();
  redraw();
}

void DemoView::draw(const instance::InstanceState& state, std::uint32_t size, std::uint32_t wanted) {
  if (!live_) return;
  const Seconds age = MonoTime::clock::now() - began_;
  picture_ = fmt::format(
      "flux-metrics-api demo: a MiniCluster that follows its queue           {:5.1f} s\n\n", age.count());
  for (const auto rank : state.resources.ranks())
    picture_ += rank_line(state, rank);
  const auto& jobs = state.stats.all.states;
  picture_ += fmt::format("\n  jobs    {} waiting, {} running, {} done\n",
                          jobs.depend + jobs.priority + jobs.sched, jobs.run + jobs.cleanup, jobs.inactive);
  picture_ += fmt::format("  size    {}     node_wanted_count  {}\n\n", size, wanted);
  redraw();
}

void DemoView::redraw() {
  std::string screen;
  if (lines_drawn_ > 0) screen += fmt::format("\x1b[{}A\x1b[J", lines_drawn_);
  std::string body = picture_;
  for (const auto& line : recent_)
    body += line + "\n";
  lines_drawn_ = 0;
  for (const char c : body)
    lines_drawn_ += c == '\n' ? 1 : 0;
  screen += body;
  fmt::print("{}", screen);
  flush_output();
}

void DemoView::close(const std::string& verdict) {
  fmt::print("{}\n", verdict);
  flush_output();
}

}  // namespace fluxmetrics::commands
