#include "server/cluster_link.hpp"

#include <future>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "access/authentication_watcher.hpp"
#include "base/log.hpp"
#include "kube/pod_watcher.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::server {

namespace asio = boost::asio;

namespace {

constexpr auto longest_end = std::chrono::seconds(1);

// A source that works now, as far as files tell; nullopt when there is none. What a pod's files lack may
// come.
Result<std::optional<kube::AccessSource>> find_source(const std::string& own, const std::string& common,
                                                      std::string& description) {
  const auto& path = own.empty() ? common : own;
  if (path.empty()) {
    auto account = kube::find_pod_account();
    if (!account) return std::nullopt;
    description = "the pod's service account";
    return kube::AccessSource::pod(std::move(*account));
  }
  const auto access = kube::read_kubeconfig(path);
  if (!access) return std::unexpected(access.error());
  description = access->where;
  return kube::AccessSource::kubeconfig(path);
}

}  // namespace

struct ClusterLink::Impl {
  asio::io_context io{1};
  kube::RestClient authentication;
  kube::RestClient authorization;
  kube::RestClient objects;
  access::AuthenticationState state;
  kube::PodStore pods;
  access::AuthenticationWatcher watcher{authentication, state};
  std::optional<kube::PodWatcher> pod_watcher;
  std::string description;
  bool authenticates = true;
  std::thread thread;

  Impl(kube::AccessSource authentication_, kube::AccessSource authorization_, kube::AccessSource objects_,
       std::string description_)
      : authentication(io.get_executor(), std::move(authentication_)),
        authorization(io.get_executor(), std::move(authorization_)),
        objects(io.get_executor(), std::move(objects_)),
        description(std::move(description_)) {}
};

ClusterLink::ClusterLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ClusterLink::~ClusterLink() {
  static_cast<void>(stop());
}

Result<std::unique_ptr<ClusterLink>> ClusterLink::find(const ClusterLinkOptions& options) {
  std::string asked_who;
  std::string asked_what;
  auto authentication = find_source(options.authentication_kubeconfig, options.kubeconfig, asked_who);
  if (!authentication) return std::unexpected(authentication.error());
  auto authorization = find_source(options.authorization_kubeconfig, options.kubeconfig, asked_what);
  if (!authorization) return std::unexpected(authorization.error());
  if (!*authentication && !*authorization) return nullptr;
  if (!*authentication || !*authorization) {
    return fail(Code::invalid,
                "outside a cluster, give both --authentication-kubeconfig and --authorization-kubeconfig, or "
                "one --kubeconfig for both");
  }
  std::string ignored;
  auto objects = find_source({}, options.kubeconfig, ignored);
  if (!objects) return std::unexpected(objects.error());
  auto impl = std::make_unique<Impl>(
      std::move(**authentication), **authorization, *objects ? **objects : **authorization,
      asked_who == asked_what ? asked_who : fmt::format("{} and {}", asked_who, asked_what));
  impl->authenticates = options.authenticates;
  return std::unique_ptr<ClusterLink>(new ClusterLink(std::move(impl)));
}

access::ClusterAuthority ClusterLink::authority() {
  if (!impl_->authenticates) return {};
  return {.state = &impl_->state,
          .tokens = &impl_->authentication,
          .access = &impl_->authorization,
          .look_again = [watcher = &impl_->watcher] { return watcher->look_again(); }};
}

const std::string& ClusterLink::description() const {
  return impl_->description;
}

kube::RestClient& ClusterLink::client() {
  return impl_->objects;
}

const kube::PodStore& ClusterLink::pods() const {
  return impl_->pods;
}

void ClusterLink::on_pods(std::function<void()> changed) {
  impl_->pods.on_change(std::move(changed));
}

void ClusterLink::start(std::string name_space, std::function<std::string()> job) {
  if (impl_->authenticates) {
    asio::co_spawn(impl_->io, impl_->watcher.run(), [](const std::exception_ptr& fault) {
      if (fault) log::error("the watch of the authentication ConfigMap ended: internal error");
    });
  }
  impl_->pod_watcher.emplace(impl_->objects, impl_->pods, std::move(name_space), std::move(job));
  asio::co_spawn(impl_->io, impl_->pod_watcher->run(), [](const std::exception_ptr& fault) {
    if (fault) log::error("the watch of the pods ended: internal error");
  });
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

// A host name that is being looked up is waited for where the network's context is destroyed, for as long as
// a silent name server makes it; so that happens on a thread that nobody has to wait for.
bool ClusterLink::stop() {
  if (!impl_) return true;
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  std::promise<void> promise;
  const auto gone = promise.get_future();
  std::thread([impl = std::move(impl_), promise = std::move(promise)]() mutable {
    impl.reset();
    promise.set_value();
  }).detach();
  return gone.wait_for(longest_end) == std::future_status::ready;
}

}  // namespace fluxmetrics::server
