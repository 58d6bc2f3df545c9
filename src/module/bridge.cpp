// bridge.h over the room `module`: no exception and no signal passes it.
#include "module/bridge.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "flux/uri.hpp"
#include "module/core.hpp"
#include "module/options.hpp"

using fluxmetrics::Code;
using fluxmetrics::Error;
using fluxmetrics::Now;

namespace {

constexpr std::size_t most_lines = 100;

int syslog_level(fluxmetrics::log::Level level) {
  using enum fluxmetrics::log::Level;
  if (level == error) return LOG_ERR;
  if (level == warning) return LOG_WARNING;
  return level == info ? LOG_INFO : LOG_DEBUG;
}

// Lines that wait to be logged: flux_log() may be called on the module's thread only.
class Lines {
 public:
  void add(fluxmetrics::log::Level level, std::string_view text) {
    const std::scoped_lock lock(mutex_);
    if (lines_.size() >= most_lines) lines_.pop_front();
    lines_.emplace_back(syslog_level(level), text);
  }
  std::optional<std::pair<int, std::string>> take() {
    const std::scoped_lock lock(mutex_);
    if (lines_.empty()) return std::nullopt;
    auto line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }

 private:
  std::mutex mutex_;
  std::deque<std::pair<int, std::string>> lines_;
};

// A counter that a reactor can watch.
class Bell {
 public:
  Bell() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  void ring() const { [[maybe_unused]] const auto done = eventfd_write(fd_, 1); }
  void hush() const {
    eventfd_t count = 0;
    [[maybe_unused]] const auto done = eventfd_read(fd_, &count);
  }

 private:
  int fd_;
};

// Signals of the broker are handled by its own threads: those that begin while this lives get none.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// Log lines come here as long as this lives.
class LogOutput {
 public:
  LogOutput(Lines& lines, const Bell& bell, fluxmetrics::log::Level level) {
    fluxmetrics::log::set_output([&lines, &bell](fluxmetrics::log::Level of, std::string_view text) {
      lines.add(of, text);
      bell.ring();
    });
    fluxmetrics::log::set_level(level);
  }
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;
  ~LogOutput() { fluxmetrics::log::set_output({}); }
};

int errnum_of(const Error& error) {
  if (error.errnum != 0) return error.errnum;
  switch (error.code) {
    case Code::invalid:
      return EINVAL;
    case Code::unavailable:
      return EAGAIN;
    case Code::timed_out:
      return ETIMEDOUT;
    default:
      return EPROTO;
  }
}

void tell(fmm_error* target, int errnum, std::string_view text) {
  target->errnum = errnum;
  const auto size = text.copy(target->text, sizeof(target->text) - 1);
  target->text[size] = '\0';
}
void tell(fmm_error* target, const Error& error) {
  tell(target, errnum_of(error), error.message);
}

// Runs what may throw (memory, threads) and tells a failure.
template <class Function>
auto guarded(fmm_error* error, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    tell(error, ENOMEM, "out of memory");
  } catch (const std::exception& fault) {
    tell(error, EPROTO, fmt::format("internal error: {}", fault.what()));
  }
  return {};
}

}  // namespace

struct fmm_core {
  fmm_core(const fluxmetrics::module::Options& options, std::string path)
      : output(lines, bell, options.log_level), core(options, std::move(path), [this] { bell.ring(); }) {}

  Lines lines;
  Bell bell;
  LogOutput output;
  std::size_t feeds = 0;
  std::string line, text;          // that were handed out last
  fluxmetrics::module::Core core;  // last: its thread uses what is above
};

struct fmm_feed {
  fmm_core* owner;
  std::unique_ptr<fluxmetrics::module::Feed> feed;
};

namespace {

// Hands out a document, or tells why there is none.
const char* hand_out(fmm_core* core, fluxmetrics::Result<std::string> document, fmm_error* error) {
  if (!document) {
    tell(error, document.error());
    return nullptr;
  }
  core->text = *std::move(document);
  return core->text.c_str();
}

fluxmetrics::Result<std::unique_ptr<fmm_core>> make_core(const char* uri, int argc, char** argv) {
  auto path = fluxmetrics::flux::local_socket_path(uri);
  if (!path) return std::unexpected(path.error());
  const std::vector<std::string_view> words(argv, argv + argc);
  const auto options = fluxmetrics::module::parse_options(words);
  if (!options) return std::unexpected(options.error());
  const NoSignals no_signals;
  auto core = std::make_unique<fmm_core>(*options, *std::move(path));
  if (core->bell.fd() < 0) return fluxmetrics::fail(Code::unavailable, "no file descriptor is left");
  return core;
}

}  // namespace

fmm_core* fmm_create(const char* uri, int argc, char** argv, fmm_error* error) {
  return guarded(error, [&]() -> fmm_core* {
    auto core = make_core(uri, argc, argv);
    if (core) return core->release();
    tell(error, core.error());
    return nullptr;
  });
}

void fmm_destroy(fmm_core* core) {
  const std::unique_ptr<fmm_core> owned(core);
}

int fmm_fd(const fmm_core* core) {
  return core->bell.fd();
}

void fmm_begin_round(fmm_core* core) {
  core->bell.hush();
  core->core.begin_round();
}

bool fmm_ending(const fmm_core* core) {
  return core->core.ending();
}

bool fmm_next_line(fmm_core* core, int* level, const char** line) {
  auto next = core->lines.take();
  if (!next) return false;
  *level = next->first;
  core->line = std::move(next->second);
  *line = core->line.c_str();
  return true;
}

const char* fmm_document(fmm_core* core, fmm_error* error) {
  return guarded(error, [&] { return hand_out(core, core->core.document(), error); });
}

const char* fmm_exposition(fmm_core* core, bool openmetrics, fmm_error* error) {
  using fluxmetrics::metrics::ExpositionFormat;
  const auto format = openmetrics ? ExpositionFormat::openmetrics : ExpositionFormat::text;
  return guarded(error, [&] { return hand_out(core, core->core.exposition(format, Now::read()), error); });
}

const char* fmm_statistics(fmm_core* core, fmm_error* error) {
  return guarded(error,
                 [&] { return hand_out(core, core->core.statistics(core->feeds, Now::read()), error); });
}

fmm_feed* fmm_feed_open(fmm_core* core, int window, fmm_error* error) {
  return guarded(error, [&]() -> fmm_feed* {
    auto feed = core->core.open_feed(static_cast<unsigned>(std::max(0, window)), core->feeds);
    if (!feed) {
      tell(error, feed.error());
      return nullptr;
    }
    auto opened = std::make_unique<fmm_feed>(fmm_feed{.owner = core, .feed = *std::move(feed)});
    ++core->feeds;
    return opened.release();
  });
}

void fmm_feed_close(fmm_feed* feed) {
  const std::unique_ptr<fmm_feed> owned(feed);
  if (owned) --owned->owner->feeds;
}

const char* fmm_feed_next(fmm_feed* feed, fmm_error* error) {
  error->errnum = 0;
  return guarded(error, [&]() -> const char* {
    const auto next = feed->feed->next(Now::read());
    if (next) return *next == nullptr ? nullptr : (*next)->c_str();
    tell(error, next.error());
    return nullptr;
  });
}

void fmm_feed_acknowledge(fmm_feed* feed) {
  feed->feed->acknowledge();
}
