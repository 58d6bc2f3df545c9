// Replies of streams as values.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/payload.hpp"

namespace fluxmetrics::flux {

// The next reply of `stream`, which is of `topic`, as a T. Errors: those of next() and of T::from_json().
template <class T>
[[nodiscard]] asio::awaitable<Result<T>> next_reply(Stream& stream, std::string_view topic) {
  const auto text = co_await stream.next();
  if (!text) co_return std::unexpected(text.error());
  const auto json = parse_payload(topic, *text);
  if (!json) co_return std::unexpected(json.error());
  co_return T::from_json(*json);
}

}  // namespace fluxmetrics::flux
