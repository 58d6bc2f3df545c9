// Standard base64 with padding (RFC 4648), as J and KVS values use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxmetrics::simulate {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
// Nothing when `text` is not base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace fluxmetrics::simulate
