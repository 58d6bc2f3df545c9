#include "user/worker.hpp"

#include <algorithm>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "base/log.hpp"

namespace fluxmetrics::user {
namespace {

// Of the time, at most one part in so many is worked.
constexpr int rest_factor = 4;
// What took so long is handed on before the others are worked out.
constexpr std::chrono::milliseconds long_time{100};

}  // namespace

Worker::Worker(std::unique_ptr<Source> source, std::size_t first)
    : source_(std::move(source)),
      first_(first),
      stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      benches_(source_->metrics().size()),
      told_(source_->metrics().size()) {
  source_->set_stop(stop_event_);
}

Worker::~Worker() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  if (::write(stop_event_, &one, sizeof one) < 0) log::debug("a worker is not woken, it ends by its limits");
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  source_.reset();
  ::close(stop_event_);
}

void Worker::start(Sink sink) {
  sink_ = std::move(sink);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Worker::on_state(State state, Now confirmed) {
  {
    const std::scoped_lock lock(mutex_);
    newest_confirmed_ = confirmed;
    if (state == newest_) return;
    std::swap(newest_, state);
  }
  changed_.notify_all();
}

void Worker::run(const std::stop_token& stop) {
  while (await_round(stop)) {
    cost_ = {};
    round(stop);
    ended_ = MonoTime::clock::now();
  }
}

MonoTime Worker::next_retry() const {
  if (preparing_.waits()) return preparing_.until();
  auto next = MonoTime::max();
  for (const auto& bench : benches_)
    if (bench.waits()) next = std::min(next, bench.until());
  return next;
}

bool Worker::await_round(const std::stop_token& stop) {
  const auto rhythm = source_->rhythm();
  const auto least = std::chrono::duration_cast<MonoTime::duration>(rhythm.pause);
  const Seconds room = rhythm.longest - cost_;  // a longer rest would let values grow too old
  const bool fits = Seconds(cost_ * rest_factor) <= room;
  const auto rest = fits ? cost_ * rest_factor : std::chrono::duration_cast<MonoTime::duration>(room);
  const auto pause = std::max(least, rest);
  const auto rested = worked_ || state_ ? ended_ + pause : MonoTime();
  std::unique_lock lock(mutex_);
  // First the rest, then a reason.
  changed_.wait_until(lock, stop, rested, [] { return false; });
  auto due = next_retry();
  if (state_ && rhythm.every)
    due = std::min(due, ended_ + std::chrono::duration_cast<MonoTime::duration>(*rhythm.every));
  const auto has_news = [this] { return newest_ && newest_ != state_; };
  if (due == MonoTime::max()) {
    changed_.wait(lock, stop, has_news);
  } else {
    changed_.wait_until(lock, stop, due, has_news);
  }
  if (stop.stop_requested()) return false;
  if (state_ != newest_) worked_ = false;
  state_ = newest_;
  confirmed_ = newest_confirmed_;
  return true;
}

bool Worker::is_ready() {
  const auto now = MonoTime::clock::now();
  if (!preparing_.due(now)) return false;
  auto ready = source_->prepare(state_, confirmed_.wall);
  if (ready) {
    preparing_.succeeded();
    cost_ += MonoTime::clock::now() - now;
    return true;
  }
  preparing_.failed(MonoTime::clock::now());
  fail_all(ready.error());
  return false;
}

void Worker::round(const std::stop_token& stop) {
  if (!state_) return;
  const bool again = std::exchange(worked_, true);
  const bool refreshes = source_->rhythm().every.has_value();
  for (std::size_t i = 0; i < benches_.size(); ++i) {
    if (again && (!refreshes || source_->of_state(i))) continue;
    if (stop.stop_requested()) return;
    if (!benches_[i].waits()) work_out(i);
  }
  deliver();
  // Then one of those that killed, alone: the others have their values.
  const auto now = MonoTime::clock::now();
  for (std::size_t i = 0; i < benches_.size(); ++i) {
    if (!benches_[i].waits() || !benches_[i].due(now)) continue;
    if (stop.stop_requested()) return;
    work_out(i);
    break;
  }
  deliver();
}

void Worker::work_out(std::size_t index) {
  if (!is_ready()) {
    worked_ = false;  // when the child is back, all of them
    return;
  }
  const Now began = Now::read();
  auto outcome = source_->evaluate(index);
  const bool fatal = outcome.fatal;
  const auto now = MonoTime::clock::now();
  set(index, std::move(outcome.items), source_->reads_state() ? confirmed_ : began);
  if (fatal) {
    benches_[index].failed(now);  // that is its rest
  } else {
    benches_[index].succeeded();
    cost_ += now - began.mono;
  }
  if (fatal || now - began.mono > long_time) deliver();
}

void Worker::set(std::size_t index, Items items, Now measured) {
  tell(index, items ? std::string() : items.error().message);
  metrics::UserReading news{.index = first_ + index,
                            .reading = {.items = std::move(items),
                                        .measured = measured,
                                        .state = source_->of_state(index) ? state_ : nullptr}};
  std::erase_if(news_, [&](const auto& each) { return each.index == news.index; });
  news_.push_back(std::move(news));
}

void Worker::fail_all(const Error& error) {
  const Now now = source_->reads_state() ? confirmed_ : Now::read();
  for (std::size_t i = 0; i < benches_.size(); ++i)
    set(i, std::unexpected(error), now);
  deliver();
}

void Worker::deliver() {
  if (!news_.empty()) sink_(std::exchange(news_, {}));
}

// When trouble begins and when it is over; between, its words may change with every round.
void Worker::tell(std::size_t index, const std::string& trouble) {
  const auto& metric = source_->metrics()[index];
  auto& told = told_[index];
  if (trouble == told) return;
  if (trouble.empty()) {
    log::info("{}: the metric {} has a value again", metric.source, metric.name);
  } else if (told.empty()) {
    log::warning("{}: the metric {} has no value: {}", metric.source, metric.name, trouble);
  } else {
    log::debug("{}: the metric {} has no value: {}", metric.source, metric.name, trouble);
  }
  told = trouble;
}

}  // namespace fluxmetrics::user
