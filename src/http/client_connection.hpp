// One connection of a client: a request goes out, its response comes in, and again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.hpp"
#include "http/message.hpp"
#include "http/stream.hpp"
#include "http/tls_context.hpp"

namespace fluxmetrics::http {

// Where a URL points.
struct Destination {
  std::string url;  // for messages
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string authority;  // the Host header
  std::string target;     // path and query
};
// Errors: Code::invalid.
[[nodiscard]] Result<Destination> parse_url(const std::string& url);

struct OutgoingRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers = {};  // besides Host, Connection and Content-Length
  std::string body = {};
};

// Use: connect(), then send(), receive_head() and read_body() or receive_rest(), and again while reusable().
// Errors: Code::unavailable (refused, reset, ended), denied (certificate not trusted), protocol.
class ClientConnection {
 public:
  // `server_name`: what the server's certificate must be for; "" = the destination's host.
  ClientConnection(boost::asio::any_io_executor executor, Destination to, std::string server_name);
  boost::asio::awaitable<Result<void>> connect(TlsContext tls);
  boost::asio::awaitable<Result<void>> send(OutgoingRequest request, bool keep_alive);
  boost::asio::awaitable<Result<Fetched>> receive_head(std::size_t max_body);  // its body is empty
  // What has come of the body since; "" at its end.
  boost::asio::awaitable<Result<std::string>> read_body();
  boost::asio::awaitable<Result<std::string>> receive_rest();
  // Ends what is under way with an error. May be called at any time.
  void abort();

  [[nodiscard]] bool reusable() const { return reusable_; }  // a whole response came, and the server stays
  // Nothing has come since the last response: not even the end of the connection, as far as is known here.
  [[nodiscard]] bool quiet();
  // A byte of the response to the last request came.
  [[nodiscard]] bool answered() const { return answered_; }

 private:
  class ResponseParser;
  struct ParserDeleter {
    void operator()(ResponseParser* parser) const;
  };
  boost::asio::awaitable<Result<void>> read_some();
  [[nodiscard]] std::unexpected<Error> connection_error(const char* what,
                                                        const Stream::ErrorCode& error) const;

  boost::asio::any_io_executor executor_;
  Destination to_;
  std::string server_name_;
  boost::asio::ip::tcp::resolver resolver_;
  std::optional<boost::asio::ip::tcp::socket> connecting_;
  std::optional<Stream> stream_;
  std::unique_ptr<ResponseParser, ParserDeleter> parser_;
  std::string bytes_;  // came and not parsed yet
  bool keep_alive_ = false;
  bool reusable_ = false;
  bool answered_ = false;
  bool aborted_ = false;
};

}  // namespace fluxmetrics::http
