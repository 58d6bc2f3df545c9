#include "flux/blocking_client.hpp"

#include <boost/json.hpp>

#include "flux/payload.hpp"

namespace fluxmetrics::flux {

Result<std::unique_ptr<BlockingClient>> BlockingClient::connect(const std::string& socket_path) {
  auto made = std::make_unique<BlockingClient>();
  auto connected = made->wait_for(Client::connect(socket_path));
  if (!connected) return std::unexpected(connected.error());
  made->client_ = std::move(*connected);
  return made;
}

Result<boost::json::value> BlockingClient::rpc(const std::string& topic, const boost::json::value& request,
                                               RpcOptions options) {
  const auto text = wait_for(client_->rpc(topic, boost::json::serialize(request), options));
  if (!text) return std::unexpected(text.error());
  if (text->empty()) return boost::json::value{};
  return parse_payload(topic, *text);
}

}  // namespace fluxmetrics::flux
