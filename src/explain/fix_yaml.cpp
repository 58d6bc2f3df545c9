// The corrected HPA as YAML.
#include <algorithm>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "explain/fix.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

// Words that YAML would take for something else than a text are quoted.
std::string yaml_text(std::string_view text) {
  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static constexpr std::string_view more = "0123456789-_./";
  const bool plain =
      !text.empty() && letters.find(text[0]) != std::string_view::npos &&
      std::ranges::all_of(text, [](char c) {
        return letters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
      });
  for (const auto* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (same_ignoring_case(text, word)) return json::serialize(json::value(json::string(text)));
  }
  return plain ? std::string(text) : json::serialize(json::value(json::string(text)));
}

class Writer {
 public:
  explicit Writer(const std::map<std::string, std::string>& comments) : comments_(comments) {}

  void object(const json::object& object, const std::string& path, std::size_t depth, bool in_list) {
    bool first = in_list;
    for (const auto& [key, value] : object) {
      const auto here = fmt::format("{}/{}", path, std::string_view(key));
      // Above a list's item there is no room beside its dash: the comment goes below it.
      if (!first) comment(here, depth);
      out_ += fmt::format("{:{}}{}:", "", first ? 0 : depth * 2, yaml_text(key));
      member(value, here, depth);
      if (first) comment(here, depth);
      first = false;
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void comment(const std::string& path, std::size_t depth) {
    const auto found = comments_.find(path);
    if (found != comments_.end()) out_ += fmt::format("{:{}}# changed: {}\n", "", depth * 2, found->second);
  }
  void member(const json::value& value, const std::string& path, std::size_t depth) {
    if (const auto* nested = value.if_object(); nested != nullptr && !nested->empty()) {
      out_ += "\n";
      object(*nested, path, depth + 1, false);
    } else if (const auto* list = value.if_array(); list != nullptr && !list->empty()) {
      out_ += "\n";
      items(*list, path, depth);
    } else {
      out_ += fmt::format(" {}\n", scalar(value));
    }
  }
  void items(const json::array& list, const std::string& path, std::size_t depth) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      out_ += fmt::format("{:{}}- ", "", depth * 2);
      const auto* nested = list[i].if_object();
      if (nested != nullptr && !nested->empty()) {
        object(*nested, fmt::format("{}/{}", path, i), depth + 1, true);
      } else {
        out_ += scalar(list[i]) + "\n";
      }
    }
  }
  static std::string scalar(const json::value& value) {
    return value.is_string() ? yaml_text(value.get_string()) : json::serialize(value);
  }

  const std::map<std::string, std::string>& comments_;
  std::string out_;
};

}  // namespace

std::string fixed_yaml(const FixedHpa& fixed) {
  Writer writer(fixed.changes);
  writer.object(fixed.document, "", 0, false);
  return writer.take();
}

}  // namespace fluxmetrics::explain
