#include "kube/scale.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

#include "kube/fields.hpp"

namespace fluxmetrics::kube {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

asio::awaitable<Result<Scale>> scale_of(RestClient& client, RestCall call) {
  auto object = co_await client.object(std::move(call));
  if (!object) co_return std::unexpected(object.error());
  co_return read_scale(json::value(std::move(*object)));
}

}  // namespace

Result<Scale> read_scale(const json::value& document) {
  return read_fields(document, "Scale", [](const JsonField& root) {
    const auto metadata = root.need("metadata");
    Scale scale{.name_space = metadata["namespace"].text_or(""),
                .name = metadata.need("name").text(),
                .resource_version = metadata["resourceVersion"].text_or("")};
    if (const auto spec = root["spec"]; spec.present()) {
      scale.wanted = spec["replicas"].maybe_int32().value_or(0);
    }
    if (const auto status = root["status"]; status.present()) {
      scale.current = status["replicas"].maybe_int32().value_or(0);
      scale.selector = status["selector"].text_or("");
    }
    return scale;
  });
}

json::object to_json(const Scale& scale) {
  json::object metadata = {{"name", scale.name}};
  if (!scale.name_space.empty()) metadata["namespace"] = scale.name_space;
  if (!scale.resource_version.empty()) metadata["resourceVersion"] = scale.resource_version;
  json::object spec;
  if (scale.wanted != 0) spec["replicas"] = scale.wanted;
  json::object status = {{"replicas", scale.current}};
  if (!scale.selector.empty()) status["selector"] = scale.selector;
  return {{"kind", "Scale"},
          {"apiVersion", "autoscaling/v1"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)},
          {"status", std::move(status)}};
}

asio::awaitable<Result<Scale>> get_scale(RestClient& client, std::string path, Seconds timeout) {
  RestCall call{.path = path + "/scale", .timeout = timeout};
  return scale_of(client, std::move(call));
}

asio::awaitable<Result<Scale>> patch_scale(RestClient& client, std::string path, std::string resource_version,
                                           std::int32_t size, Seconds timeout) {
  if (resource_version.empty()) {
    co_return fail(Code::invalid, "the size of {} cannot be set without the version that it was read at",
                   path);
  }
  const json::object patch = {{"metadata", json::object{{"resourceVersion", resource_version}}},
                              {"spec", json::object{{"replicas", size}}}};
  RestCall call{.method = "PATCH",
                .path = path + "/scale",
                .body = json::serialize(patch),
                .media_type = media::merge_patch,
                .timeout = timeout,
                .retry = once};
  co_return co_await scale_of(client, std::move(call));
}

}  // namespace fluxmetrics::kube
