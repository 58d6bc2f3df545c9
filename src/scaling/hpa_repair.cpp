#include "scaling/hpa_repair.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace fluxmetrics::scaling {
namespace json = boost::json;
namespace {

// "spec.metrics[0].type" -> "/spec/metrics/0/type"
std::string pointer_of(std::string_view field) {
  std::string pointer = "/";
  for (const char c : field) {
    if (c == ']') continue;
    pointer += c == '.' || c == '[' ? '/' : c;
  }
  return pointer;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What stands between quotes in the list that ends "Unsupported value: X: supported values: A, B".
std::vector<std::string> supported_by(std::string_view reason) {
  std::vector<std::string> words;
  const auto list = reason.find("supported values: ");
  if (list == std::string_view::npos) return words;
  reason.remove_prefix(list);
  for (auto open = reason.find('"'); open != std::string_view::npos; open = reason.find('"')) {
    reason.remove_prefix(open + 1);
    const auto close = reason.find('"');
    if (close == std::string_view::npos) break;
    words.emplace_back(reason.substr(0, close));
    reason.remove_prefix(close + 1);
  }
  return words;
}

class Repair {
 public:
  explicit Repair(const json::object& document) : whole_(document) {}

  void run(const HpaRefusal& refusal) {
    for (const auto& field : refusal.unknown)
      fix_name(field);
    // A misspelt field is a missing one, too: what is refused then is not known before it is mended.
    if (!refusal.unknown.empty()) return;
    for (const auto& wrong : refusal.types)
      fix_type(wrong);
    for (const auto& error : refusal.invalid)
      fix_field(error);
  }
  [[nodiscard]] const json::object& document() const { return whole_.get_object(); }
  [[nodiscard]] std::map<std::string, std::string> take_changes() { return std::move(changes_); }

 private:
  [[nodiscard]] json::value* at(const std::string& pointer) {
    boost::system::error_code missing;
    return whole_.find_pointer(pointer, missing);
  }
  void set(const std::string& pointer, json::value value, std::string_view why) {
    const auto slash = pointer.rfind('/');
    auto* const parent = at(pointer.substr(0, slash));
    if (parent == nullptr || !parent->is_object()) return;
    auto& old = parent->get_object()[pointer.substr(slash + 1)];
    if (old == value) return;
    changes_[pointer] =
        old.is_null() ? std::string(why) : fmt::format("was {}: {}", json::serialize(old), why);
    old = std::move(value);
  }
  void erase(const std::string& pointer, std::string why) {
    const auto slash = pointer.rfind('/');
    auto* const parent = at(pointer.substr(0, slash));
    if (parent == nullptr || !parent->is_object()) return;
    parent->get_object().erase(pointer.substr(slash + 1));
    changes_[pointer.substr(0, slash)] = std::move(why);
  }

  // The name that was meant, or nothing in its place.
  void fix_name(const kube::UnknownField& field) {
    auto* const parent = at(field.parent);
    if (parent == nullptr || !parent->is_object()) return;
    auto& holder = parent->get_object();
    const auto* const found = holder.if_contains(field.name);
    if (found == nullptr) return;
    auto value = *found;
    holder.erase(field.name);
    if (field.meant.empty()) {
      changes_[field.parent] = fmt::format("without {}, which there is not", printable(field.name));
    } else {
      holder[field.meant] = std::move(value);
      changes_[fmt::format("{}/{}", field.parent, field.meant)] =
          fmt::format("was {}", printable(field.name));
    }
  }

  void fix_type(const kube::WrongType& wrong) {
    const auto* const value = at(wrong.pointer);
    if (value == nullptr) return;
    const bool number = wrong.wanted == "int32" || wrong.wanted == "int64";
    if (number && value->is_string()) {
      if (const auto whole = whole_number(value->get_string()))
        set(wrong.pointer, *whole, "a number stands without quotes");
    } else if (wrong.wanted == "string" && value->is_number()) {
      set(wrong.pointer, json::string(json::serialize(*value)), "a text of digits stands in quotes");
    }
  }

  void fix_field(const kube::FieldError& error) {
    const auto pointer = pointer_of(error.field);
    const auto says = [&](std::string_view text) { return error.reason.find(text) != std::string::npos; };
    const auto is = [&](std::string_view name) { return pointer.ends_with(name); };
    if (const auto words = supported_by(error.reason); !words.empty()) return fix_word(pointer, words);
    if (is("/stabilizationWindowSeconds"))
      return set(pointer, says("3600") ? 3600 : 0, "a window has 0 to 3600 s");
    if (is("/periodSeconds")) return set(pointer, says("1800") ? 1800 : 15, "a period has 1 to 1800 s");
    if (is("/policies")) return erase(pointer, "without its empty list of policies: the default ones hold");
    if (is("/tolerance")) return set(pointer, "0", "a tolerance is not negative");
    if (pointer == "/spec/minReplicas") return set(pointer, 1, "the smallest size that is allowed");
    if (pointer == "/spec/metrics" && says("scaling to zero"))
      return set("/spec/minReplicas", 1, "0 needs an Object or External metric");
    if (pointer == "/spec/maxReplicas" && says("minReplicas")) return fix_range();
    if (is("/type")) return infer_type(pointer);
  }

  // Upper and lower case, or a letter, are wrong.
  void fix_word(const std::string& pointer, const std::vector<std::string>& words) {
    const auto* const value = at(pointer);
    if (value == nullptr || !value->is_string()) return;
    const std::string_view written = value->get_string();
    const auto same =
        std::ranges::find_if(words, [&](const auto& word) { return same_ignoring_case(word, written); });
    const auto meant = same == words.end() ? nearest(written, words) : *same;
    if (!meant.empty()) set(pointer, json::string(meant), "there is no such word");
  }

  void fix_range() {
    const auto* const max = at("/spec/maxReplicas");
    if (max != nullptr && max->is_int64() && max->get_int64() >= 1)
      set("/spec/minReplicas", *max, "it was above maxReplicas");
  }

  // The type of a metric, or of its target, is that of the member that is there.
  void infer_type(const std::string& pointer) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> types{
        {{"object", "Object"},
         {"external", "External"},
         {"pods", "Pods"},
         {"resource", "Resource"},
         {"containerResource", "ContainerResource"},
         {"averageValue", "AverageValue"},
         {"value", "Value"},
         {"averageUtilization", "Utilization"}}};
    const auto* const parent = at(pointer.substr(0, pointer.rfind('/')));
    if (parent == nullptr || !parent->is_object()) return;
    const auto& members = parent->get_object();
    if (const auto* written = members.if_contains("type"); written != nullptr && !written->is_null()) return;
    for (const auto& [member, type] : types) {
      if (members.contains(member)) return set(pointer, json::string(type), "the type must be named");
    }
  }

  json::value whole_;
  std::map<std::string, std::string> changes_;
};

}  // namespace

std::optional<RepairedHpa> repair_hpa(const json::object& document, KubernetesVersion version) {
  // Where a type is wrong the server looks no further: what else is wrong shows in the next round.
  constexpr int rounds = 6;
  Repair repair(document);
  for (int round = 0; round < rounds; ++round) {
    const auto refusal = validate_hpa(repair.document(), version);
    if (refusal.empty()) return RepairedHpa{.document = repair.document(), .changes = repair.take_changes()};
    repair.run(refusal);
  }
  return std::nullopt;
}

}  // namespace fluxmetrics::scaling
