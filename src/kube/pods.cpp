#include "kube/pods.hpp"

#include <charconv>
#include <string_view>

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;

constexpr std::string_view index_key = "batch.kubernetes.io/job-completion-index";

const json::object* child_of(const json::object& parent, std::string_view key) {
  const auto* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string text_of(const json::object* parent, std::string_view key) {
  const auto* value = parent == nullptr ? nullptr : parent->if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::uint32_t> to_index(std::string_view text) {
  std::uint32_t index = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

bool better(const Pod& pod, const Pod& than) {
  if (pod.leaving != than.leaving) return than.leaving;
  return pod.created > than.created;
}

}  // namespace

std::optional<Pod> pod_from_json(const json::object& object) {
  const auto* metadata = child_of(object, "metadata");
  if (metadata == nullptr) return std::nullopt;
  const auto* labels = child_of(*metadata, "labels");
  auto text = text_of(labels, index_key);
  if (text.empty()) text = text_of(child_of(*metadata, "annotations"), index_key);  // before Kubernetes 1.28
  const auto index = to_index(text);
  Pod pod{.name = text_of(metadata, "name"),
          .index = index.value_or(0),
          .labels = {},
          .leaving = metadata->contains("deletionTimestamp"),
          .created = text_of(metadata, "creationTimestamp")};
  if (!index || pod.name.empty()) return std::nullopt;
  if (labels == nullptr) return pod;
  for (const auto& [key, value] : *labels) {
    if (value.is_string()) pod.labels.emplace_back(key, value.get_string());
  }
  return pod;
}

PodTable pods_by_index(const PodsByName& by_name) {
  PodTable table;
  for (const auto& [name, pod] : by_name) {
    const auto [place, added] = table.emplace(pod->index, pod);
    if (!added && better(*pod, *place->second)) place->second = pod;
  }
  return table;
}

void PodStore::publish(PodTable table) {
  auto made = std::make_shared<const PodTable>(std::move(table));
  {
    const std::scoped_lock lock(mutex_);
    view_.trouble.reset();
    view_.table = std::move(made);
    generation_.fetch_add(1, std::memory_order_release);
  }
  if (changed_) changed_();
}

void PodStore::set_trouble(Error trouble) {
  const std::scoped_lock lock(mutex_);
  if (trouble.code == Code::denied && view_.table) {
    view_.table.reset();
    generation_.fetch_add(1, std::memory_order_release);
  }
  view_.trouble = std::move(trouble);
}

PodView PodStore::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

}  // namespace fluxmetrics::kube
