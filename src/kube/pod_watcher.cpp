#include "kube/pod_watcher.hpp"

#include "base/log.hpp"
#include "base/rest.hpp"
#include "http/message.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr Seconds before_name{0.2};  // the broker answers soon

// Names and labels are all that is wanted; a server that cannot leave the rest away sends it.
constexpr const char* lists_of_metadata =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr const char* events_of_metadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

Collection pods_of(const std::string& name_space, const std::string& job) {
  return {
      .path = fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}", http::percent_encoded(name_space),
                          http::percent_encoded("batch.kubernetes.io/job-name=" + job)),
      .what = "the pods of " + job,
      .kind = "pods",
      .accept_list = lists_of_metadata,
      .accept_events = events_of_metadata};
}

}  // namespace

asio::awaitable<void> PodWatcher::run() {
  for (;;) {
    const auto job = job_();
    if (job.empty()) {
      co_await rest_for(before_name);
      continue;
    }
    followed_ = job;
    informer_.follow(pods_of(namespace_, job));
    co_await informer_.round();
  }
}

Error PodWatcher::refusal(const http::Fetched& answer) const {
  if (answer.status != 401 && answer.status != 403) {
    return {.code = Code::unavailable, .message = message_of(answer)};
  }
  return {.code = Code::denied,
          .message = fmt::format(
              "this server is not allowed to list pods: {}; give it a Role in the namespace {} with "
              "apiGroups [\"\"], resources [pods], verbs [get, list, watch]",
              message_of(answer), namespace_)};
}

void PodWatcher::changed(const json::object& object) {
  auto pod = pod_from_json(object);
  if (!pod) return;
  // Most events tell of a pod's status, which nobody here asks for.
  const auto known = pods_.find(pod->name);
  if (known != pods_.end() && *known->second == *pod) return;
  const auto name = pod->name;
  pods_.insert_or_assign(name, std::make_shared<const Pod>(std::move(*pod)));
  publish();
}

void PodWatcher::deleted(const ObjectKey& key) {
  if (pods_.erase(key.name) > 0) publish();
}

void PodWatcher::synced() {
  if (!told_.empty()) log::info("the pods of {} are known: {}", followed_, pods_.size());
  told_.clear();
  publish();
}

// The pods of a list all at once.
void PodWatcher::publish() {
  if (informer_.synced()) store_.publish(pods_by_index(pods_));
}

// Once for each trouble.
void PodWatcher::failed(const Error& trouble) {
  store_.set_trouble(trouble);
  if (trouble.message == told_) return;
  told_ = trouble.message;
  // Whoever wants no metrics of pods gives no right to list them.
  log::write(trouble.code == Code::denied ? log::Level::info : log::Level::warning,
             fmt::format("there are no metrics of pods: {}", trouble.message));
}

}  // namespace fluxmetrics::kube
