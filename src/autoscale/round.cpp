#include "autoscale/round.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "autoscale/busy_ranks.hpp"
#include "autoscale/drain.hpp"
#include "base/log.hpp"

namespace fluxmetrics::autoscale {
namespace asio = boost::asio;
namespace {

// A look at the cluster serves for this long, where nothing depends on a newer one.
constexpr Seconds cluster_serves{4};
// An API server takes longer to tell of 10,000 pods than of ten: so many times as long it has a rest, ...
constexpr int rests_after_look = 10;
// ... but not so long that what it told grows stale.
constexpr MonoTime::duration longest_rest = std::chrono::seconds(5);
// Jobs on ranks that are waited for are looked up again after this.
constexpr Seconds names_serve{5};
// As old as news are taken to be that there are none of.
constexpr auto unknown_for = std::chrono::hours(1);

flux::IdSet below(std::uint32_t end) {
  return end == 0 ? flux::IdSet{} : flux::IdSet::range(0, end - 1);
}

std::string_view ranks_or_rank(const flux::IdSet& ranks) {
  return ranks.size() == 1 ? "rank" : "ranks";
}

// What a later look at Flux alone has told.
void take_ranks(sizing::ResizeObservation& seen, sizing::ResizeObservation ranks) {
  seen.ranks = ranks.ranks;
  seen.online = std::move(ranks.online);
  seen.ours = std::move(ranks.ours);
  seen.others = std::move(ranks.others);
  seen.busy = std::move(ranks.busy);
}

std::string sentence(const sizing::ResizeActions& actions, const instance::InstanceState& state) {
  const auto& unknown = state.jobs_unknown.empty() ? state.allocated_unknown : state.jobs_unknown;
  if (actions.wait != sizing::ResizeWait::flux_silent || unknown.empty()) return sizing::to_sentence(actions);
  return fmt::format("what jobs need is not known, so no rank is given back or undrained: {}", unknown);
}

}  // namespace

Rounds::Rounds(sizing::ResizePolicy policy, WatchedCluster cluster, metrics::Store& store,
               metrics::Publisher& publisher, Clock clock)
    : policy_(policy),
      watched_(std::move(cluster)),
      store_(store),
      publisher_(publisher),
      clock_(std::move(clock)),
      resize_(policy) {}

asio::awaitable<Result<void>> Rounds::make(std::shared_ptr<flux::Client> client, metrics::Needed needed,
                                           bool in_touch) {
  // Of a broker that has begun anew nobody knows what was needed before.
  if (needed.state->started != std::exchange(started_, needed.state->started)) {
    resize_ = sizing::Resize(policy_);
    published_ = 0;
  }
  need_ = needed.need;
  auto seen = co_await observe(client, need_);
  if (!seen) co_return std::unexpected(seen.error());
  if (!in_touch) seen->flux_seen = std::min(seen->flux_seen, needed.confirmed.mono);
  if (!needed.known) {
    seen->flux_seen = seen->now - unknown_for;
    seen->need = std::max(1U, published_);
  }
  auto actions = resize_.step(*seen);
  if (actions.publish > 0 && (published_ == 0 || actions.publish < published_)) {
    // What may be given back now must be empty for good.
    auto ranks = co_await look_behind_scheduler(client);
    if (!ranks) co_return std::unexpected(ranks.error());
    take_ranks(*seen, *std::move(ranks));
    seen->now = clock_().mono;
    actions = resize_.step(*seen);
  }
  const auto waits_for = actions.wait == sizing::ResizeWait::jobs ? actions.waits_for : flux::IdSet{};
  auto why = sentence(actions, *needed.state);
  if (std::exchange(waited_, actions.wait) != actions.wait && !why.empty()) log::info("{}", why);
  report_.on_round(*seen, actions, why, clock_());
  settled_ = actions.drain.empty() && actions.undrain.empty() && actions.publish == published_ &&
             actions.wait == sizing::ResizeWait::nothing && in_touch;
  auto done = co_await act(client, std::move(actions), std::move(why));
  if (done && !waits_for.empty()) co_await name_jobs(client, waits_for);
  store_.set_draining(report_.read());
  co_return done;
}

asio::awaitable<Result<sizing::ResizeObservation>> Rounds::observe(std::shared_ptr<flux::Client> client,
                                                                   std::uint32_t undrains_below) {
  const auto published = published_;
  const auto began = clock_().mono;
  const auto told = store_.told(began);
  if (watched_.look) co_await look_at_cluster();
  const auto looked = clock_().mono;
  auto seen = co_await look_at_ranks(client);
  if (!seen) co_return std::unexpected(seen.error());
  ours_ = seen->ours;
  handed_out_ = told.handed_out;
  seen->need = need_;
  seen->published = published;
  seen->handed_out = told.handed_out;
  seen->flux_seen = looked;
  if (cluster_) {
    const auto terminating = cluster_->terminating | leaving_;
    // Flux does not tell two brokers of a rank apart. But a broker that answers now lives, and of an index
    // whose old pods were gone before it was asked only the pod that stays can hold it. (Not so where a pod
    // was deleted by force: the API server then forgets it while it may live on.) While an old pod
    // terminates, nothing is proved: its broker may even come back, as the pod's script starts it again.
    // And on a look before the last read of a value an older value may since have been acted on.
    flux::IdSet candidates;
    if (cluster_seen_ >= began) {
      candidates = seen->ours & seen->online & (cluster_->staying - terminating) &
                   below(std::min(undrains_below, cluster_->size));
    }
    auto joined = co_await ranks_that_answer(client, std::move(candidates));
    seen->cluster = sizing::ClusterSight{.seen = cluster_seen_,
                                         .size = cluster_->size,
                                         .parallelism = cluster_->parallelism,
                                         .terminating = terminating,
                                         .joined = std::move(joined)};
  }
  seen->now = clock_().mono;
  co_return seen;
}

asio::awaitable<void> Rounds::look_at_cluster() {
  const auto now = clock_().mono;
  // Pods that go tell of a size that somebody wrote.
  const bool news = pods_leave();
  if (watched_.leaving) leaving_ = watched_.leaving();
  // What grows or is undrained must be seen after what was handed out last.
  const bool matters = !cluster_ || need_ > cluster_->size || !(ours_ & below(need_)).empty();
  if (!news && ((!matters && now - cluster_seen_ < cluster_serves) || now < no_look_before_)) co_return;
  auto look = co_await watched_.look();
  const auto ended = clock_().mono;
  no_look_before_ = ended + std::min((ended - now) * rests_after_look, longest_rest);
  if (look) {
    cluster_ = *std::move(look);
    cluster_seen_ = now;
    cluster_trouble_.clear();
  } else {
    cluster_trouble_ = look.error().message;
  }
}

asio::awaitable<Result<void>> Rounds::act(std::shared_ptr<flux::Client> client, sizing::ResizeActions actions,
                                          std::string why) {
  auto trouble = cluster_trouble_;
  bool drained = true;
  if (!actions.drain.empty()) {
    const auto done = co_await drain(client, actions.drain);
    drained = done.has_value();
    // Those that the scheduler had not heard of yet are drained once more.
    if (const auto fresh = actions.drain - ours_; drained && !fresh.empty()) {
      log::info("drained {} {}: no job starts there any more", ranks_or_rank(fresh), fresh.to_string());
      report_.on_drained(fresh, clock_().mono);
    }
    if (!drained) {
      trouble = done.error().message;
      if (!client->connected()) co_return done;
    }
  }
  // Whatever could not be drained, a larger size takes nothing away.
  if (drained || actions.publish >= published_) publish(actions.publish, trouble.empty() ? why : trouble);
  tell(trouble);
  if (actions.undrain.empty()) co_return Result<void>{};
  const auto done = co_await undrain_ours(client, actions.undrain);
  if (!done) co_return done;
  log::info("undrained {} {}", ranks_or_rank(actions.undrain), actions.undrain.to_string());
  report_.on_undrained(actions.undrain);
  co_return done;
}

void Rounds::publish(std::uint32_t size, const std::string& why_none) {
  if (size == 0) {
    publisher_.on_wanted(fail(Code::unavailable, "nothing is safe to publish yet: {}", why_none), started_);
    return;
  }
  if (size == published_) return;
  publisher_.on_wanted(size, started_);
  if (const auto before = std::exchange(published_, size); before == 0) {
    log::info("node_wanted_count is {}", size);
  } else {
    log::info("node_wanted_count is {}, after {}", size, before);
  }
}

asio::awaitable<void> Rounds::name_jobs(std::shared_ptr<flux::Client> client, flux::IdSet ranks) {
  const auto now = clock_().mono;
  if (now - named_at_ < names_serve) co_return;
  const auto busy = co_await jobs_of(client, ranks);
  if (busy) report_.on_jobs(jobs_in(*busy));
  named_at_ = now;
}

void Rounds::tell(const std::string& trouble) {
  report_.on_trouble(trouble);
  if (trouble == told_) return;
  if (trouble.empty()) {
    log::info("ranks are drained and undrained again");
  } else {
    log::warning("{}", trouble);
  }
  told_ = trouble;
}

void Rounds::on_trouble(const std::optional<Error>& why) {
  settled_ = false;
  if (why && published_ == 0) publisher_.on_wanted(fail(Code::unavailable, "{}", why->message), started_);
  tell(why ? why->message : std::string());
  store_.set_draining(report_.read());
}

asio::awaitable<Result<void>> Rounds::let_go(std::shared_ptr<flux::Client> client) {
  const auto told = store_.told(clock_().mono);
  need_ = sizing::nobody;  // the cluster is looked at anew
  no_look_before_ = {};
  auto seen = co_await observe(client, sizing::nobody);
  if (!seen) co_return std::unexpected(seen.error());
  if (told.unread) seen->handed_out = sizing::nobody;
  auto ranks = sizing::ranks_to_undrain_at_end(*seen, policy_);
  if (!ranks.empty()) {
    const auto done = co_await undrain_ours(client, ranks);
    if (!done) co_return done;
    log::info("undrained {} {} before ending", ranks_or_rank(ranks), ranks.to_string());
  }
  const auto left = seen->ours - ranks;
  if (!left.empty()) {
    const bool one = left.size() == 1;
    log::info(
        "{} {} {} drained: {}", ranks_or_rank(left), left.to_string(), one ? "stays" : "stay",
        cluster_trouble_.empty() ? "a value that was read may still take nodes away" : cluster_trouble_);
  }
  co_return Result<void>{};
}

}  // namespace fluxmetrics::autoscale
