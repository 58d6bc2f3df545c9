// Where `explain` has its HPA from when there is no cluster.
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

// Lists, as `kubectl get hpa -o yaml` prints them, count as their items.
void find_hpas(const json::value& document, std::vector<json::object>& found) {
  const auto* object = document.if_object();
  if (object == nullptr) return;
  if (text_of(*object, "kind") == "HorizontalPodAutoscaler") found.push_back(*object);
  if (const auto* items = object->if_contains("items"); items != nullptr && items->is_array()) {
    for (const auto& item : items->get_array())
      find_hpas(item, found);
  }
}

}  // namespace

Result<json::object> read_hpa_file(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  const auto documents = read_yaml(*text);
  if (!documents) return fail(documents.error().code, "{} {}", path, documents.error().message);
  std::vector<json::object> found;
  for (const auto& document : *documents)
    find_hpas(document.value, found);
  if (found.empty()) {
    return fail(Code::invalid, "{} holds no object of kind HorizontalPodAutoscaler", path);
  }
  if (found.size() > 1) {
    return fail(Code::invalid, "{} holds {} HorizontalPodAutoscalers: give one at a time", path,
                found.size());
  }
  return found.front();
}

Result<ExplainSubject> parse_subject(json::object document) {
  ExplainSubject subject;
  const auto version = text_of(document, "apiVersion");
  if (version != "autoscaling/v2" && version != "autoscaling/v2beta2") {
    return fail(Code::unsupported,
                "the HPA's apiVersion is '{}': this program reads autoscaling/v2, as kubectl get "
                "hpa.v2.autoscaling NAME -o yaml prints it",
                printable(version));
  }
  if (version != "autoscaling/v2") {
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

}  // namespace fluxmetrics::commands
