#include "kube/lease.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

#include "http/message.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string leases_path(const std::string& name_space) {
  return fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases", http::percent_encoded(name_space));
}

std::string lease_path(const std::string& name_space, const std::string& name) {
  return leases_path(name_space) + "/" + http::percent_encoded(name);
}

asio::awaitable<Result<Lease>> lease_of(RestClient& client, RestCall call) {
  auto object = co_await client.object(std::move(call));
  if (!object) co_return std::unexpected(object.error());
  co_return read_lease(json::value(std::move(*object)));
}

void set_or_erase(json::object& object, std::string_view key, std::optional<json::value> value) {
  if (value) {
    object[key] = std::move(*value);
  } else {
    object.erase(key);
  }
}

json::object& object_at(json::object& parent, std::string_view key) {
  auto& child = parent[key];
  return child.is_object() ? child.get_object() : child.emplace_object();
}

}  // namespace

Result<Lease> read_lease(const json::value& document) {
  return read_fields(document, "Lease", [&document](const JsonField& root) {
    const auto metadata = root.need("metadata");
    Lease lease{.name_space = metadata["namespace"].text_or(""),
                .name = metadata.need("name").text(),
                .resource_version = metadata["resourceVersion"].text_or(""),
                .read = document.get_object()};
    const auto spec = root["spec"];
    if (!spec.present()) return lease;
    lease.holder = spec["holderIdentity"].text_or("");
    lease.duration_seconds = spec["leaseDurationSeconds"].maybe_int32();
    lease.acquired = read_micro_time(spec["acquireTime"]);
    lease.renewed = read_micro_time(spec["renewTime"]);
    lease.transitions = spec["leaseTransitions"].maybe_int32().value_or(0);
    return lease;
  });
}

json::object to_json(const Lease& lease) {
  json::object object = lease.read;
  object["apiVersion"] = "coordination.k8s.io/v1";
  object["kind"] = "Lease";
  auto& metadata = object_at(object, "metadata");
  metadata["name"] = lease.name;
  metadata["namespace"] = lease.name_space;
  const auto text = [](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional<json::value>(json::string(value));
  };
  const auto time = [](const std::optional<MicroTime>& value) {
    return value ? std::optional<json::value>(json::string(format_micro_time(*value))) : std::nullopt;
  };
  set_or_erase(metadata, "resourceVersion", text(lease.resource_version));
  auto& spec = object_at(object, "spec");
  set_or_erase(spec, "holderIdentity", text(lease.holder));
  set_or_erase(spec, "leaseDurationSeconds",
               lease.duration_seconds ? std::optional<json::value>(*lease.duration_seconds) : std::nullopt);
  set_or_erase(spec, "acquireTime", time(lease.acquired));
  set_or_erase(spec, "renewTime", time(lease.renewed));
  spec["leaseTransitions"] = lease.transitions;
  return object;
}

asio::awaitable<Result<Lease>> get_lease(RestClient& client, std::string name_space, std::string name,
                                         Seconds timeout) {
  RestCall call{.path = lease_path(name_space, name), .timeout = timeout, .retry = once};
  return lease_of(client, std::move(call));
}

asio::awaitable<Result<Lease>> create_lease(RestClient& client, Lease lease, Seconds timeout) {
  RestCall call{.method = "POST",
                .path = leases_path(lease.name_space),
                .body = json::serialize(to_json(lease)),
                .timeout = timeout,
                .retry = once};
  return lease_of(client, std::move(call));
}

asio::awaitable<Result<Lease>> update_lease(RestClient& client, Lease lease, Seconds timeout) {
  const auto path = lease_path(lease.name_space, lease.name);
  if (lease.resource_version.empty()) {
    co_return fail(Code::invalid, "the Lease {}/{} has no resourceVersion: read it before it is written",
                   lease.name_space, lease.name);
  }
  RestCall call{.method = "PUT",
                .path = path,
                .body = json::serialize(to_json(lease)),
                .timeout = timeout,
                .retry = once};
  co_return co_await lease_of(client, std::move(call));
}

}  // namespace fluxmetrics::kube
