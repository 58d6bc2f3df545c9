#include "module/core.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "instance/state_message.hpp"
#include "metrics/prometheus.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::module {
namespace {

namespace json = boost::json;

// Of one document; a feed has no such limit.
constexpr std::size_t most_jobs_a_document = 50'000;
// A reader that took nothing for so long is no reader.
constexpr Seconds longest_pause{60};

instance::StateStamp stamp_of(const metrics::Snapshot& snapshot) {
  return {.generation = snapshot.generation, .confirmed = snapshot.confirmed.wall};
}

std::unexpected<Error> no_state(const metrics::View& view) {
  return fail(Code::unavailable, "the state of the instance is not known{}{}",
              view.trouble.empty() ? " yet: try again" : ": ", view.trouble);
}

}  // namespace

Result<const std::string*> Feed::next(Now now) {
  if (credit_ == 0) {
    if (!std::exchange(paused_, true)) paused_at_ = now.mono;
    if (now.mono - paused_at_ <= longest_pause) return nullptr;
    return fail(Code::timed_out, "{} messages were sent and not acknowledged: try again", window_);
  }
  if (!messages_) {
    const auto view = core_.store_.view();
    if (!view.trouble.empty()) return no_state(view);
    if (!view.snapshot || view.snapshot->generation == generation_) return nullptr;
    generation_ = view.snapshot->generation;
    if (view.snapshot->state == sent_) {
      --credit_;
      confirmation_ = instance::confirmation_message(stamp_of(*view.snapshot));
      return &confirmation_;
    }
    messages_ = core_.messages_between(sent_, *view.snapshot);
    sent_ = view.snapshot->state;
    position_ = 0;
  }
  --credit_;
  const auto& text = messages_->at(position_++);
  if (position_ < messages_->size()) return &text;
  // The last of them: it must live until it is sent.
  confirmation_ = text;
  messages_.reset();
  return &confirmation_;
}

void Feed::acknowledge() {
  credit_ = std::min(window_, credit_ + std::max(1U, window_ / 2));
  paused_ = false;
}

Core::Core(Options options, std::string socket_path, std::function<void()> woken)
    : options_(options), woken_(std::move(woken)), publisher_(options.policy, true, store_) {
  publisher_.keep([](const instance::InstanceState& state) { return sizing::end_of(state.online); });
  // The broker is known by its own socket; asking the module would be asking itself.
  collector_.emplace(
      instance::CollectorOptions{.socket_paths = {std::move(socket_path)},
                                 .follow_to_top = false,
                                 .max_staleness = options.max_staleness,
                                 .ask_module = false},
      instance::CollectorSink{.state =
                                  [this](auto state, Now confirmed) {
                                    publisher_.on_state(std::move(state), confirmed);
                                    woken_();
                                  },
                              .trouble =
                                  [this](instance::Trouble why) {
                                    store_.set_trouble(std::move(why.reason), why.kind);
                                    woken_();
                                  },
                              .effort = [this](const instance::Effort& effort) { store_.set_effort(effort); },
                              .rpc_times = [this](auto times) { store_.set_rpc_times(std::move(times)); }});
}

Result<std::string> Core::document() const {
  const auto view = store_.view();
  if (!view.snapshot || !view.trouble.empty()) return no_state(view);
  auto text = instance::state_document(*view.snapshot->state, stamp_of(*view.snapshot), most_jobs_a_document);
  if (text.empty()) {
    return fail(Code::invalid,
                "there are more than {} jobs: request a stream, which sends them piece by piece",
                most_jobs_a_document);
  }
  return text;
}

Result<std::string> Core::exposition(metrics::ExpositionFormat format, Now now) const {
  const auto view = store_.view();
  if (!view.snapshot) return no_state(view);
  const Seconds age = now.mono - view.snapshot->confirmed.mono;
  if (age > options_.max_staleness) {
    return fail(Code::unavailable, "the newest values are {:.0f} s old: {}", age.count(),
                view.trouble.empty() ? "the broker does not answer" : view.trouble);
  }
  metrics::ExpositionWriter writer(format);
  metrics::expose_instance(*view.snapshot, writer);
  writer.end();
  return json::serialize(json::object{{"generation", view.snapshot->generation},
                                      {"content_type", metrics::content_type(format)},
                                      {"text", writer.text()}});
}

Result<std::unique_ptr<Feed>> Core::open_feed(unsigned window, std::size_t open) {
  if (open >= options_.most_streams)
    return fail(Code::unavailable, "{} streams are open, which is as many as max-streams allows", open);
  return std::make_unique<Feed>(*this, std::max(2U, window));
}

bool Core::ending() const {
  return store_.view().trouble_kind == instance::Trouble::Kind::ending;
}

std::string Core::statistics(std::size_t feeds, Now now) const {
  const auto view = store_.view();
  json::object document{{"streams", feeds}, {"trouble", view.trouble}};
  std::uint64_t requests = 0;
  if (const auto times = store_.rpc_times())
    for (const auto& topic : *times)
      requests += topic.seconds.count();
  document["requests"] = requests;
  if (view.snapshot) {
    document["generation"] = view.snapshot->generation;
    document["age"] = Seconds(now.mono - view.snapshot->confirmed.mono).count();
    document["jobs"] = view.snapshot->state->jobs.size();
    document["broker_share"] = view.effort.share;
    document["journal"] = view.effort.journal;
  }
  return json::serialize(document);
}

Messages Core::messages_between(const std::shared_ptr<const instance::InstanceState>& before,
                                const metrics::Snapshot& after) {
  if (shared_.messages && shared_.before == before && shared_.after == after.state) return shared_.messages;
  shared_ = {.before = before,
             .after = after.state,
             .messages = std::make_shared<const std::vector<std::string>>(
                 instance::state_messages(before.get(), *after.state, stamp_of(after)))};
  return shared_.messages;
}

}  // namespace fluxmetrics::module
