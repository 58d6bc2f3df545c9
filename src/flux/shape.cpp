#include "flux/shape.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

// Resources nested deeper than this are no real ones; it bounds the recursion.
constexpr int max_shape_depth = 32;
constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

// Of numbers up to `most`; stops there.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return std::min(most, a * b);
}
std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return std::min(most, a + b);
}
std::uint32_t share(std::uint64_t whole, std::uint64_t parts) {
  return static_cast<std::uint32_t>((whole + parts - 1) / parts);
}

std::optional<std::int64_t> smallest_count(const json::value& count);

// A count written as a string: a number, an RFC 45 range or idset such as "2-4", "3+", "2-16:2:*", "[4,8]",
// or a count object in JSON.
std::optional<std::int64_t> smallest_of_text(std::string_view text) {
  if (text.starts_with('{')) {
    boost::system::error_code error;
    const auto parsed = json::parse(text, error);
    return error || !parsed.is_object() ? std::nullopt : smallest_count(parsed);
  }
  if (text.starts_with('[')) text.remove_prefix(1);
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
  if (const auto* text = count.if_string()) return smallest_of_text(*text);
  return std::nullopt;
}

// One vertex of the tree, with its count checked.
struct Vertex {
  std::string type;
  std::uint64_t count = 0;
  bool exclusive = false;
  const json::array* with = nullptr;
};

Result<Vertex> read_vertex(const json::value& value) {
  Fields in(value, "jobspec: resource vertex");
  Vertex vertex;
  vertex.type = in.text("type").value_or("");
  vertex.exclusive = in.boolean("exclusive").value_or(false);
  vertex.with = in.array("with");
  if (!in.ok()) return in.error();
  const auto* count = in.any("count");
  const auto smallest = count != nullptr ? smallest_count(*count) : std::nullopt;
  // Nothing of a thing may be asked for at the tip of the tree ("gpu 0").
  const std::int64_t least = vertex.with == nullptr && vertex.type != "node" && vertex.type != "slot" ? 0 : 1;
  if (!smallest || *smallest < least || std::cmp_greater(*smallest, most)) {
    return fail(Code::protocol, "jobspec: the count of a '{}' is not a number from {} to {}",
                printable(vertex.type), least, most);
  }
  vertex.count = static_cast<std::uint64_t>(*smallest);
  return vertex;
}

Result<std::vector<Vertex>> read_vertices(const json::array& values, int depth) {
  if (depth > max_shape_depth)
    return fail(Code::protocol, "jobspec: resources are nested deeper than {} levels", max_shape_depth);
  std::vector<Vertex> vertices;
  for (const auto& value : values) {
    auto vertex = read_vertex(value);
    if (!vertex) return std::unexpected(vertex.error());
    vertices.push_back(*std::move(vertex));
  }
  return vertices;
}

// Whether there is a node somewhere below. What is wrong there is found when it is read.
bool holds_node(const json::array* values, int depth) {
  if (values == nullptr || depth > max_shape_depth) return false;
  return std::ranges::any_of(*values, [&](const json::value& value) {
    const auto vertex = read_vertex(value);
    return vertex && (vertex->type == "node" || holds_node(vertex->with, depth + 1));
  });
}

struct Amounts {
  std::uint64_t cores = 0;
  std::uint64_t gpus = 0;
  bool operator==(const Amounts&) const = default;
};
Amounts times(std::uint64_t count, const Amounts& each) {
  return {.cores = times(count, each.cores), .gpus = times(count, each.gpus)};
}
Amounts plus(const Amounts& a, const Amounts& b) {
  return {.cores = plus(a.cores, b.cores), .gpus = plus(a.gpus, b.gpus)};
}

// What a node or a slot holds, together and as slots.
struct Contents {
  Amounts all;
  std::uint64_t slots = 0;
  Amounts slot;  // the last one
};

Result<Contents> read_contents(const json::array* values, int depth) {
  Contents sum;
  if (values == nullptr) return sum;
  const auto vertices = read_vertices(*values, depth);
  if (!vertices) return std::unexpected(vertices.error());
  for (const Vertex& vertex : *vertices) {
    auto below = read_contents(vertex.with, depth + 1);
    if (!below) return below;
    if (vertex.type == "core") below->all.cores = plus(below->all.cores, 1);
    if (vertex.type == "gpu") below->all.gpus = plus(below->all.gpus, 1);
    if (vertex.type == "slot" && below->slots == 0) {
      below->slots = 1;
      below->slot = below->all;
    }
    sum.all = plus(sum.all, times(vertex.count, below->all));
    if (below->slots == 0) continue;
    sum.slots = plus(sum.slots, times(vertex.count, below->slots));
    sum.slot = below->slot;
  }
  return sum;
}

// Equal nodes, or equal slots that no node holds.
struct Part {
  std::uint64_t count = 0;
  std::uint64_t slots = 1;  // in one node
  Amounts slot;
  bool exclusive = false;
  [[nodiscard]] Amounts all() const { return times(count, times(slots, slot)); }
};

class Tree {
 public:
  // What the vertices above say of those below.
  struct Above {
    std::uint64_t count = 1;
    bool exclusive = false;
  };

  Result<void> read(const json::array& values, const Above& above, int depth) {
    const auto vertices = read_vertices(values, depth);
    if (!vertices) return std::unexpected(vertices.error());
    for (const Vertex& vertex : *vertices)
      if (auto done = read(vertex, above, depth); !done) return done;
    return {};
  }

  [[nodiscard]] Result<Shape> shape() const {
    const bool by_node = !nodes_.empty();
    const auto& parts = by_node ? nodes_ : slots_;
    if (parts.empty())
      return fail(Code::protocol, "jobspec: there is no node, slot, core or gpu among its resources");
    Part whole = parts.front();
    for (std::size_t i = 1; i < parts.size(); ++i)
      whole = joined(whole, parts[i]);
    Shape shape;
    // Slots beside the nodes may lie anywhere, and are left away.
    shape.known = !by_node || slots_.empty();
    shape.exclusive = whole.exclusive;
    const auto count = static_cast<std::uint32_t>(whole.count);
    if (by_node) shape.nodes = count;
    shape.slots = by_node ? static_cast<std::uint32_t>(whole.slots) : count;
    shape.gpus = static_cast<std::uint32_t>(whole.slot.gpus);
    // Whatever runs needs something to run on.
    shape.cores = std::max(shape.gpus > 0 ? 0U : 1U, static_cast<std::uint32_t>(whole.slot.cores));
    return shape;
  }

 private:
  Result<void> read(const Vertex& vertex, const Above& above, int depth) {
    const std::uint64_t count = times(above.count, vertex.count);
    const bool is_slot = vertex.type == "slot";
    if (vertex.type == "node")
      return add_nodes(vertex, {.count = count, .exclusive = above.exclusive}, depth);
    if (vertex.with != nullptr && holds_node(vertex.with, depth + 1)) {
      const Above here{.count = count, .exclusive = above.exclusive || vertex.exclusive || is_slot};
      return read(*vertex.with, here, depth + 1);
    }
    const bool counts = vertex.type == "core" || vertex.type == "gpu";
    // A rack or a socket outside of any node: what it holds lies wherever it lies.
    if (!is_slot && !counts)
      return vertex.with == nullptr ? Result<void>{} : read(*vertex.with, {.count = count}, depth + 1);
    const auto contents = read_contents(vertex.with, depth + 1);
    if (!contents) return std::unexpected(contents.error());
    const Amounts own{.cores = vertex.type == "core" ? 1U : 0U, .gpus = vertex.type == "gpu" ? 1U : 0U};
    if (count > 0) slots_.push_back({.count = count, .slot = plus(own, contents->all)});
    return {};
  }

  Result<void> add_nodes(const Vertex& node, const Above& above, int depth) {
    const auto contents = read_contents(node.with, depth + 1);
    if (!contents) return std::unexpected(contents.error());
    Part part{.count = above.count, .slot = contents->all, .exclusive = above.exclusive || node.exclusive};
    // Slots that differ, or cores beside them, are one large slot: they lie on one node anyway.
    if (contents->slots > 0 && times(contents->slots, contents->slot) == contents->all) {
      part.slots = contents->slots;
      part.slot = contents->slot;
    }
    nodes_.push_back(part);
    return {};
  }

  static Part joined(const Part& a, const Part& b) {
    Part whole = a;
    whole.count = plus(a.count, b.count);
    whole.exclusive = a.exclusive && b.exclusive;
    if (a.slots == b.slots && a.slot == b.slot) return whole;
    const Amounts all = plus(a.all(), b.all());
    whole.slots = 1;
    whole.slot = {.cores = share(all.cores, whole.count), .gpus = share(all.gpus, whole.count)};
    return whole;
  }

  std::vector<Part> nodes_;
  std::vector<Part> slots_;
};

}  // namespace

Result<Shape> read_shape(const json::value& resources) {
  const auto* vertices = resources.if_array();
  if (vertices == nullptr) return fail(Code::protocol, "jobspec: resources is not an array");
  Tree tree;
  if (auto done = tree.read(*vertices, {}, 0); !done) return std::unexpected(done.error());
  return tree.shape();
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
