// A client of one server that does not block: connections are kept for the next request, every exchange has a
// deadline, and a response may be read as it comes (a watch).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/client_connection.hpp"

namespace fluxmetrics::http {

// A response whose body is read piece by piece.
class ResponseStream {
 public:
  ResponseStream() = default;  // of nothing; an awaitable needs one
  explicit ResponseStream(std::shared_ptr<ClientConnection> connection, Fetched head)
      : connection_(std::move(connection)), head_(std::move(head)) {}
  [[nodiscard]] const Fetched& head() const { return head_; }
  // The next piece; "" at the end. Errors: as ClientConnection, and Code::timed_out when nothing came.
  boost::asio::awaitable<Result<std::string>> next(Seconds timeout);

 private:
  std::shared_ptr<ClientConnection> connection_;
  Fetched head_;
};

// What to do when a kept connection broke after a request went out on it, and before anything came back: most
// often the server had closed it before it could read the request, but nobody knows.
enum class Resend { on_new_connection, never };

// Not thread-safe: used on its executor only.
class PooledClient {
 public:
  // `server_name`: what the server's certificate must be for; "" = the URL's host.
  PooledClient(boost::asio::any_io_executor executor, Destination to, TlsContext tls, std::string server_name)
      : executor_(std::move(executor)),
        to_(std::move(to)),
        tls_(std::move(tls)),
        server_name_(std::move(server_name)) {}

  // Errors: as ClientConnection, and Code::timed_out. A kept connection that the server is known to have
  // closed meanwhile is not used.
  boost::asio::awaitable<Result<Fetched>> exchange(OutgoingRequest request, Seconds timeout,
                                                   Resend resend = Resend::on_new_connection);
  boost::asio::awaitable<Result<ResponseStream>> stream(OutgoingRequest request, Seconds timeout);

 private:
  struct Kept {
    std::shared_ptr<ClientConnection> connection;
    MonoTime since;
  };
  [[nodiscard]] std::shared_ptr<ClientConnection> take_idle();
  void keep(std::shared_ptr<ClientConnection> connection);
  boost::asio::awaitable<Result<Fetched>> run(std::shared_ptr<ClientConnection> connection, bool connected,
                                              OutgoingRequest request, bool whole);

  boost::asio::any_io_executor executor_;
  Destination to_;
  TlsContext tls_;
  std::string server_name_;
  std::vector<Kept> idle_;
};

}  // namespace fluxmetrics::http
