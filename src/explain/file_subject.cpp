#include "explain/file_subject.hpp"

#include <utility>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "explain/input.hpp"

namespace fluxmetrics::explain {
namespace {

// YAML makes numbers of words that were meant as texts: says so, in the words of the file.
void add_hints(ExplainSubject& subject, const HpaFile& file) {
  const boost::json::value whole(subject.document);
  for (auto& wrong : subject.input.refusal.types) {
    if (wrong.wanted != "string" && wrong.wanted != "map[string]string") continue;
    const auto place = file.places.find(wrong.pointer);
    boost::system::error_code missing;
    const auto* value = whole.find_pointer(wrong.pointer, missing);
    if (value != nullptr && value->is_primitive())
      wrong.hint = not_a_text(*value, place == file.places.end() ? "" : place->second.written);
  }
}

}  // namespace

Result<FileSubject> read_file_subject(const std::string& path, hpa::KubernetesVersion version) {
  auto file = read_hpa_file(path);
  if (!file) return std::unexpected(file.error());
  auto subject = parse_new_subject(std::move(file->document), version);
  if (!subject) return fail(subject.error().code, "{}: {}", path, subject.error().message);
  add_hints(*subject, *file);
  for (const auto& [pointer, place] : file->places)
    subject->written[pointer] = place.written;
  if (!subject->input.refusal.final()) subject->input.repeated_fields = std::move(file->repeated);
  return FileSubject{.subject = std::move(*subject), .others = std::move(file->others)};
}

}  // namespace fluxmetrics::explain
