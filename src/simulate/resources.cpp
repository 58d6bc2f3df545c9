#include "simulate/resources.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>

#include "flux/hostlist.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

std::vector<std::string> host_names(const Options& options) {
  std::vector<std::string> hosts;
  for (std::uint32_t rank = 0; rank < options.max_size; ++rank)
    hosts.push_back(fmt::format("{}{}", options.host_prefix, rank));
  return hosts;
}

std::map<std::string, flux::IdSet> queue_properties(const Options& options) {
  std::map<std::string, flux::IdSet> properties;
  for (const QueueOptions& queue : options.queues)
    if (queue.ranks) properties.emplace(queue.name, *queue.ranks);
  return properties;
}

}  // namespace

Resources::Resources(const Options& options, TimerQueue& timers, Observer& observer,
                     std::function<void()> changed)
    : timers_(timers),
      observer_(observer),
      changed_(std::move(changed)),
      hosts_(host_names(options)),
      properties_(queue_properties(options)),
      pool_(options.max_size, options.cores, options.gpus),
      nodes_(timers, options.max_size, options.size,
             {.members = [this](const flux::IdSet& came, const flux::IdSet& went) { on_members(came, went); },
              .health = [this] { observer_.on_health(); }}),
      release_(options.release),
      discovers_(options.discovers),
      excluded_(options.excluded) {
  const flux::IdSet cores = flux::IdSet::range(0, options.cores - 1);
  const flux::IdSet gpus = options.gpus == 0 ? flux::IdSet() : flux::IdSet::range(0, options.gpus - 1);
  const flux::IdSet ranks = flux::IdSet::range(0, options.max_size - 1);
  for (const flux::IdSet::Id rank : ranks)
    slices_.push_back({.rank = rank, .cores = cores, .gpus = gpus});
  all_ = make_resource_set(slices_, hosts_, properties_);
  record("restart", {{"ranks", ranks.to_string()}, {"online", ""}, {"nodelist", hostlist()}});
  record("resource-define", {{"method", method()}});
  record("online", {{"idset", "0"}});
  if (options.size > 1) record("online", {{"idset", flux::IdSet::range(1, options.size - 1).to_string()}});
}

std::string Resources::hostlist() const {
  return flux::compress_hostlist(hosts_);
}

void Resources::record(std::string name, json::object context) {
  journal_.push_back({.timestamp = timers_.now(),
                      .name = std::move(name),
                      .context = std::move(context),
                      .has_context = true});
  observer_.on_resource_event(journal_.back());
}

void Resources::on_members(const flux::IdSet& came, const flux::IdSet& went) {
  if (!came.empty()) record("online", {{"idset", came.to_string()}});
  if (!went.empty()) record("offline", {{"idset", went.to_string()}});
  if (discovers_ && !release_.before(since::shrink)) removed_ |= went;
  observer_.on_members();
  changed_();
}

void Resources::set_torpid(const flux::IdSet& ranks, bool torpid) {
  const flux::IdSet changing = torpid ? ranks - torpid_ : ranks & torpid_;
  if (changing.empty()) return;
  torpid_ = torpid ? torpid_ | changing : torpid_ - changing;
  if (!release_.before(since::torpid_status)) {
    record(torpid ? "torpid" : "lively", {{"idset", changing.to_string()}});
  } else if (const flux::IdSet drainable = changing - drains_.ranks(); torpid && !drainable.empty()) {
    const std::string reason = "broker was unresponsive";
    static_cast<void>(drains_.drain(drainable, timers_.now(), reason, DrainMode::strict));
    record_drain("drain", drainable, reason, 0);
  }
  observer_.on_torpid();
  changed_();
}

Result<flux::IdSet> Resources::targets(std::string_view text) const {
  const auto checked = [&](flux::IdSet ranks) -> Result<flux::IdSet> {
    if (ranks.empty()) return fail_errno(Code::invalid, EINVAL, "idset is empty");
    if (*ranks.last() >= hosts_.size()) return fail_errno(Code::invalid, EINVAL, "idset is out of range");
    return ranks;
  };
  if (auto ranks = flux::IdSet::parse(text)) return checked(std::move(*ranks));
  flux::IdSet ranks;
  const auto names = flux::expand_hostlist(text);
  bool known = names.has_value();
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const auto found = std::ranges::find(hosts_, name);
    known = known && found != hosts_.end();
    if (known) ranks.insert(static_cast<flux::IdSet::Id>(found - hosts_.begin()));
  }
  if (!known) return fail_errno(Code::invalid, EINVAL, "invalid targets: invalid hosts: {}", text);
  return checked(std::move(ranks));
}

void Resources::record_drain(std::string name, const flux::IdSet& ranks,
                             const std::optional<std::string>& reason, int overwrite) {
  std::vector<std::string> names;
  for (const flux::IdSet::Id rank : ranks)
    names.push_back(hosts_[rank]);
  json::object context{{"idset", ranks.to_string()}, {"nodelist", flux::compress_hostlist(names)}};
  if (reason) context["reason"] = *reason;
  context["overwrite"] = overwrite;
  record(std::move(name), std::move(context));
}

Result<void> Resources::drain(std::string_view text, const std::optional<std::string>& reason,
                              const std::optional<std::string>& mode) {
  const auto ranks = targets(text);
  if (!ranks) return std::unexpected(ranks.error());
  const auto how = drain_mode(mode);
  if (!how) return std::unexpected(how.error());
  if (const flux::IdSet never = *ranks & excluded_; !never.empty())
    return fail_errno(Code::invalid, EINVAL, "rank{} {} excluded", never.size() > 1 ? "s" : "",
                      never.to_string());
  if (auto drained = drains_.drain(*ranks, timers_.now(), reason, *how); !drained) return drained;
  const int overwrite = *how == DrainMode::overwrite ? 1 : *how == DrainMode::force_overwrite ? 2 : 0;
  record_drain("drain", *ranks, reason, overwrite);
  changed_();
  return {};
}

Result<void> Resources::undrain(std::string_view text, const std::optional<std::string>& reason,
                                const std::optional<std::string>& mode) {
  const auto ranks = targets(text);
  if (!ranks) return std::unexpected(ranks.error());
  if (mode && *mode != "update" && *mode != "overwrite")
    return fail_errno(Code::invalid, EINVAL, "invalid undrain mode '{}' specified", *mode);
  if (auto undrained = drains_.undrain(*ranks, mode.has_value()); !undrained) return undrained;
  record_drain("undrain", *ranks, reason, 0);
  changed_();
  return {};
}

flux::ResourceSet Resources::whole(const flux::IdSet& ranks) const {
  std::vector<Slice> slices;
  for (const flux::IdSet::Id rank : ranks)
    slices.push_back(slices_.at(rank));
  return make_resource_set(slices, hosts_, properties_);
}

flux::ResourceStatus Resources::status() const {
  return {.resources = all_,
          .drains = drains_.merged(),
          .online = nodes_.members(),
          .offline = all_.ranks() - nodes_.members(),
          .exclude = excluded_,
          .torpid = release_.before(since::torpid_status) ? flux::IdSet() : torpid_};
}

flux::ResourceSet Resources::allocated() const {
  return make_resource_set(pool_.taken(), hosts_, properties_);
}

flux::SchedStatus Resources::sched_status() const {
  const flux::IdSet known = schedulable();
  return {.all = known == all_.ranks() ? all_ : whole(known),
          .down = whole(known - up()),
          .allocated = allocated()};
}

flux::SchedStatus Resources::scheduler_status() const {
  flux::SchedStatus status = sched_status();
  for (flux::ResourceSet* set : {&status.down, &status.allocated}) {
    set->has_nodelist = false;
    set->nodelist.clear();
  }
  status.down.properties.clear();
  status.down.has_properties = false;
  return status;
}

std::string Resources::kvs_eventlog() const {
  std::vector<flux::Event> kept;
  for (const flux::Event& event : journal_)
    if (event.name == "resource-define" || event.name == "drain" || event.name == "undrain")
      kept.push_back(event);
  return eventlog_text(kept);
}

}  // namespace fluxmetrics::simulate
