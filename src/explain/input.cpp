// Where `explain` has its HPA from when there is no cluster.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "commands/explain.hpp"
#include "scaling/hpa_json.hpp"

namespace fluxmetrics::commands {
namespace json = boost::json;
namespace {

constexpr std::size_t largest_file = 4U << 20U;

Result<std::string> read_text(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    // A directory opens, and fails when it is read.
    if (!file || (file.peek(), file.bad())) {
      return fail(Code::io, "cannot read the HPA {}: {}", path,
                  std::generic_category().message(errno == 0 ? EIO : errno));
    }
    file.clear();
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(largest_file + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > largest_file) return fail(Code::invalid, "{} is larger than an HPA can be", path);
  return text;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// An object of a file, and where it stands in its document: "", or "/items/3".
struct Placed {
  const YamlDocument* document = nullptr;
  std::string pointer;
  const json::object* object = nullptr;
};

// Lists, as `kubectl get hpa -o yaml` prints them, count as their items.
void find_objects(const YamlDocument& document, const json::value& value, const std::string& pointer,
                  std::vector<Placed>& found) {
  const auto* object = value.if_object();
  if (object == nullptr) return;
  const auto* items = object->if_contains("items");
  if (items == nullptr || !items->is_array()) {
    found.push_back({.document = &document, .pointer = pointer, .object = object});
    return;
  }
  for (std::size_t i = 0; i < items->get_array().size(); ++i)
    find_objects(document, items->get_array()[i], fmt::format("{}/items/{}", pointer, i), found);
}

// "/spec/metrics/0/type" -> "spec.metrics[0].type".
std::string field_of(std::string_view pointer) {
  std::string field;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto step = pointer.substr(0, pointer.find('/'));
    const bool index = !field.empty() && step.find_first_not_of("0123456789") == std::string_view::npos;
    field += index ? fmt::format("[{}]", step) : (field.empty() ? "" : ".") + std::string(step);
    pointer.remove_prefix(step.size());
  }
  return field;
}

// Fields of the object that its file has twice.
std::vector<scaling::RepeatedField> repeated_in(const Placed& placed, bool in_json) {
  std::vector<scaling::RepeatedField> fields;
  for (const auto& pointer : placed.document->repeated) {
    if (pointer.starts_with(placed.pointer + "/"))
      fields.push_back(
          {.name = field_of(std::string_view(pointer).substr(placed.pointer.size())), .in_json = in_json});
  }
  return fields;
}

Result<void> check_version(const json::object& document) {
  const auto version = text_of(document, "apiVersion");
  if (version == "autoscaling/v2" || version == "autoscaling/v2beta2") return {};
  return fail(Code::unsupported,
              "the HPA's apiVersion is '{}': this program reads autoscaling/v2, as kubectl get "
              "hpa.v2.autoscaling NAME -o yaml prints it",
              printable(version));
}

}  // namespace

bool ExplainSubject::refused() const {
  return input.refusal.final() ||
         std::ranges::any_of(input.refusal.unknown,
                             [](const kube::UnknownField& field) { return !field.later; });
}

std::string ExplainSubject::written_at(std::string_view pointer) const {
  const auto found = written.find(pointer);
  return found == written.end() ? std::string() : found->second;
}

Result<HpaFile> read_hpa_file(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  const auto documents = read_yaml(*text);
  if (!documents) return fail(documents.error().code, "{} {}", path, documents.error().message);
  std::vector<Placed> objects;
  for (const auto& document : *documents)
    find_objects(document, document.value, "", objects);
  const auto hpas = std::ranges::partition(objects, [](const Placed& placed) {
    return text_of(*placed.object, "kind") != "HorizontalPodAutoscaler";
  });
  const std::vector<Placed> found(hpas.begin(), hpas.end());
  if (found.empty()) {
    return fail(Code::invalid, "{} holds no object of kind HorizontalPodAutoscaler", path);
  }
  if (found.size() > 1) {
    return fail(Code::invalid, "{} holds {} HorizontalPodAutoscalers: give one at a time", path,
                found.size());
  }
  const auto& hpa = found.front();
  const auto first = text->find_first_not_of(" \t\r\n");
  const bool in_json = first != std::string::npos && (*text)[first] == '{';
  HpaFile file{.places = {}, .document = *hpa.object, .repeated = repeated_in(hpa, in_json), .others = {}};
  for (auto other = objects.begin(); other != hpas.begin(); ++other)
    file.others.push_back(*other->object);
  for (const auto& [pointer, place] : hpa.document->places)
    if (pointer.starts_with(hpa.pointer + "/")) file.places[pointer.substr(hpa.pointer.size())] = place;
  return file;
}

Result<ExplainSubject> parse_subject(json::object document) {
  ExplainSubject subject;
  if (auto known = check_version(document); !known) return std::unexpected(known.error());
  if (const auto version = text_of(document, "apiVersion"); version != "autoscaling/v2") {
    subject.assumptions.push_back(fmt::format(
        "{} is read like autoscaling/v2, which has the same fields; no Kubernetes from 1.26 on takes it",
        version));
  }
  const auto* spec = document.if_contains("spec");
  if (spec == nullptr) return fail(Code::invalid, "spec is missing");
  auto parsed = scaling::parse_hpa_spec(*spec, "spec");
  if (!parsed) return std::unexpected(parsed.error());
  subject.input.forecast.spec = std::move(*parsed);
  if (const auto* metadata = document.if_contains("metadata"); metadata != nullptr && metadata->is_object()) {
    subject.name = text_of(metadata->get_object(), "name");
    auto& name = subject.input.forecast.name;
    name.name = subject.name;
    if (auto ns = text_of(metadata->get_object(), "namespace"); !ns.empty()) name.namespace_ = std::move(ns);
  }
  subject.document = std::move(document);
  return subject;
}

Result<ExplainSubject> parse_new_subject(json::object document, scaling::KubernetesVersion version) {
  if (auto known = check_version(document); !known) return std::unexpected(known.error());
  auto refusal = scaling::validate_hpa(document, version);
  // Whether 0 is taken is a matter of a feature gate before 1.37: an HPA that has a status was taken.
  if (const auto* status = document.if_contains("status");
      status != nullptr && status->is_object() && !status->get_object().empty()) {
    std::erase_if(refusal.invalid, [](const kube::FieldError& error) {
      return error.field == "spec.minReplicas" && error.reason.starts_with("Invalid value: 0:");
    });
  }
  ExplainSubject refused;
  if (refusal.final()) {
    const auto* metadata = document.if_contains("metadata");
    if (metadata != nullptr && metadata->is_object()) refused.name = text_of(metadata->get_object(), "name");
    refused.input.forecast.platform = {.version = version};
    refused.input.refusal = std::move(refusal);
    refused.document = std::move(document);
    return refused;
  }
  auto subject = parse_subject(std::move(document));
  if (subject) {
    subject->input.forecast.platform = {.version = version};
    subject->input.refusal = std::move(refusal);
  }
  return subject;
}

}  // namespace fluxmetrics::commands
