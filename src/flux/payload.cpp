#include "flux/payload.hpp"

#include <algorithm>
#include <charconv>
#include <new>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value_stack.hpp>

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

// Makes a document of the parser's tokens, as Boost.JSON's own handler does, but for numbers with a fraction:
// that one is off by the last bit for one number in eight, and times that went through it twice are others.
class DocumentHandler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();
  using error_code = json::error_code;
  using Text = json::string_view;

  explicit DocumentHandler(const json::storage_ptr& memory) : stack_(memory) { stack_.reset(memory); }
  [[nodiscard]] json::value release() { return stack_.release(); }

  static bool on_document_begin(error_code& /*ec*/) { return true; }
  static bool on_document_end(error_code& /*ec*/) { return true; }
  static bool on_object_begin(error_code& /*ec*/) { return true; }
  static bool on_array_begin(error_code& /*ec*/) { return true; }
  bool on_object_end(std::size_t count, error_code& /*ec*/) {
    stack_.push_object(count);
    return true;
  }
  bool on_array_end(std::size_t count, error_code& /*ec*/) {
    stack_.push_array(count);
    return true;
  }
  bool on_key_part(Text part, std::size_t /*n*/, error_code& /*ec*/) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(Text part, std::size_t /*n*/, error_code& /*ec*/) {
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(Text part, std::size_t /*n*/, error_code& /*ec*/) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(Text part, std::size_t /*n*/, error_code& /*ec*/) {
    stack_.push_string(part);
    return true;
  }
  static bool on_number_part(Text /*part*/, error_code& /*ec*/) { return true; }
  bool on_int64(std::int64_t value, Text /*text*/, error_code& /*ec*/) {
    stack_.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, Text /*text*/, error_code& /*ec*/) {
    stack_.push_uint64(value);
    return true;
  }
  // The whole text stands in one buffer, so `text` is the whole number.
  bool on_double(double value, Text text, error_code& /*ec*/) {
    double exact = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exact);
    const bool read = error == std::errc{} && end == text.data() + text.size();
    stack_.push_double(read ? exact : value);
    return true;
  }
  bool on_bool(bool value, error_code& /*ec*/) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(error_code& /*ec*/) {
    stack_.push_null();
    return true;
  }
  static bool on_comment_part(Text /*part*/, error_code& /*ec*/) { return true; }
  static bool on_comment(Text /*part*/, error_code& /*ec*/) { return true; }

 private:
  json::value_stack stack_;
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
    json::basic_parser<DocumentHandler> parser(options, ration);
    json::error_code error;
    const auto taken = parser.write_some(false, text.data(), text.size(), error);
    if (!error && text.find_first_not_of(" \t\r\n", taken) != std::string_view::npos)
      error = json::error::extra_data;
    if (error) return fail(Code::protocol, "{}: the reply is not JSON: {}", topic, error.message());
    return parser.handler().release();
  } catch (const std::bad_alloc&) {
    return fail(Code::protocol, "{}: the reply of {} bytes is larger as a document than the limit of {} MiB",
                topic, text.size(), max_document_bytes >> 20U);
  }
}

}  // namespace fluxmetrics::flux
