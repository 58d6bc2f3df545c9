#include "access/authentication_watcher.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "base/rest.hpp"

namespace fluxmetrics::access {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* list_path =
    "/api/v1/namespaces/kube-system/"
    "configmaps?fieldSelector=metadata.name%3Dextension-apiserver-authentication";
constexpr kube::InformerTimings timings{.watch = Seconds(120), .longest_silence = Seconds(150)};
constexpr const char* does_not_exist = "it does not exist; kube-apiserver creates it";
constexpr Seconds between_looks{0.5};
constexpr Seconds moment{0.01};

const json::object* child(const json::object& parent, std::string_view key) {
  const auto* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace

AuthenticationWatcher::AuthenticationWatcher(kube::RestClient& client, AuthenticationState& state,
                                             Clock clock)
    : client_(client), state_(state), clock_(std::move(clock)), informer_(client, *this, timings, clock_) {
  informer_.follow({.path = list_path,
                    .what = fmt::format("the ConfigMap {}", authentication_config_map),
                    .kind = "ConfigMaps"});
}

asio::awaitable<void> AuthenticationWatcher::run() {
  return informer_.run();
}

Error AuthenticationWatcher::refusal(const http::Fetched& answer) const {
  if (answer.status != 401 && answer.status != 403) {
    return {.code = Code::unavailable, .message = kube::message_of(answer)};
  }
  return {
      .code = Code::denied,
      .message = fmt::format("{}; bind the Role extension-apiserver-authentication-reader of the namespace "
                             "kube-system to this server's user",
                             kube::message_of(answer))};
}

void AuthenticationWatcher::changed(const json::object& config_map) {
  exists_ = true;
  apply(config_map);
}

void AuthenticationWatcher::deleted(const kube::ObjectKey& /*key*/) {
  exists_ = false;
  log::warning("the ConfigMap {} was deleted; its previous contents stay in use", authentication_config_map);
}

void AuthenticationWatcher::synced() {
  if (!exists_) tell(does_not_exist);
}

void AuthenticationWatcher::failed(const Error& trouble) {
  tell(trouble.message);
}

asio::awaitable<Result<void>> AuthenticationWatcher::look() {
  looked_ = clock_().mono;
  const int applied_before = applied_count_;
  ++looking_;
  kube::RestCall call{.path = list_path};
  const auto answer = co_await client_.call(std::move(call));
  --looking_;
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status != 200) co_return std::unexpected(refusal(*answer));
  const auto found = kube::object_of(*answer, list_path);
  const auto* items = found ? found->if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) {
    co_return fail(Code::protocol, "the API server's answer is not a list of ConfigMaps");
  }
  if (items->get_array().empty() || !items->get_array().front().is_object()) {
    co_return fail(Code::not_found, "{}", does_not_exist);
  }
  // What the watch told meanwhile is newer than a look, and would not be told again.
  if (applied_count_ == applied_before) apply(items->get_array().front().get_object());
  co_return Result<void>();
}

void AuthenticationWatcher::apply(const json::object& config_map) {
  const auto* data = child(config_map, "data");
  const json::object empty;
  if (data == nullptr) data = &empty;
  auto text = json::serialize(*data);
  if (text == applied_ && state_.generation() != 0) {
    told_.clear();
    return;
  }
  auto config = parse_authentication_config(*data);
  if (!config) return tell(config.error().message);
  if (!config->request_header) {
    log::warning("the ConfigMap {} has no requestheader-client-ca-file: the aggregator cannot be recognised",
                 authentication_config_map);
  }
  told_.clear();
  applied_ = std::move(text);
  ++applied_count_;
  log::info("{} ConfigMap {}: client certificates {}, aggregator {}",
            state_.generation() == 0 ? "read the" : "read the changed", authentication_config_map,
            config->client_authority ? "accepted" : "not accepted",
            config->request_header ? "recognised" : "not recognised");
  state_.publish(std::move(*config));
}

// Once for each trouble.
void AuthenticationWatcher::tell(const std::string& trouble) {
  const auto sentence =
      fmt::format("the ConfigMap {} cannot be read: {}", authentication_config_map, trouble);
  state_.set_trouble(sentence);
  if (trouble == told_) return;
  told_ = trouble;
  log::warning("{}; {}", sentence,
               state_.generation() == 0 ? "not ready until it can, trying again"
                                        : "its previous contents stay in use");
}

asio::awaitable<void> AuthenticationWatcher::look_once() {
  const auto arrived = clock_().mono;
  const Seconds too_early = between_looks - Seconds(arrived - looked_);
  if (too_early > Seconds(0)) co_await rest_for(too_early);
  while (looking_ > 0)
    co_await rest_for(moment);
  if (looked_ > arrived) co_return;
  const auto seen = co_await look();
  if (!seen) tell(seen.error().message);
}

asio::awaitable<void> AuthenticationWatcher::look_again() {
  auto work = look_once();
  co_await asio::co_spawn(client_.executor(), std::move(work), asio::use_awaitable);
}

}  // namespace fluxmetrics::access
