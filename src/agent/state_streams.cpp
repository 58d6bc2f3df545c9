#include "agent/state_streams.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "agent/refusal.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "instance/state_message.hpp"

namespace fluxmetrics::agent {

namespace asio = boost::asio;

namespace {

using State = std::shared_ptr<const instance::InstanceState>;
using Messages = std::shared_ptr<instance::StateMessages>;

instance::StateStamp stamp_of(const metrics::Snapshot& snapshot) {
  return {.generation = snapshot.generation, .confirmed = snapshot.confirmed.wall};
}

asio::awaitable<std::string> write_next(Messages messages) {
  co_return messages->next();
}

MonoTime::duration ticks(Seconds time) {
  return std::chrono::duration_cast<MonoTime::duration>(time);
}

// The last word of the broker, and why there is no newer one.
std::string heartbeat(const metrics::View& view) {
  auto line = instance::confirmation_message(stamp_of(*view.snapshot));
  if (view.trouble.empty()) return line;
  line.back() = ',';
  return line + "\"trouble\":" + boost::json::serialize(boost::json::string(view.trouble)) + "}";
}

}  // namespace

class StateStream : public http::BodySource {
 public:
  StateStream(StateStreams& streams, StateStreams::Key key, const asio::any_io_executor& executor)
      : streams_(streams),
        key_(std::move(key)),
        number_(++streams.opened_),
        wake_(executor),
        over_at_(MonoTime::clock::now() + ticks(streams.options_.longest_life)) {}
  StateStream(const StateStream&) = delete;
  StateStream& operator=(const StateStream&) = delete;
  ~StateStream() override { leave(); }

  asio::awaitable<std::optional<std::string>> next() override {
    while (!ended_) {
      const auto now = MonoTime::clock::now();
      if (now >= over_at_) break;
      const auto view = streams_.store_.view();
      if (!messages_ && view.snapshot && view.snapshot->state != sent_) {
        messages_ = std::make_shared<instance::StateMessages>(std::exchange(sent_, view.snapshot->state),
                                                              view.snapshot->state, stamp_of(*view.snapshot));
      }
      if (messages_) {
        auto writing = write_next(messages_);
        const auto line = co_await streams_.worker_.run(std::move(writing));
        if (ended_) break;
        if (messages_->over()) messages_.reset();
        beat_at_ = MonoTime::clock::now() + ticks(streams_.options_.heartbeat);
        co_return line + "\n";
      }
      if (view.snapshot && (now >= beat_at_ || view.trouble != trouble_)) {
        trouble_ = view.trouble;
        beat_at_ = now + ticks(streams_.options_.heartbeat);
        co_return heartbeat(view) + "\n";
      }
      wake_.expires_at(std::min(beat_at_, over_at_));
      co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    end();
    co_return std::nullopt;
  }
  void end() override {
    ended_ = true;
    messages_.reset();  // a client that is slow to leave costs no memory
    sent_.reset();
    wake_.cancel();
    leave();
  }
  void wake() { wake_.cancel(); }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  void leave() { streams_.remove(key_, this); }

  StateStreams& streams_;
  StateStreams::Key key_;
  std::uint64_t number_;  // in the order of their beginning
  asio::steady_timer wake_;
  MonoTime over_at_;
  MonoTime beat_at_ = MonoTime::max();
  State sent_;           // what the lines make, with the messages that are left
  Messages messages_;    // null: none is left
  std::string trouble_;  // that was told
  bool ended_ = false;
};

std::expected<std::shared_ptr<http::BodySource>, kube::Status> StateStreams::open(
    Key key, asio::any_io_executor executor) {
  if (const auto other = streams_.find(key); other != streams_.end()) {
    log::info("the state's stream of {} ends: {} has begun another one", printable(key.first, 100),
              key.second.empty() ? "the same client" : printable(key.second, 100));
    other->second->end();
  }
  end_oldest_of(key.first);
  if (streams_.size() >= options_.most) {
    return std::unexpected(refusal(
        429,
        fmt::format("{} streams of the state are open, which is as many as may be: close one, or name the "
                    "same requester, whose older stream then ends",
                    streams_.size())));
  }
  auto stream = std::make_shared<StateStream>(*this, key, executor);
  if (streams_.empty()) listen(executor);
  streams_.emplace(std::move(key), stream.get());
  return stream;
}

// With as many of the user as may be: one of them makes room, never another user's.
void StateStreams::end_oldest_of(const std::string& user) {
  StateStream* oldest = nullptr;
  std::size_t count = 0;
  for (auto each = streams_.lower_bound({user, ""}); each != streams_.end() && each->first.first == user;
       ++each) {
    if (oldest == nullptr || each->second->number() < oldest->number()) oldest = each->second;
    ++count;
  }
  if (count < options_.most_of_user) return;
  log::info("the oldest stream of the state of {} ends: this user has begun {} others", printable(user, 100),
            count);
  oldest->end();
}

// The thread that publishes hands over to the serving one.
void StateStreams::listen(const asio::any_io_executor& executor) {
  store_.on_change([this, executor] { asio::post(executor, [this] { wake(); }); });
}

void StateStreams::wake() {
  for (const auto& [key, stream] : streams_)
    stream->wake();
}

void StateStreams::remove(const Key& key, const StateStream* stream) {
  const auto found = streams_.find(key);
  if (found == streams_.end() || found->second != stream) return;
  streams_.erase(found);
  if (streams_.empty()) store_.on_change(nullptr);
}

}  // namespace fluxmetrics::agent
