#include "explain/subject.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/json_path.hpp"
#include "hpa/spec_json.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

Result<void> check_version(const json::object& document) {
  const auto version = text_at(document, {"apiVersion"});
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

Result<ExplainSubject> parse_subject(json::object document) {
  ExplainSubject subject;
  if (auto known = check_version(document); !known) return std::unexpected(known.error());
  if (const auto version = text_at(document, {"apiVersion"}); version != "autoscaling/v2") {
    subject.assumptions.push_back(
        fmt::format("{} is read like autoscaling/v2, which has the same fields; Kubernetes 1.26 and later do "
                    "not accept it",
                    version));
  }
  const auto* spec = document.if_contains("spec");
  if (spec == nullptr) return fail(Code::invalid, "spec is missing");
  auto parsed = hpa::parse_hpa_spec(*spec, "spec");
  if (!parsed) return std::unexpected(parsed.error());
  subject.input.forecast.spec = std::move(*parsed);
  if (value_at(document, {"metadata"}).is_object()) {
    subject.name = text_at(document, {"metadata", "name"});
    auto& name = subject.input.forecast.name;
    name.name = subject.name;
    if (auto ns = text_at(document, {"metadata", "namespace"}); !ns.empty()) name.namespace_ = std::move(ns);
  }
  subject.document = std::move(document);
  return subject;
}

Result<ExplainSubject> parse_new_subject(json::object document, hpa::KubernetesVersion version) {
  if (auto known = check_version(document); !known) return std::unexpected(known.error());
  auto refusal = hpa::validate_hpa(document, version);
  // Whether 0 is taken is a matter of a feature gate before 1.37: an HPA that has a status was taken.
  if (const auto* status = document.if_contains("status");
      status != nullptr && status->is_object() && !status->get_object().empty()) {
    std::erase_if(refusal.invalid, [](const kube::FieldError& error) {
      return error.field == "spec.minReplicas" && error.reason.starts_with("Invalid value: 0:");
    });
  }
  ExplainSubject refused;
  if (refusal.final()) {
    refused.name = text_at(document, {"metadata", "name"});
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

}  // namespace fluxmetrics::explain
