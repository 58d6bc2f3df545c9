#include "kube/object_meta.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "kube/label_syntax.hpp"

namespace fluxmetrics::kube {
namespace json = boost::json;
namespace {

constexpr std::size_t most_annotation_bytes = 256UL * 1024;
constexpr std::size_t longest_manager = 128;
constexpr std::size_t longest_subresource = 256;
constexpr std::array<std::string_view, 3> plain_finalizers{"kubernetes", "orphan", "foregroundDeletion"};

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::array& list_of(const json::object& object, std::string_view name) {
  static const json::array none;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

const json::object& map_of(const json::object& object, std::string_view name) {
  static const json::object none;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

void each(FieldErrors& errors, const std::string& field, std::string_view value,
          const std::vector<std::string>& faults) {
  for (const auto& fault : faults)
    errors.invalid(field, go_quoted(value), fault);
}

void check_names(const json::object& metadata, FieldErrors& errors) {
  auto prefix = text_of(metadata, "generateName");
  if (!prefix.empty()) {
    const auto written = prefix;
    // A suffix follows the dash.
    if (prefix.size() > 1 && prefix.ends_with('-')) prefix.replace(prefix.size() - 2, 2, "a");
    each(errors, "metadata.generateName", written, dns_subdomain_faults(prefix));
  }
  const auto name = text_of(metadata, "name");
  if (!name.empty()) {
    each(errors, "metadata.name", name, dns_subdomain_faults(name));
  } else if (prefix.empty()) {
    errors.required("metadata.name", "name or generateName is required");
  }
  const auto ns = text_of(metadata, "namespace");
  if (!ns.empty()) each(errors, "metadata.namespace", ns, dns_label_faults(ns));
}

void check_labels(const json::object& metadata, FieldErrors& errors) {
  for (const auto& [key, value] : map_of(metadata, "labels")) {
    each(errors, "metadata.labels", key, label_key_faults(key));
    const std::string text = value.is_string() ? std::string(value.get_string()) : std::string();
    each(errors, "metadata.labels", text, label_value_faults(text));
  }
}

void check_annotations(const json::object& metadata, FieldErrors& errors) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : map_of(metadata, "annotations")) {
    each(errors, "metadata.annotations", key, label_key_faults(lowered(key)));
    bytes += key.size() + (value.is_string() ? value.get_string().size() : 0);
  }
  if (bytes > most_annotation_bytes) errors.too_long("metadata.annotations", most_annotation_bytes);
}

// An owner as the server shows it: fields in its own order, those that are left out absent.
json::object shown_owner(const json::object& owner) {
  json::object shown;
  for (const auto* name : {"apiVersion", "kind", "name", "uid"})
    shown[name] = text_of(owner, name);
  for (const auto* name : {"controller", "blockOwnerDeletion"}) {
    const auto* value = owner.if_contains(name);
    if (value != nullptr && value->is_bool()) shown[name] = *value;
  }
  return shown;
}

void check_owners(const json::object& metadata, FieldErrors& errors) {
  std::string controller;
  const auto& owners = list_of(metadata, "ownerReferences");
  json::array shown;
  std::vector<std::string> second;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const auto owner = owners[i].is_object() ? owners[i].get_object() : json::object();
    shown.emplace_back(shown_owner(owner));
    const auto where = fmt::format("metadata.ownerReferences[{}]", i);
    const auto version = text_of(owner, "apiVersion");
    const auto kind = text_of(owner, "kind");
    if (version.empty()) {
      errors.required(where + ".apiVersion", "must not be empty");
    } else if (std::ranges::count(version, '/') > 1 || version.ends_with('/')) {
      errors.invalid(where + ".apiVersion", go_quoted(version), "must be <group>/<version> or <version>");
    }
    for (const auto* name : {"kind", "name", "uid"}) {
      if (text_of(owner, name).empty())
        errors.required(fmt::format("{}.{}", where, name), "must not be empty");
    }
    if (version == "v1" && kind == "Event") {
      errors.invalid(where, json_text(shown.back()), "/v1, Kind=Event is disallowed from being an owner");
    }
    const auto* controls = owner.if_contains("controller");
    if (controls == nullptr || !controls->is_bool() || !controls->get_bool()) continue;
    const auto name = fmt::format("{}/{}", kind, text_of(owner, "name"));
    if (controller.empty()) {
      controller = name;
    } else {
      second.push_back(name);
    }
  }
  for (const auto& name : second) {
    errors.invalid("metadata.ownerReferences", json_text(shown),
                   fmt::format("Only one reference can have Controller set to true. Found \"true\" in "
                               "references for {} and {}",
                               controller, name));
  }
}

void check_finalizers(const json::object& metadata, FieldErrors& errors) {
  std::vector<std::string> names;
  for (const auto& item : list_of(metadata, "finalizers"))
    names.push_back(item.is_string() ? std::string(item.get_string()) : std::string());
  for (const auto& name : names)
    each(errors, "metadata.finalizers", name, label_key_faults(name));
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  if (has("orphan") && has("foregroundDeletion")) {
    errors.invalid("metadata.finalizers", json_text(list_of(metadata, "finalizers")),
                   "finalizer orphan and foregroundDeletion cannot be both set");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].contains('/') || std::ranges::find(plain_finalizers, names[i]) != plain_finalizers.end())
      continue;
    errors.invalid(fmt::format("metadata.finalizers[{}]", i), go_quoted(names[i]),
                   "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void check_managers(const json::object& metadata, FieldErrors& errors) {
  static constexpr std::array<std::string_view, 2> operations{"Apply", "Update"};
  const auto& entries = list_of(metadata, "managedFields");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto entry = entries[i].is_object() ? entries[i].get_object() : json::object();
    const auto where = fmt::format("metadata.managedFields[{}]", i);
    const auto operation = text_of(entry, "operation");
    if (operation.empty()) {
      errors.required(where + ".operation", "must not be empty");
    } else if (std::ranges::find(operations, operation) == operations.end()) {
      errors.unsupported(where + ".operation", go_json_quoted(operation), operations);
    }
    const auto type = text_of(entry, "fieldsType");
    if (!type.empty() && type != "FieldsV1")
      errors.invalid(where + ".fieldsType", go_quoted(type), "must be `FieldsV1`");
    const auto manager = text_of(entry, "manager");
    if (manager.size() > longest_manager) errors.too_long(where + ".manager", longest_manager);
    for (std::size_t at = 0; at < manager.size(); ++at) {
      const auto c = static_cast<unsigned char>(manager[at]);
      if (c >= 0x20 && c != 0x7F) continue;
      errors.invalid(where + ".manager", go_quoted(manager),
                     fmt::format("invalid character U+{:04X} (at position {})", c, at));
    }
    if (text_of(entry, "subresource").size() > longest_subresource)
      errors.too_long(where + ".subresource", longest_subresource);
  }
}

}  // namespace

void validate_object_meta(const json::object& metadata, FieldErrors& errors) {
  check_names(metadata, errors);
  check_labels(metadata, errors);
  check_annotations(metadata, errors);
  check_owners(metadata, errors);
  check_finalizers(metadata, errors);
  check_managers(metadata, errors);
}

}  // namespace fluxmetrics::kube
