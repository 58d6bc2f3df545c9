// From a reply's text to JSON, within bounds: a broker that is broken, or none, must not cost all memory.
#include <algorithm>
#include <new>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>

#include "flux/replies.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 64;

// The resources of ten thousand nodes, no two alike, need a tenth of both. Lists of jobs, which may be
// longer, are read by JobListReader.
constexpr std::size_t max_text_bytes = 16U << 20U;
constexpr std::size_t max_document_bytes = 64U << 20U;

// Memory that runs out at a limit.
class Ration final : public json::memory_resource {
 public:
  explicit Ration(std::size_t bytes) : left_(bytes) {}

 private:
  // What malloc() takes for such a block, about.
  static std::size_t cost(std::size_t bytes) { return std::max<std::size_t>(32, (bytes + 23) / 16 * 16); }

  // Blocks are aligned for every type. Boost.JSON 1.81 does not give back the text of a key with the
  // alignment it was asked for with, so the two must not depend on it.
  void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
    if (cost(bytes) > left_) throw std::bad_alloc();
    void* const block = ::operator new(bytes);
    left_ -= cost(bytes);
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) override {
    left_ += cost(bytes);
    ::operator delete(block);
  }
  [[nodiscard]] bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t left_;
};

}  // namespace

Result<json::value> parse_payload(std::string_view topic, std::string_view text) {
  if (text.size() > max_text_bytes) {
    return fail(Code::protocol, "{}: the reply of {} bytes is larger than the {} that are read", topic,
                text.size(), max_text_bytes);
  }
  const auto ration = json::make_shared_resource<Ration>(max_document_bytes);
  try {
    json::parse_options options;
    options.max_depth = max_depth;
    json::parser parser(ration, options);
    parser.reset(ration);
    json::error_code error;
    parser.write(text, error);
    if (error) return fail(Code::protocol, "{}: the reply is not JSON: {}", topic, error.message());
    return parser.release();
  } catch (const std::bad_alloc&) {
    return fail(Code::protocol, "{}: the reply of {} bytes is larger as a document than the limit of {} MiB",
                topic, text.size(), max_document_bytes >> 20U);
  }
}

}  // namespace fluxmetrics::flux
