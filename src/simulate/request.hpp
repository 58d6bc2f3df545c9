// One request of one client, and how it is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/message.hpp"

namespace fluxmetrics::simulate {

// A connected client: somebody messages can be sent to.
class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;
  virtual void send(const flux::Message& message) = 0;
  // Who it is, as the socket tells; absent: the instance's owner.
  [[nodiscard]] virtual std::optional<std::uint32_t> userid() const { return std::nullopt; }
  // Neither the owner nor root: a guest, whatever its messages say.
  [[nodiscard]] virtual bool stranger() const { return false; }
};

// What answering a request gives: a handler that forgets to answer does not compile.
struct Answered {};

// A value: streams and answers that take time keep a copy. A reply to a client that left goes nowhere.
class Request {
 public:
  // `owner` is the instance owner's uid, which signs replies. `guests`: who does not ask for the owner's role
  // does not have it.
  Request(const std::shared_ptr<Peer>& peer, flux::Message message, std::uint32_t owner, bool guests = false);

  [[nodiscard]] const flux::Message& message() const { return message_; }
  [[nodiscard]] const std::string& topic() const { return message_.topic; }
  [[nodiscard]] bool streaming() const { return message_.has(flux::flag::streaming); }
  // The client may do what only the owner may; an owner can ask to be treated as a guest.
  [[nodiscard]] bool owner() const { return is_owner_; }
  [[nodiscard]] std::uint32_t userid() const { return userid_; }
  [[nodiscard]] bool from(const Peer* peer) const { return peer_.lock().get() == peer; }
  [[nodiscard]] bool same_peer(const Request& other) const { return from(other.peer_.lock().get()); }
  [[nodiscard]] std::shared_ptr<Peer> peer() const { return peer_.lock(); }
  // The payload when it is what requests carry, a JSON object.
  [[nodiscard]] const boost::json::object* payload() const { return payload_ ? &*payload_ : nullptr; }

  Answered respond() const;  // without payload
  Answered respond(const boost::json::value& payload) const;
  // `text` is for people; many of Flux's errors have none.
  Answered fail(int errnum, std::string_view text = {}) const;
  Answered respond(const Result<void>& result) const;  // without payload, or the error
  // The answers of the connection itself are signed by nobody.
  Answered respond_unsigned(int errnum) const;
  // Some requests, such as cancelling a stream, have no answer; others get theirs when it is ready.
  [[nodiscard]] static Answered silent() { return {}; }
  [[nodiscard]] static Answered later() { return {}; }

 private:
  Answered send(std::uint32_t errnum, std::optional<std::string> payload, bool is_signed) const;
  std::weak_ptr<Peer> peer_;
  flux::Message message_;
  std::optional<boost::json::object> payload_;
  std::uint32_t owner_;
  std::uint32_t userid_;
  bool is_owner_;
};

// Reads a request's fields; one that is missing or of the wrong type makes ok() false, and the answer EPROTO.
class Fields {
 public:
  explicit Fields(const Request& request) : object_(request.payload()), ok_(object_ != nullptr) {}
  [[nodiscard]] bool ok() const { return ok_; }
  std::string string(std::string_view name);
  std::int64_t integer(std::string_view name);
  double number(std::string_view name);
  bool boolean(std::string_view name);
  const boost::json::array& array(std::string_view name);
  // Absent is fine.
  std::optional<std::string> maybe_string(std::string_view name);
  std::optional<double> maybe_number(std::string_view name);
  bool flag(std::string_view name);  // false when absent
  const boost::json::value* maybe(std::string_view name) const;

 private:
  const boost::json::value* require(std::string_view name);
  const boost::json::object* object_;
  bool ok_;
};

}  // namespace fluxmetrics::simulate
