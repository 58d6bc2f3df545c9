#include "simulate/request.hpp"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

constexpr std::uint32_t role_owner = 1;
constexpr std::uint32_t role_local = 4;
constexpr std::uint32_t nobody = 65534;  // whom an owner who plays a guest stands for

std::optional<json::object> read_payload(const flux::Message& message) {
  if (!message.has(flux::flag::payload) || !message.payload_terminated) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(message.payload, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

}  // namespace

Request::Request(const std::shared_ptr<Peer>& peer, flux::Message message, std::uint32_t owner, bool guests)
    : peer_(peer), message_(std::move(message)), payload_(read_payload(message_)), owner_(owner) {
  // Owners may speak for another user, and leave the field unset when they do not.
  const bool asks = message_.rolemask == 0 ? !guests : (message_.rolemask & role_owner) != 0;
  is_owner_ = asks && !peer->stranger();
  userid_ = message_.userid;
  if (peer->stranger() || userid_ == flux::userid_unset) userid_ = peer->userid().value_or(owner_);
  if (!is_owner_ && userid_ == owner_ && !peer->stranger()) userid_ = nobody;
}

Answered Request::send(std::uint32_t errnum, std::optional<std::string> payload, bool is_signed) const {
  if (message_.has(flux::flag::noresponse)) return {};
  const auto peer = peer_.lock();
  if (peer == nullptr) return {};
  flux::Message reply;
  reply.type = flux::MessageType::response;
  reply.flags = flux::flag::topic | flux::flag::route;
  if (payload) reply.flags |= flux::flag::payload;
  if (streaming()) reply.flags |= flux::flag::streaming;
  reply.userid = is_signed ? owner_ : flux::userid_unset;
  reply.rolemask = is_signed ? role_owner | role_local : role_owner;
  reply.aux1 = errnum;
  reply.aux2 = message_.matchtag();
  reply.topic = message_.topic;
  reply.payload = std::move(payload).value_or("");
  peer->send(reply);
  return {};
}

Answered Request::respond() const {
  return send(0, std::nullopt, true);
}

Answered Request::respond(const json::value& payload) const {
  return send(0, json::serialize(payload), true);
}

Answered Request::fail(int errnum, std::string_view text) const {
  return send(static_cast<std::uint32_t>(errnum),
              text.empty() ? std::nullopt : std::optional<std::string>(text), true);
}

Answered Request::respond(const Result<void>& result) const {
  return result ? respond() : fail(result.error().errnum, result.error().message);
}

Answered Request::respond_unsigned(int errnum) const {
  return send(static_cast<std::uint32_t>(errnum), std::nullopt, false);
}

const json::value* Fields::maybe(std::string_view name) const {
  return object_ == nullptr ? nullptr : object_->if_contains(name);
}

const json::value* Fields::require(std::string_view name) {
  const json::value* value = maybe(name);
  ok_ = ok_ && value != nullptr;
  return value;
}

std::string Fields::string(std::string_view name) {
  const json::value* value = require(name);
  ok_ = ok_ && value->is_string();
  return ok_ ? std::string(value->get_string()) : "";
}

std::int64_t Fields::integer(std::string_view name) {
  const json::value* value = require(name);
  boost::system::error_code error;
  ok_ = ok_ && (value->is_int64() || value->is_uint64());
  const std::int64_t number = ok_ ? value->to_number<std::int64_t>(error) : 0;
  ok_ = ok_ && !error;
  return number;
}

double Fields::number(std::string_view name) {
  const json::value* value = require(name);
  ok_ = ok_ && value->is_number();
  return ok_ ? value->to_number<double>() : 0.0;
}

bool Fields::boolean(std::string_view name) {
  const json::value* value = require(name);
  ok_ = ok_ && value->is_bool();
  return ok_ && value->get_bool();
}

const json::array& Fields::array(std::string_view name) {
  static const json::array none;
  const json::value* value = require(name);
  ok_ = ok_ && value->is_array();
  return ok_ ? value->get_array() : none;
}

std::optional<std::string> Fields::maybe_string(std::string_view name) {
  if (maybe(name) == nullptr) return std::nullopt;
  return string(name);
}

std::optional<double> Fields::maybe_number(std::string_view name) {
  if (maybe(name) == nullptr) return std::nullopt;
  return number(name);
}

bool Fields::flag(std::string_view name) {
  return maybe(name) != nullptr && boolean(name);
}

}  // namespace fluxmetrics::simulate
