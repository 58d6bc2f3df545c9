#include "flux/jobspec.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

// The number at the start of a count written as a string: an RFC 45 range such as "4", "2-4", "3+",
// "2-16:2:*".
std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> smallest_count(const json::value& count) {
  if (const auto* number = count.if_int64()) return *number;
  if (const auto* range = count.if_object()) {
    const json::value* min = range->if_contains("min");
    return min != nullptr && min->is_int64() ? std::optional(min->get_int64()) : std::nullopt;
  }
  if (const auto* text = count.if_string()) return leading_number(*text);
  return std::nullopt;
}

// One vertex of the resource graph, with its count checked.
struct Vertex {
  std::string type;
  std::uint32_t count = 0;
  bool exclusive = false;
  const json::array* with = nullptr;
};

Result<Vertex> read_vertex(const json::value& value, std::int64_t least) {
  Fields in(value, "jobspec: resource vertex");
  Vertex vertex;
  vertex.type = in.text("type").value_or("");
  vertex.exclusive = in.boolean("exclusive").value_or(false);
  vertex.with = in.array("with");
  if (!in.ok()) return in.error();
  const auto* count = in.any("count");
  const auto smallest = count != nullptr ? smallest_count(*count) : std::nullopt;
  if (!smallest || *smallest < least || *smallest > std::numeric_limits<std::uint32_t>::max()) {
    return fail(Code::protocol, "jobspec: the count of a '{}' is not a number from {} to 4294967295",
                printable(vertex.type), least);
  }
  vertex.count = static_cast<std::uint32_t>(*smallest);
  return vertex;
}

std::unexpected<Error> unsupported(std::string_view type, std::string_view where) {
  return fail(Code::unsupported, "jobspec: resource '{}' {} is not part of jobspec V1", printable(type),
              where);
}

Result<void> read_slot(const Vertex& slot, Shape& shape) {
  shape.slots = slot.count;
  shape.cores = 0;
  if (slot.with == nullptr) return fail(Code::protocol, "jobspec: the slot holds nothing");
  for (const auto& item : *slot.with) {
    auto child = read_vertex(item, 0);
    if (!child) return std::unexpected(child.error());
    if (child->type == "core") {
      shape.cores = child->count;
    } else if (child->type == "gpu") {
      shape.gpus = child->count;
    } else {
      return unsupported(child->type, "in a slot");
    }
  }
  if (shape.cores == 0)
    return fail(Code::unsupported, "jobspec: a slot without cores is not part of jobspec V1");
  return {};
}

Result<Vertex> only_vertex(const json::array* vertices, std::string_view where) {
  if (vertices == nullptr || vertices->empty()) {
    return fail(Code::protocol, "jobspec: there is no resource {}", where);
  }
  if (vertices->size() > 1) {
    return fail(Code::unsupported, "jobspec: more than one resource {} is not part of jobspec V1", where);
  }
  return read_vertex(vertices->front(), 1);
}

Result<void> read_resources(const json::array* resources, Shape& shape) {
  auto top = only_vertex(resources, "at the top");
  if (!top) return std::unexpected(top.error());
  if (top->type == "slot") return read_slot(*top, shape);
  if (top->type != "node") return unsupported(top->type, "at the top");
  shape.nodes = top->count;
  shape.exclusive = top->exclusive;
  auto slot = only_vertex(top->with, "in a node");
  if (!slot) return std::unexpected(slot.error());
  if (slot->type != "slot") return unsupported(slot->type, "in a node");
  return read_slot(*slot, shape);
}

Result<void> read_system(const json::value& value, Jobspec& spec) {
  Fields in(value, "jobspec: attributes.system");
  spec.duration = std::max(0.0, in.number("duration").value_or(0));
  spec.queue = in.text("queue").value_or("");
  if (const auto* job = in.any("job")) {
    Fields names(*job, "jobspec: attributes.system.job");
    spec.name = names.text("name").value_or("");
    if (!names.ok()) return names.error();
  }
  if (const auto* constraints = in.any("constraints")) {
    auto read = Constraint::from_json(*constraints);
    if (!read) return fail(Code::protocol, "jobspec: {}", read.error().message);
    spec.shape.constraint = *std::move(read);
  }
  if (!in.ok()) return in.error();
  return {};
}

}  // namespace

Result<Jobspec> parse_jobspec(const json::value& value) {
  Fields in(value, "jobspec");
  Jobspec spec;
  const auto* resources = in.array("resources");
  const auto* attributes = in.any("attributes");
  if (!in.ok()) return in.error();
  if (auto read = read_resources(resources, spec.shape); !read) return std::unexpected(read.error());
  if (attributes == nullptr) return spec;
  const Fields sections(*attributes, "jobspec: attributes");
  const auto* system = sections.any("system");
  if (!sections.ok()) return sections.error();
  if (system == nullptr) return spec;
  if (auto read = read_system(*system, spec); !read) return std::unexpected(read.error());
  return spec;
}

Shape shape_from_counts(std::optional<std::uint32_t> nnodes, std::optional<std::uint32_t> ncores) {
  Shape shape;
  shape.known = false;
  if (nnodes && *nnodes > 0) {
    shape.nodes = nnodes;
    shape.exclusive = !ncores;
    shape.cores = std::max(1U, ncores.value_or(0) / *nnodes);
  } else {
    shape.slots = std::max(1U, ncores.value_or(1));
  }
  return shape;
}

}  // namespace fluxmetrics::flux
