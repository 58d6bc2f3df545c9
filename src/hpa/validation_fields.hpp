// Fields of an HPA of the right types, read as Go has them after decoding: absent and null are the zero
// value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace fluxmetrics::hpa {

// One value of a document and its path ("spec.metrics[0]"); a value that is not there has one too.
class HpaField {
 public:
  HpaField(const boost::json::value* value, std::string path) : value_(value), path_(std::move(path)) {}

  [[nodiscard]] bool present() const { return value_ != nullptr && !value_->is_null(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] HpaField operator[](std::string_view name) const {
    const auto* object = value_ == nullptr ? nullptr : value_->if_object();
    return {object == nullptr ? nullptr : object->if_contains(name),
            path_.empty() ? std::string(name) : path_ + "." + std::string(name)};
  }
  [[nodiscard]] std::size_t size() const {
    const auto* list = value_ == nullptr ? nullptr : value_->if_array();
    return list == nullptr ? 0 : list->size();
  }
  [[nodiscard]] HpaField operator[](std::size_t i) const {
    return {&value_->get_array()[i], path_ + "[" + std::to_string(i) + "]"};
  }
  [[nodiscard]] std::string text() const {
    return present() && value_->is_string() ? std::string(value_->get_string()) : std::string();
  }
  [[nodiscard]] std::optional<std::int64_t> number() const {
    if (!present() || !value_->is_number()) return std::nullopt;
    boost::system::error_code wrong;
    const auto whole = value_->to_number<std::int64_t>(wrong);
    return wrong ? std::nullopt : std::optional(whole);
  }
  [[nodiscard]] const boost::json::value& value() const { return *value_; }

 private:
  const boost::json::value* value_;
  std::string path_;
};

}  // namespace fluxmetrics::hpa
