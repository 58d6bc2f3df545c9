#include "explain/input.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/json_path.hpp"

namespace fluxmetrics::explain {
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
std::vector<RepeatedField> repeated_in(const Placed& placed, bool in_json) {
  std::vector<RepeatedField> fields;
  for (const auto& pointer : placed.document->repeated) {
    if (pointer.starts_with(placed.pointer + "/"))
      fields.push_back(
          {.name = field_of(std::string_view(pointer).substr(placed.pointer.size())), .in_json = in_json});
  }
  return fields;
}

}  // namespace

Result<HpaFile> read_hpa_file(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  const auto documents = read_yaml(*text);
  if (!documents) return fail(documents.error().code, "{} {}", path, documents.error().message);
  std::vector<Placed> objects;
  for (const auto& document : *documents)
    find_objects(document, document.value, "", objects);
  const auto hpas = std::ranges::partition(objects, [](const Placed& placed) {
    return text_at(*placed.object, {"kind"}) != "HorizontalPodAutoscaler";
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

}  // namespace fluxmetrics::explain
