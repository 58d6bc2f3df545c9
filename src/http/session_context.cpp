#include "http/session_context.hpp"

namespace fluxmetrics::http {

std::string_view DateText::at(std::time_t now) {
  if (now != second_) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size_ = std::strftime(text_.data(), text_.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    second_ = now;
  }
  return {text_.data(), size_};
}

}  // namespace fluxmetrics::http
