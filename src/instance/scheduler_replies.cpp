#include "instance/scheduler_replies.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/json/array.hpp>

#include "base/json_members.hpp"
#include "flux/fields.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::Fields;

bool offers_sched(const json::array* services) {
  return services != nullptr && std::ranges::any_of(*services, [](const json::value& service) {
           return service.is_string() && service.get_string() == "sched";
         });
}

Scheduler::Kind kind_of(std::string_view module) {
  if (module == "sched-simple") return Scheduler::Kind::simple;
  return module == fluxion_module ? Scheduler::Kind::fluxion : Scheduler::Kind::other;
}

Setting setting_of(Fields& params, std::string_view key) {
  auto value = params.text(key);
  if (value) return Setting::of(*std::move(value));
  return Setting::because("Fluxion does not report it");
}

}  // namespace

Result<void> read_modules(const json::value& reply, Scheduler& scheduler) {
  Fields in(reply, "module.list");
  in.require("mods");
  const auto* modules = in.array("mods");
  if (!in.ok()) return in.error();
  scheduler.kind = Scheduler::Kind::none;
  for (const auto& module : *modules) {
    Fields about(module, "module.list: mods");
    const auto name = about.text("name");
    const bool schedules = offers_sched(about.array("services"));
    if (!about.ok()) return about.error();
    if (!schedules || !name) continue;
    scheduler.module = *name;
    scheduler.kind = kind_of(*name);
  }
  return {};
}

Result<void> read_queue_policies(const json::value& reply, Scheduler& scheduler) {
  Fields in(reply, "sched-fluxion-qmanager.params");
  in.require("params");
  const auto* params = in.object("params");
  if (!in.ok()) return in.error();
  Fields common(*in.any("params"), "sched-fluxion-qmanager.params");
  scheduler.queue_policy = setting_of(common, "queue-policy");
  scheduler.queue_policies.clear();
  for (const auto& member : *params) {
    if (!member.value().is_object()) continue;
    Fields queue(member.value(), "sched-fluxion-qmanager.params");
    auto policy = queue.text("queue-policy");
    if (!queue.ok()) return queue.error();
    if (policy)
      scheduler.queue_policies.push_back({.queue = std::string(member.key()), .policy = *std::move(policy)});
  }
  if (!common.ok()) return common.error();
  // Without configured queues there is one, which it calls "default" and Flux nothing.
  auto& queues = scheduler.queue_policies;
  if (queues.size() == 1 && queues.front().queue == "default") {
    scheduler.queue_policy = Setting::of(queues.front().policy);
    queues.clear();
  }
  std::ranges::sort(queues, {}, &QueuePolicy::queue);
  return {};
}

Result<void> read_match_settings(const json::value& reply, Scheduler& scheduler) {
  Fields in(reply, "sched-fluxion-resource.params");
  in.require("params");
  const auto* params = in.any("params");
  if (params == nullptr) return in.error();
  Fields settings(*params, "sched-fluxion-resource.params");
  scheduler.match_policy = setting_of(settings, "policy");
  scheduler.prune_filters = setting_of(settings, "prune-filters");
  if (!settings.ok()) return settings.error();
  return {};
}

void read_configured_match_settings(const json::value& config, std::string_view why, Scheduler& scheduler) {
  scheduler.match_policy = scheduler.prune_filters = Setting::because(std::string(why));
  const auto* table = object_at(config.if_object(), "sched-fluxion-resource");
  const auto take = [&](std::string_view key, Setting& setting) {
    if (const auto text = text_at(table, key)) setting = Setting::of(std::string(*text));
  };
  take("policy", scheduler.match_policy);
  take("match-policy", scheduler.match_policy);
  take("prune-filters", scheduler.prune_filters);
}

}  // namespace fluxmetrics::instance
