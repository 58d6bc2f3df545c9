#include "kube/protobuf.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "kube/protobuf_messages.hpp"

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;
using Type = ProtobufField::Type;

std::string_view text_of(const json::value* value) {
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::int64_t integer_of(const json::value* value) {
  if (value == nullptr) return 0;
  if (const auto* number = value->if_int64()) return *number;
  const auto* large = value->if_uint64();
  return large == nullptr ? 0 : static_cast<std::int64_t>(*large);
}

std::span<const json::value> items_of(const json::value* value) {
  const auto* array = value == nullptr ? nullptr : value->if_array();
  return array == nullptr ? std::span<const json::value>() : std::span(array->data(), array->size());
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U)
    out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

void put_integer(std::string& out, std::uint32_t number, std::int64_t value) {
  put_varint(out, std::uint64_t{number} << 3U);
  put_varint(out, static_cast<std::uint64_t>(value));
}

// A text, or a message that is encoded already.
void put_bytes(std::string& out, std::uint32_t number, std::string_view bytes) {
  put_varint(out, (std::uint64_t{number} << 3U) | 2U);
  put_varint(out, bytes.size());
  out += bytes;
}

// map<string, string>: one message an entry, sorted by key.
void put_labels(std::string& out, std::uint32_t number, const json::value* value) {
  const auto* labels = value == nullptr ? nullptr : value->if_object();
  if (labels == nullptr) return;
  std::vector<std::pair<std::string_view, std::string_view>> sorted;
  sorted.reserve(labels->size());
  for (const auto& label : *labels)
    sorted.emplace_back(label.key(), text_of(&label.value()));
  std::ranges::sort(sorted);
  for (const auto& [key, text] : sorted) {
    std::string entry;
    put_bytes(entry, 1, key);
    put_bytes(entry, 2, text);
    put_bytes(out, number, entry);
  }
}

// Seconds since 1970 of a time as format_rfc3339() writes it; nullopt for any other text.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
  const auto fits = [](char c, char wanted) { return wanted == 'd' ? c >= '0' && c <= '9' : c == wanted; };
  if (!std::ranges::equal(text, shape, fits)) return std::nullopt;
  const auto number = [text](std::size_t from, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + size, value);
    return value;
  };
  const std::chrono::year_month_day day(std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  if (!day.ok()) return std::nullopt;
  const std::chrono::seconds time = std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
                                    std::chrono::seconds(number(17, 2));
  return (std::chrono::sys_seconds(std::chrono::sys_days(day)) + time).time_since_epoch().count();
}

// The zero time is an empty message.
std::string time_message(std::string_view text) {
  std::string message;
  const auto seconds = seconds_of(text);
  if (!seconds) return message;
  put_integer(message, 1, *seconds);
  put_integer(message, 2, 0);
  return message;
}

std::string texts_message(std::span<const json::value> texts) {
  std::string message;
  for (const auto& text : texts)
    put_bytes(message, 1, text_of(&text));
  return message;
}

std::string encode_message(const ProtobufMessage& message, const json::value* value);

void put_field(std::string& out, const ProtobufField& field, const json::value* value) {
  switch (field.type) {
    case Type::text:
      return put_bytes(out, field.number, text_of(value));
    case Type::boolean:
      return put_integer(out, field.number,
                         value != nullptr && value->is_bool() && value->get_bool() ? 1 : 0);
    case Type::integer:
      return put_integer(out, field.number, integer_of(value));
    case Type::labels:
      return put_labels(out, field.number, value);
    case Type::time:
      return put_bytes(out, field.number, time_message(text_of(value)));
    case Type::quantity: {
      std::string message;
      put_bytes(message, 1, text_of(value));
      return put_bytes(out, field.number, message);
    }
    case Type::verbs:
      return put_bytes(out, field.number, texts_message(items_of(value)));
    case Type::object:
      return put_bytes(out, field.number, encode_message(*field.message, value));
    case Type::texts:
      for (const auto& text : items_of(value))
        put_bytes(out, field.number, text_of(&text));
      return;
    case Type::objects:
      for (const auto& item : items_of(value))
        put_bytes(out, field.number, encode_message(*field.message, &item));
      return;
  }
}

std::string encode_message(const ProtobufMessage& message, const json::value* value) {
  const auto* object = value == nullptr ? nullptr : value->if_object();
  std::string out;
  for (const auto& field : message.fields) {
    const auto* member = object == nullptr ? nullptr : object->if_contains(field.key);
    const bool there = member != nullptr && !member->is_null();
    if (there || field.absent == ProtobufField::Absent::written) put_field(out, field, member);
  }
  return out;
}

}  // namespace

std::string to_protobuf(const json::value& object) {
  const auto member = [&object](std::string_view key) {
    const auto* members = object.if_object();
    return text_of(members == nullptr ? nullptr : members->if_contains(key));
  };
  std::string type;
  put_bytes(type, 1, member("apiVersion"));
  put_bytes(type, 2, member("kind"));
  const auto* message = find_protobuf_message(member("apiVersion"), member("kind"));

  std::string out("k8s\0", 4);
  put_bytes(out, 1, type);
  put_bytes(out, 2, message == nullptr ? std::string() : encode_message(*message, &object));
  put_bytes(out, 3, "");  // content encoding and type: none, but Go writes them
  put_bytes(out, 4, "");
  return out;
}

}  // namespace fluxmetrics::kube
