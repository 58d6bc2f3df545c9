#include "agent/command.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>

#include <boost/json/parse.hpp>

#include "base/rfc3339.hpp"
#include "base/text.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::agent {
namespace {

namespace json = boost::json;

constexpr std::string_view command_type = "agent.Command";

const kube::GoTypes& command_types() {
  static const kube::GoTypes types{{command_type,
                                    {{"ranks", "string"},
                                     {"requester", "string"},
                                     {"lease", "agent.Lease"},
                                     {"deadline", "string"},
                                     {"reason", "string"}}},
                                   {"agent.Lease", {{"holder", "string"}, {"transitions", "int64"}}}};
  return types;
}

kube::Status wrong_command(std::string message) {
  return {.code = 400, .reason = "BadRequest", .message = std::move(message)};
}

std::optional<std::string> fault_of(const json::object& document) {
  const auto faults = kube::decode_strictly(document, command_type, command_types());
  if (!faults.types.empty())
    return fmt::format("{}: {}", faults.types.front().error.field, faults.types.front().error.reason);
  if (faults.unknown.empty()) return std::nullopt;
  const auto& unknown = faults.unknown.front();
  const auto meant =
      unknown.meant.empty() ? std::string() : fmt::format(": do you mean \"{}\"?", unknown.meant);
  return fmt::format("strict decoding error: unknown field \"{}\"{}", printable(unknown.where, 100), meant);
}

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Why the fields are no command, else fills it in.
std::optional<std::string> take_fields(const json::object& document, Command& command) {
  auto ranks = flux::IdSet::parse(text_at(document, "ranks"));
  if (!ranks) return fmt::format("ranks: {}", ranks.error().message);
  command.ranks = *std::move(ranks);
  if (command.ranks.empty()) return "ranks: it names no rank; give an idset such as \"3-5,7\"";
  command.requester = text_at(document, "requester");
  const auto* lease = document.if_contains("lease");
  const auto* held = lease == nullptr ? nullptr : lease->if_object();
  if (held == nullptr)
    return R"(lease: it is missing; give {"holder": holderIdentity, "transitions": leaseTransitions})";
  command.lease.holder = text_at(*held, "holder");
  for (const auto& [field, name] :
       {std::pair{"requester", &command.requester}, std::pair{"lease.holder", &command.lease.holder}}) {
    if (!is_name(*name)) {
      return fmt::format("{}: '{}' is no name: give 1 to {} letters, digits and -._:@/", field,
                         printable(*name, 60), longest_name);
    }
  }
  const auto* transitions = held->if_contains("transitions");
  if (transitions == nullptr || !transitions->is_number())
    return "lease.transitions: it is missing; give the Lease's leaseTransitions";
  command.lease.transitions = transitions->to_number<std::int64_t>();
  if (command.lease.transitions < 0 || command.lease.transitions > std::numeric_limits<std::int32_t>::max())
    return "lease.transitions: a Lease counts them from 0 to 2147483647";
  const auto text = text_at(document, "deadline");
  const auto deadline = parse_rfc3339(text);
  if (!deadline) {
    return fmt::format("deadline: '{}' is no time as RFC 3339 writes it, such as 2026-11-30T12:00:05Z",
                       printable(text, 60));
  }
  command.deadline = *deadline;
  command.reason = text_at(document, "reason");
  if (command.reason.size() > longest_reason || printable(command.reason, longest_reason) != command.reason)
    return fmt::format("reason: give one line of at most {} characters", longest_reason);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Command::Kind kind) {
  return kind == Command::Kind::drain ? "drain" : "undrain";
}

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:@/").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, allowed);
}

std::expected<Command, kube::Status> read_command(Command::Kind kind, std::string_view body) {
  boost::system::error_code error;
  const auto document = json::parse(body, error);
  if (error || !document.is_object()) {
    return std::unexpected(wrong_command(
        fmt::format("the body is no JSON object{}", error ? ": " + error.message() : std::string())));
  }
  Command command{.kind = kind};
  auto fault = fault_of(document.get_object());
  if (!fault) fault = take_fields(document.get_object(), command);
  if (fault) return std::unexpected(wrong_command(*std::move(fault)));
  return command;
}

}  // namespace fluxmetrics::agent
