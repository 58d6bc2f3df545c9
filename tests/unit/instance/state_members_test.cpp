// Every member of a state, however deep, changed alone: that makes another state, it is published, and the
// broker module's messages carry it.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <boost/json.hpp>

#include "instance/published_state.hpp"
#include "instance/state_json.hpp"
#include "instance/state_message.hpp"
#include "instance/state_reader.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::instance {
namespace {

using support::ids;

// The members of each struct that a state is made of. A new one does not compile until it is named here, and
// then it is changed below.
auto members(Setting& of) {
  auto& [value, unknown] = of;
  return std::tie(value, unknown);
}
auto members(QueuePolicy& of) {
  auto& [queue, policy] = of;
  return std::tie(queue, policy);
}
auto members(Scheduler& of) {
  auto& [kind, module, unknown, queue_policy, queue_policies, match_policy, prune_filters] = of;
  return std::tie(kind, module, unknown, queue_policy, queue_policies, match_policy, prune_filters);
}
auto members(MatchStats::Outcome& of) {
  auto& [matches, timed_matches, seconds, longest] = of;
  return std::tie(matches, timed_matches, seconds, longest);
}
auto members(MatchStats& of) {
  auto& [vertices, edges, load_seconds, succeeded, failed] = of;
  return std::tie(vertices, edges, load_seconds, succeeded, failed);
}
auto members(flux::ResourceSet::Entry& of) {
  auto& [ranks, cores, gpus] = of;
  return std::tie(ranks, cores, gpus);
}
auto members(flux::ResourceSet& of) {
  auto& [entries, nodelist, has_nodelist, properties, has_properties, starttime, expiration, nslots] = of;
  return std::tie(entries, nodelist, has_nodelist, properties, has_properties, starttime, expiration, nslots);
}
auto members(flux::Drain& of) {
  auto& [ranks, timestamp, reason] = of;
  return std::tie(ranks, timestamp, reason);
}
auto members(flux::JobStates& of) {
  auto& [depend, priority, sched, run, cleanup, inactive, total] = of;
  return std::tie(depend, priority, sched, run, cleanup, inactive, total);
}
auto members(flux::QueueStats& of) {
  auto& [name, states, successful, failed, canceled, timeout, inactive_purged] = of;
  return std::tie(name, states, successful, failed, canceled, timeout, inactive_purged);
}
auto members(flux::JobStats& of) {
  auto& [all, queues] = of;
  return std::tie(all, queues);
}
auto members(Queue& of) {
  auto& [name, enabled, started, admits] = of;
  return std::tie(name, enabled, started, admits);
}
auto members(flux::Shape& of) {
  auto& [nodes, slots, cores, gpus, exclusive, known, constraint] = of;
  return std::tie(nodes, slots, cores, gpus, exclusive, known, constraint);
}
auto members(Job& of) {
  auto& [id, state, priority, queue, shape, t_submit, t_sched, t_run, duration, expiration, nnodes, ncores] =
      of;
  return std::tie(id, state, priority, queue, shape, t_submit, t_sched, t_run, duration, expiration, nnodes,
                  ncores);
}
auto members(DeniedJob& of) {
  auto& [id, queue, shape, t_denied] = of;
  return std::tie(id, queue, shape, t_denied);
}
auto members(QueueWaits& of) {
  auto& [queue, waits] = of;
  return std::tie(queue, waits);
}
auto members(InstanceState& of) {
  auto& [size, level, version, started, hostname, broker_state, owner, has_scheduler, scheduler, match_stats,
         jobs_unknown, allocated_unknown, denied_unknown, resources, online, offline, excluded, torpid,
         removed, drains, allocated, stats, queues, shapes, jobs, denied, waits] = of;
  return std::tie(size, level, version, started, hostname, broker_state, owner, has_scheduler, scheduler,
                  match_stats, jobs_unknown, allocated_unknown, denied_unknown, resources, online, offline,
                  excluded, torpid, removed, drains, allocated, stats, queues, shapes, jobs, denied, waits);
}

template <class T>
concept Compound = requires(T& value) { members(value); };

// Makes the change with a given number: walks a state in its order, and changes one thing of it.
class Changer {
 public:
  explicit Changer(std::size_t number) : left_(number) {}
  [[nodiscard]] bool done() const { return done_; }
  // Which members lead to what was changed, by their places in their structs.
  [[nodiscard]] const std::string& path() const { return path_; }

  void change(InstanceState& state) {
    // The sum over the instance has no name: its place says what it is.
    nameless_ = &state.stats.all.name;
    walk(state, "");
  }

 private:
  // Whether the thing at `path` is the one to change.
  bool is_it(const std::string& path) {
    if (done_ || left_-- > 0) return false;
    path_ = path;
    return done_ = true;
  }

  template <Compound T>
  void walk(T& value, const std::string& path) {
    std::set<const void*> seen;
    const auto visit = [&](auto& member) {
      const auto place = seen.size();
      EXPECT_TRUE(seen.insert(&member).second) << path << ": one member is named twice";
      if (static_cast<const void*>(&member) != nameless_) walk(member, path + "." + std::to_string(place));
    };
    std::apply([&](auto&... each) { (visit(each), ...); }, members(value));
  }
  template <class T>
  void walk(std::optional<T>& value, const std::string& path) {
    EXPECT_TRUE(value || !Compound<T>) << path << ": its members are not changed";
    if (value) walk(*value, path);
    if (!is_it(path)) return;
    value = value ? std::nullopt : std::optional(T{});
    if constexpr (std::same_as<T, std::string>)
      if (value) *value = "x";
  }
  template <class T>
  void walk(std::vector<T>& list, const std::string& path) {
    EXPECT_TRUE(!list.empty() || !Compound<T>) << path << ": its members are not changed";
    if (!list.empty()) walk(list.front(), path + "[0]");
    if (!is_it(path)) return;
    if (!list.empty()) return list.pop_back();
    if constexpr (std::default_initializable<T>) list.emplace_back();
  }
  template <class T>
  void walk(SharedList<T>& list, const std::string& path) {
    walk(list.edit(), path);
  }
  void walk(std::map<std::string, flux::IdSet>& map, const std::string& path) {
    if (is_it(path)) map["other"] = ids("1");
  }
  void walk(flux::IdSet& set, const std::string& path) {
    if (is_it(path)) set.insert(77);
  }
  void walk(flux::Constraint& constraint, const std::string& path) {
    if (is_it(path)) constraint = flux::Constraint::requires_properties({"other"});
  }
  void walk(Histogram& histogram, const std::string& path) {
    if (is_it(path)) histogram.add(3);
  }
  void walk(std::string& text, const std::string& path) {
    if (is_it(path)) text += "x";
  }
  void walk(bool& flag, const std::string& path) {
    if (is_it(path)) flag = !flag;
  }
  void walk(Scheduler::Kind& kind, const std::string& path) {
    if (is_it(path)) kind = Scheduler::Kind::simple;
  }
  void walk(flux::JobState& state, const std::string& path) {
    if (is_it(path)) state = flux::JobState::cleanup;
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void walk(T& number, const std::string& path) {
    if (is_it(path)) number += 1;
  }

  std::size_t left_;
  bool done_ = false;
  std::string path_;
  const void* nameless_ = nullptr;
};

// Something in every list, and whatever an index points at has a neighbour, so that each change alone leaves
// a state that can be.
InstanceState full_state() {
  InstanceState state = support::InstanceBuilder(6)
                            .online("0-4")
                            .drain("2")
                            .drain("3")
                            .exclude("5")
                            .use("0", "0-3")
                            .use("1", "0-7")
                            .queue("batch", "0-3")
                            .queue("debug", "4-5")
                            .queue("idle", "5")
                            .running(support::nodes(1, 4), 1, 4)
                            .running(support::nodes(1, 8), 1, 8)
                            .pending(support::whole_nodes(9))
                            .pending(support::slots(3));
  // The jobs of the last shape and queue go, so that these may go too.
  state.jobs.edit().pop_back();
  state.jobs.edit().pop_back();
  for (Job& job : state.jobs.edit())
    job.t_submit = job.t_sched = job.t_run = job.duration = job.expiration = 1700000000;
  state.resources.has_nodelist = state.resources.has_properties = true;
  state.resources.properties.clear();
  state.resources.nslots = 4;
  state.resources.entries = {{.ranks = ids("0-4"), .cores = ids("0-7"), .gpus = ids("0")},
                             {.ranks = ids("5"), .cores = ids("0-3"), .gpus = {}}};
  state.allocated.has_nodelist = state.allocated.has_properties = true;
  state.scheduler.kind = Scheduler::Kind::fluxion;
  state.scheduler.module = "sched-fluxion-qmanager";
  state.scheduler.queue_policy = Setting::of("easy");
  state.scheduler.queue_policies = {{.queue = "batch", .policy = "fcfs"},
                                    {.queue = "debug", .policy = "easy"}};
  state.match_stats.emplace();
  state.stats.queues.resize(2);
  state.denied = {{.id = 7, .t_denied = 1700000000}, {.id = 8, .t_denied = 1700000000}};
  WaitTimes waits;
  waits.started("batch", 1, 3);
  waits.started("debug", 1, 3);
  state.waits = waits.read();
  return state;
}

StateStamp stamp(std::uint64_t generation) {
  return {.generation = generation, .confirmed = from_unix(1700000000.25)};
}

std::shared_ptr<InstanceState> read(StateReader& reader, const std::vector<std::string>& messages) {
  std::shared_ptr<InstanceState> last;
  for (const auto& message : messages) {
    const auto state = reader.take(message);
    EXPECT_TRUE(state) << state.error().message << "\n" << message;
    if (!state) return nullptr;
    last = *state;
  }
  return last;
}

// The nodes that a client of the module's documents knows after `messages`, given those that it knew.
boost::json::array nodes_after(boost::json::array nodes, const std::vector<std::string>& messages) {
  for (const auto& message : messages) {
    const auto document = boost::json::parse(message).as_object();
    const auto* told = document.if_contains("nodes");
    if (told == nullptr) continue;
    if (document.at("exact").as_object().contains("resources")) nodes.clear();  // then all are told
    for (const auto& node : told->get_array()) {
      auto* const known =
          std::ranges::find_if(nodes, [&](const auto& each) { return each.at("rank") == node.at("rank"); });
      if (known == nodes.end()) {
        nodes.push_back(node);
      } else {
        *known = node;
      }
    }
  }
  return nodes;
}

TEST(StateMembers, EachChangeIsPublishedAndTold) {
  const InstanceState before = full_state();
  std::size_t number = 0;
  for (;; ++number) {
    InstanceState after = before;
    Changer changer(number);
    changer.change(after);
    if (!changer.done()) break;
    SCOPED_TRACE("member " + changer.path());
    ASSERT_TRUE(after != before);

    PublishedState published;
    const auto first = published.renew(before);
    EXPECT_EQ(published.renew(full_state()), first) << "nothing changed";
    EXPECT_NE(published.renew(after), first);
    EXPECT_TRUE(*published.renew(after) == after);

    StateReader reader;
    const auto whole = read(reader, state_messages(nullptr, before, stamp(1)));
    ASSERT_NE(whole, nullptr);
    ASSERT_TRUE(*whole == before);
    const auto changes = state_messages(&before, after, stamp(2));
    const auto told = read(reader, changes);
    ASSERT_NE(told, nullptr);
    EXPECT_TRUE(*told == after) << changes.front();
    EXPECT_EQ(nodes_after(nodes_json(before), changes), nodes_json(after)) << changes.front();

    StateReader another;
    const auto at_once = read(another, {state_document(after, stamp(2), 100)});
    ASSERT_NE(at_once, nullptr);
    EXPECT_TRUE(*at_once == after);
  }
  EXPECT_GT(number, 100U);
}

}  // namespace
}  // namespace fluxmetrics::instance
