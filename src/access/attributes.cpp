#include "access/attributes.hpp"

#include <algorithm>
#include <span>

#include "base/text.hpp"
#include "kube/json.hpp"
#include "kube/metric_value.hpp"
#include "kube/metrics_api.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::access {
namespace {

namespace json = boost::json;
using Segments = std::span<const std::string>;

std::string resource_verb(const std::string& method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return "";
}

// What follows GROUP/VERSION.
void read_resource(Segments rest, AccessAttributes& attributes) {
  const bool verb_in_path = rest.size() > 1 && (rest[0] == "proxy" || rest[0] == "watch");
  if (verb_in_path) {
    attributes.verb = rest[0];
    rest = rest.subspan(1);
  }
  if (rest.size() > 1 && rest[0] == "namespaces") {
    attributes.namespace_ = rest[1];
    const bool of_namespace = rest.size() < 3 || rest[2] == "status" || rest[2] == "finalize";
    if (!of_namespace) rest = rest.subspan(2);
  }
  attributes.resource = rest[0];
  if (rest.size() > 1) attributes.name = rest[1];
  if (rest.size() > 2) attributes.subresource = rest[2];
}

// A fieldSelector is KEY=VALUE,KEY!=VALUE; empty where it cannot be read, as in the Go server.
json::array field_requirements(std::string_view text) {
  json::array requirements;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return {};
    auto key = part.substr(0, equals);
    auto value = part.substr(equals + 1);
    const bool differs = key.ends_with('!');
    if (differs) key.remove_suffix(1);
    if (!differs && value.starts_with('=')) value.remove_prefix(1);
    requirements.push_back(json::object{
        {"key", key}, {"operator", differs ? "NotIn" : "In"}, {"values", json::array{json::string(value)}}});
  }
  return requirements;
}

std::string_view operator_name(kube::Selector::Operator op) {
  using enum kube::Selector::Operator;
  switch (op) {
    case equals:
    case double_equals:
    case in:
      return "In";
    case not_equals:
    case not_in:
      return "NotIn";
    case exists:
      return "Exists";
    case does_not_exist:
      return "DoesNotExist";
    default:
      return {};  // > and < have no word there, and are left out
  }
}

json::array label_requirements(std::string_view text) {
  json::array requirements;
  const auto selector = kube::Selector::parse(text);
  if (!selector) return requirements;
  for (const auto& requirement : selector->requirements()) {
    const auto op = operator_name(requirement.op);
    if (op.empty()) continue;
    json::object entry{{"key", requirement.key}, {"operator", op}};
    if (!requirement.values.empty()) {
      entry["values"] = json::array(requirement.values.begin(), requirement.values.end());
    }
    requirements.push_back(std::move(entry));
  }
  return requirements;
}

// fieldSelector=metadata.name=X names the object as a path would.
std::string name_of_selector(const json::array& requirements) {
  for (const auto& requirement : requirements) {
    const auto& entry = requirement.get_object();
    if (entry.at("key") != "metadata.name" || entry.at("operator") != "In") continue;
    std::string name(entry.at("values").get_array().front().get_string());
    const bool names_one = name != "." && name != ".." && name.find_first_of("/%") == std::string::npos;
    return names_one ? name : std::string();
  }
  return {};
}

void read_selectors(const http::Target& target, AccessAttributes& attributes) {
  const auto text = [&target](std::string_view key) {
    return target.query_value(key).value_or(std::string_view());
  };
  const auto fields = field_requirements(text("fieldSelector"));
  if (attributes.name.empty() && attributes.verb == "get") {
    attributes.verb = "list";
    const auto watch = target.query_value("watch");
    if (watch && *watch != "false" && *watch != "0") attributes.verb = "watch";
    attributes.name = name_of_selector(fields);
  } else if (attributes.name.empty() && attributes.verb == "delete") {
    attributes.verb = "deletecollection";
  }
  const auto& verb = attributes.verb;
  if (verb != "list" && verb != "watch" && verb != "deletecollection") return;
  attributes.label_requirements = label_requirements(text("labelSelector"));
  attributes.field_requirements = fields;
}

std::string wish(const AccessAttributes& attributes, const Identity& identity) {
  const auto quote = [](std::string_view text) { return kube::go_quote(text); };
  if (!attributes.resource_request) {
    return fmt::format("User {} cannot {} path {}", quote(identity.name), attributes.verb,
                       quote(attributes.path));
  }
  auto resource = attributes.resource;
  if (!attributes.subresource.empty()) resource += "/" + attributes.subresource;
  auto text = fmt::format("User {} cannot {} resource {} in API group {}", quote(identity.name),
                          attributes.verb, quote(resource), quote(attributes.group));
  if (attributes.namespace_.empty()) return text + " at the cluster scope";
  return text + " in the namespace " + quote(attributes.namespace_);
}

json::object selector_object(const json::array& requirements) {
  return {{"requirements", requirements}};
}

}  // namespace

AccessAttributes attributes_of(const http::Request& request, const http::Target& target,
                               const std::vector<std::string>& extra_root) {
  AccessAttributes attributes{.path = target.path};
  Segments path(target.segments);
  const bool below_extra_root = !extra_root.empty() && path.size() > extra_root.size() &&
                                std::ranges::equal(path.first(extra_root.size()), extra_root);
  const bool of_api = path.size() >= 4 && path[0] == "apis";
  if (of_api) {
    attributes.group = path[1];
    attributes.version = path[2];
    path = path.subspan(3);
  } else if (below_extra_root) {
    attributes.group = kube::custom_metrics_group;
    attributes.version = to_string(kube::MetricsVersion::v1beta2);
    path = path.subspan(extra_root.size());
  } else {
    attributes.verb = lowered(request.method);
    return attributes;
  }
  attributes.resource_request = true;
  attributes.verb = resource_verb(request.method);
  read_resource(path, attributes);
  read_selectors(target, attributes);
  return attributes;
}

json::object review_spec(const AccessAttributes& attributes, const Identity& identity) {
  json::object spec;
  json::object wanted;
  if (!attributes.resource_request) {
    wanted["path"] = attributes.path;
    wanted["verb"] = attributes.verb;
    spec["nonResourceAttributes"] = std::move(wanted);
  } else {
    for (const auto& [key, value] :
         {std::pair{"namespace", &attributes.namespace_}, std::pair{"verb", &attributes.verb},
          std::pair{"group", &attributes.group}, std::pair{"version", &attributes.version},
          std::pair{"resource", &attributes.resource}, std::pair{"subresource", &attributes.subresource},
          std::pair{"name", &attributes.name}}) {
      if (!value->empty()) wanted[key] = *value;
    }
    if (!attributes.field_requirements.empty()) {
      wanted["fieldSelector"] = selector_object(attributes.field_requirements);
    }
    if (!attributes.label_requirements.empty()) {
      wanted["labelSelector"] = selector_object(attributes.label_requirements);
    }
    spec["resourceAttributes"] = std::move(wanted);
  }
  write_identity(identity, spec);
  return spec;
}

kube::Status forbidden(const AccessAttributes& attributes, const Identity& identity,
                       const std::string& reason) {
  auto why = escape_html(wish(attributes, identity));
  if (!reason.empty()) why += ": " + reason;
  kube::Status status{.code = 403, .reason = "Forbidden"};
  if (!attributes.resource_request) {
    status.message = "forbidden: " + why;
    status.empty_details = true;
    return status;
  }
  const auto kind =
      attributes.group.empty() ? attributes.resource : attributes.resource + "." + attributes.group;
  const auto name = attributes.name.empty() ? std::string() : " " + kube::go_quote(attributes.name);
  status.message = fmt::format("{}{} is forbidden: {}", kind, name, why);
  status.details = {.name = attributes.name, .group = attributes.group, .kind = attributes.resource};
  return status;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace fluxmetrics::access
