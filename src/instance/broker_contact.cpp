#include "instance/broker_contact.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "flux/hostlist.hpp"
#include "flux/uri.hpp"

namespace fluxmetrics::instance {
namespace {

constexpr std::size_t most_levels = 32;  // of sub-instances in each other

Result<std::uint32_t> to_number(const std::string& text, std::string_view name) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::protocol, "broker attribute {} is '{}', not a number", name, printable(text, 40));
  }
  return number;
}

}  // namespace

Task<void> BrokerContact::open(bool follow_to_top, InstanceState& state) {
  auto ready = co_await connect();
  if (ready) ready = co_await identify(state);
  if (ready && follow_to_top && state.level > 0) ready = co_await go_to_top(state);
  if (ready) ready = co_await learn_role(state);
  co_return ready;
}

void BrokerContact::close(const std::string& reason) {
  if (streams_) streams_->close(reason);
  if (polls_) polls_->close(reason);
}

Task<void> BrokerContact::connect() {
  auto polls = co_await flux::Client::connect(socket_path_);
  if (!polls) co_return std::unexpected(polls.error());
  auto streams = co_await flux::Client::connect(socket_path_);
  if (!streams) co_return std::unexpected(streams.error());
  polls_ = std::move(*polls);
  streams_ = std::move(*streams);
  queries_ = std::make_unique<Queries>(polls_, &times_, clock_);
  co_return Result<void>{};
}

Task<void> BrokerContact::identify(InstanceState& state) {
  const auto size = co_await queries_->attribute("size");
  if (!size) co_return std::unexpected(size.error());
  if (!*size) co_return fail(Code::protocol, "the broker has no attribute size");
  const auto count = to_number(**size, "size");
  if (!count) co_return std::unexpected(count.error());
  state.size = *count;
  const auto level = co_await queries_->attribute("instance-level");
  if (!level) co_return std::unexpected(level.error());
  state.level = to_number(level->value_or("0"), "instance-level").value_or(0);
  const auto version = co_await queries_->attribute("version");
  if (!version) co_return std::unexpected(version.error());
  state.version = version->value_or("");
  const auto started = co_await queries_->attribute("broker.starttime");
  if (!started) co_return std::unexpected(started.error());
  state.started = started->value_or("");
  const auto hosts = co_await queries_->attribute("hostlist");
  if (!hosts) co_return std::unexpected(hosts.error());
  if (const auto names = flux::expand_hostlist(hosts->value_or("")); names && !names->empty()) {
    state.hostname = names->front();
  }
  co_return Result<void>{};
}

Task<void> BrokerContact::go_to_top(InstanceState& state) {
  std::vector<std::string> passed;
  while (state.level > 0) {
    if (std::ranges::find(passed, socket_path_) != passed.end() || passed.size() >= most_levels) {
      co_return fail(
          Code::protocol,
          "the broker at {} belongs to a sub-instance whose chain of parents is a circle: name the "
          "instance to serve with --flux-uri",
          socket_path_);
    }
    passed.push_back(socket_path_);
    const auto parent = co_await queries_->own_attribute("parent-uri");
    if (!parent) co_return std::unexpected(parent.error());
    const auto path = flux::local_socket_path(parent->value_or(""));
    if (!path) {
      co_return fail(
          Code::unsupported,
          "the broker at {} belongs to a sub-instance (level {}) and its parent cannot be reached: {}; "
          "name the instance to serve with --flux-uri",
          socket_path_, state.level, path.error().message);
    }
    log::info("the broker at {} belongs to a sub-instance (level {}): going up to {}", socket_path_,
              state.level, *path);
    socket_path_ = *path;
    close("going to the parent instance");
    if (auto connected = co_await connect(); !connected) co_return connected;
    if (auto identified = co_await identify(state); !identified) co_return identified;
  }
  co_return Result<void>{};
}

Task<void> BrokerContact::learn_role(InstanceState& state) {
  const auto owner = co_await queries_->owner();
  if (!owner) co_return std::unexpected(owner.error());
  state.owner = *owner;
  co_return Result<void>{};
}

}  // namespace fluxmetrics::instance
