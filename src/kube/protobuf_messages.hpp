// Which member of a JSON object has which number in its protobuf message: tables that kube/protobuf.cpp
// walks.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fluxmetrics::kube {

struct ProtobufMessage;

struct ProtobufField {
  enum class Type {
    text,
    texts,  // repeated
    boolean,
    integer,
    labels,    // map<string, string>
    time,      // RFC 3339 in JSON, seconds and nanoseconds in protobuf
    quantity,  // text in JSON, a message of one text in protobuf
    verbs,     // a list in JSON, a message of repeated text in protobuf
    object,
    objects,  // repeated
  };
  // Whether Go writes the field when the JSON object lacks it: all but pointers and lists it does.
  enum class Absent { written, left_out };

  std::uint32_t number = 0;
  std::string_view key;
  Type type = Type::text;
  Absent absent = Absent::written;
  const ProtobufMessage* message = nullptr;  // of object and objects
};

struct ProtobufMessage {
  std::span<const ProtobufField> fields;  // in the order in which they are written
};

// nullptr for a kind that has no table here.
[[nodiscard]] const ProtobufMessage* find_protobuf_message(std::string_view api_version,
                                                           std::string_view kind);

}  // namespace fluxmetrics::kube
