#include "access/control.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/ranges.h>

#include "access/request_header.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::access {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_remembered = 2048;  // each may hold a client's certificates
constexpr std::size_t longest_key = 8192;
constexpr auto refused_for =
    std::chrono::seconds(1);  // a bad certificate; it may be good after the next rotation
constexpr auto log_again_after = std::chrono::seconds(10);
constexpr std::size_t most_logged = 256;
constexpr std::string_view impersonation = "impersonate-";

bool impersonates(std::string_view header) {
  return header.size() > impersonation.size() && starts_ignoring_case(header, impersonation);
}

// Exactly these three, as the Go servers have it: their single checks need a review.
bool is_open_path(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// "Bearer TOKEN"; nullopt for anything else, which is no attempt to say who one is.
std::optional<std::string> bearer_token(const http::Headers& headers) {
  auto value = http::find_header(headers, "Authorization").value_or(std::string_view());
  const auto strip = [&value] {
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
  };
  strip();
  const auto space = value.find(' ');
  if (space == std::string_view::npos || !same_ignoring_case(value.substr(0, space), "bearer"))
    return std::nullopt;
  value.remove_prefix(space + 1);
  const auto token = value.substr(0, value.find(' '));
  return token.empty() ? std::nullopt : std::optional<std::string>(token);
}

kube::Status unauthorized() {
  return {.code = 401, .reason = "Unauthorized", .message = "Unauthorized"};
}

// This server acts for nobody else: what the Go server says to a user who may not impersonate.
std::optional<kube::Status> refuse_impersonation(const http::Headers& headers, const Identity& identity) {
  if (std::ranges::none_of(headers, [](const auto& header) { return impersonates(header.first); })) return {};
  const AccessAttributes attributes{
      .verb = "impersonate",
      .resource_request = true,
      .resource = "users",
      .name = std::string(http::find_header(headers, "Impersonate-User").value_or(std::string_view()))};
  return forbidden(attributes, identity, "this server does not impersonate");
}

void append(std::string& key, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::array<char, sizeof size> bytes{};
  std::memcpy(bytes.data(), &size, sizeof size);
  key.append(bytes.data(), bytes.size());
  key.append(text);
}

void append(std::string& key, const void* address) {
  std::array<char, sizeof address> bytes{};
  std::memcpy(bytes.data(), static_cast<const void*>(&address), sizeof address);
  key.append(bytes.data(), bytes.size());
}

}  // namespace

AccessControl::AccessControl(AccessOptions options, ClusterAuthority authority)
    : options_(std::move(options)),
      authority_(std::move(authority)),
      let_in_(std::make_shared<const AccessDecision>()) {
  if (options_.mode != AccessOptions::Mode::delegated) return;
  tokens_.emplace(*authority_.tokens, options_.token_ttl);
  access_.emplace(*authority_.access, options_.allowed_ttl, options_.denied_ttl);
}

std::optional<std::string> AccessControl::trouble() const {
  if (authority_.state == nullptr) return std::nullopt;
  if (authority_.state->generation() != 0) return std::string();
  return authority_.state->view().trouble;
}

// What the decision depends on, in one text; false when it is too long to remember.
bool AccessControl::write_key(const http::Request& request) {
  if (!config_ || config_->generation != generation()) config_ = authority_.state->view().config;
  const bool certified = request.peer.certificates != nullptr;
  const bool may_be_proxy = certified && config_ && config_->request_header;
  key_.clear();
  append(key_, request.peer.certificates.get());
  append(key_, request.method);
  append(key_, request.target);
  for (const auto& [name, value] : request.headers) {
    if (same_ignoring_case(name, "authorization")) {
      const auto digest = digest_.of(value);
      append(key_, std::string_view(digest.data(), digest.size()));
    } else if (impersonates(name) || (may_be_proxy && tells_identity(name, *config_->request_header))) {
      append(key_, name);
      append(key_, value);
    }
  }
  return key_.size() <= longest_key;
}

AccessControl::Decided AccessControl::decide(const http::Request& request) {
  using enum AccessOptions::Mode;
  if (options_.mode == open || (!request.peer.tls && request.peer.same_host)) return let_in_;
  if (options_.mode == closed) {
    if (is_open_path(path_of(request.target))) return let_in_;
    log_once(
        fmt::format("{}: refused (401): this server has no cluster to authorize clients; see --kubeconfig "
                    "and --insecure-skip-auth, or use plain HTTP from this host",
                    request.peer.address));
    auto refused = std::make_shared<AccessDecision>();
    refused->refusal = unauthorized();
    return refused;
  }
  if (!write_key(request)) return nullptr;
  const auto found = remembered_.find(std::string_view(key_));
  if (found == remembered_.end() || found->second.generation != generation() ||
      std::chrono::steady_clock::now() >= found->second.until) {
    return nullptr;
  }
  return found->second.decision;
}

asio::awaitable<AccessControl::Decided> AccessControl::decide_later(http::Request request,
                                                                    std::optional<http::Target> target) {
  const auto made_under = generation();
  auto who = co_await authenticate(request);
  auto decision = std::make_shared<AccessDecision>();
  if (who.identity) {
    *decision = co_await authorize(request, std::move(target), who);
  } else {
    decision->refusal = unauthorized();
    log_once(fmt::format("{}: refused (401): {}", request.peer.address, who.fault));
  }
  if (decision->failure.empty()) {
    remember(request, decision, made_under, who.until);
  } else {
    log_once(fmt::format("{}: user {}: it is not known whether this is allowed: {}", request.peer.address,
                         decision->user, decision->failure));
  }
  co_return decision;
}

asio::awaitable<std::shared_ptr<const ChainVerdict>> AccessControl::judge_certificates(
    CertificateChain chain) {
  std::shared_ptr<const ChainVerdict> verdict;
  std::uint64_t judged = 0;
  if (const auto config = authority_.state->view().config) {
    judged = config->generation;
    verdict = chains_.of(chain, *config, Now::read());
    if (verdict->front_proxy || verdict->person || verdict->faults.empty()) co_return verdict;
  }
  if (!authority_.look_again) co_return verdict;
  // Perhaps of a CA that came this moment.
  co_await authority_.look_again();
  const auto newer = authority_.state->view().config;
  if (newer && newer->generation != judged) verdict = chains_.of(chain, *newer, Now::read());
  co_return verdict;
}

asio::awaitable<AccessControl::Authentication> AccessControl::authenticate(http::Request request) {
  Authentication result;
  std::vector<std::string> faults;
  if (request.peer.certificates) {
    const auto verdict = co_await judge_certificates(request.peer.certificates);
    const auto config = authority_.state->view().config;
    const auto now = Now::read();
    if (verdict && config) {
      const auto left =
          std::clamp(Seconds(verdict->not_after - now.wall), Seconds(0), ChainVerdicts::kept_for);
      result.until = now.mono + std::chrono::duration_cast<MonoTime::duration>(left);
      if (verdict->front_proxy && config->request_header) {
        if (auto identity = identity_from_headers(request.headers, *config->request_header)) {
          result.identity = std::make_shared<const Identity>(authenticated(std::move(*identity)));
          co_return result;
        }
      }
      result.identity = verdict->person;
      if (result.identity) co_return result;
      faults = verdict->faults;
      if (!faults.empty()) result.until = now.mono + refused_for;
      if (verdict->front_proxy)
        faults.insert(faults.begin(), "the front proxy's certificate came without a user's name");
      if (verdict->front_proxy && faults.size() == 1)
        faults.clear();  // there are no client certificates: nobody
    } else {
      faults.push_back("no client certificate can be verified yet: " + authority_.state->view().trouble);
      result.until = now.mono;
    }
  }
  co_await authenticate_token(request, result);
  if (result.identity) co_return result;
  if (!result.fault.empty()) faults.push_back(result.fault);
  result.fault = fmt::format("{}", fmt::join(faults, "; "));
  if (faults.empty()) result.identity = std::make_shared<const Identity>(anonymous());
  co_return result;
}

asio::awaitable<void> AccessControl::authenticate_token(http::Request request, Authentication& result) {
  auto token = bearer_token(request.headers);
  if (!token) co_return;
  auto answer = co_await tokens_->review(std::move(*token));
  if (!answer) {
    result.until = MonoTime::min();
    result.fault = answer.error().message;
    co_return;
  }
  result.until = std::min(result.until, answer->until);
  result.identity = answer->value;
  if (result.identity) {
    result.until = answer->until;
  } else {
    result.fault = "the TokenReview says that the bearer token is not valid";
  }
}

asio::awaitable<AccessDecision> AccessControl::authorize(http::Request request,
                                                         std::optional<http::Target> target,
                                                         Authentication& who) {
  const auto& identity = *who.identity;
  AccessDecision decision{.user = identity.name};
  if (!target) co_return decision;  // the answer will be 400, and holds nothing
  decision.refusal = refuse_impersonation(request.headers, identity);
  const bool no_review = identity.in(group_of_masters) || is_open_path(path_of(request.target));
  if (decision.refusal || no_review) co_return decision;

  auto attributes = options_.stands_for ? options_.stands_for(*target) : std::nullopt;
  if (!attributes) attributes = attributes_of(request, *target, options_.extra_root);
  const auto answer = co_await access_->review(*attributes, identity);
  if (!answer) {
    decision.failure = answer.error().message;
    co_return decision;
  }
  who.until = std::min(who.until, answer->until);
  if (answer->value.allowed) co_return decision;
  decision.refusal = forbidden(*attributes, identity, answer->value.reason);
  log_once(fmt::format("{}: refused (403): {}", request.peer.address, decision.refusal->message));
  co_return decision;
}

void AccessControl::remember(const http::Request& request, const Decided& decision, std::uint64_t made_under,
                             MonoTime until) {
  const auto now = std::chrono::steady_clock::now();
  // Even a decision that nobody limits is made again now and then.
  const auto latest = now + std::chrono::duration_cast<MonoTime::duration>(ChainVerdicts::kept_for);
  if (until <= now || !write_key(request)) return;
  if (remembered_.size() >= most_remembered) {
    std::erase_if(remembered_, [now](const auto& entry) { return entry.second.until <= now; });
    if (remembered_.size() >= most_remembered) remembered_.clear();
  }
  remembered_.insert_or_assign(key_, Remembered{.decision = decision,
                                                .chain = request.peer.certificates,
                                                .generation = made_under,
                                                .until = std::min(until, latest)});
}

void AccessControl::log_once(const std::string& sentence) {
  const auto now = std::chrono::steady_clock::now();
  if (const auto found = logged_.find(sentence);
      found != logged_.end() && now - found->second < log_again_after)
    return;
  if (logged_.size() >= most_logged) {
    std::erase_if(logged_, [now](const auto& entry) { return now - entry.second >= log_again_after; });
    if (logged_.size() >= most_logged) return;
  }
  logged_[sentence] = now;
  log::warning("{}", sentence);
}

}  // namespace fluxmetrics::access
