#include "simulate/job_request.hpp"

#include <charconv>
#include <fmt/format.h>
#include <map>

#include <boost/json/array.hpp>

#include "simulate/base64.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

json::object slot(const JobRequest& request, std::uint32_t count) {
  json::array with{json::object{{"type", "core"}, {"count", request.cores}}};
  if (request.gpus > 0) with.push_back(json::object{{"type", "gpu"}, {"count", request.gpus}});
  return {{"type", "slot"}, {"count", count}, {"with", std::move(with)}, {"label", "task"}};
}

// The three dot-separated parts of a J; empty when there are not three.
std::array<std::string_view, 3> split(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  if (first == std::string_view::npos || first == last) return {};
  return {text.substr(0, first), text.substr(first + 1, last - first - 1), text.substr(last + 1)};
}

// The header is a run of NUL-terminated strings, name and typed value in turn.
std::map<std::string_view, std::string_view> header_fields(std::string_view header) {
  std::map<std::string_view, std::string_view> fields;
  while (!header.empty()) {
    std::array<std::string_view, 2> pair;
    for (std::string_view& part : pair) {
      const std::size_t end = header.find('\0');
      if (end == std::string_view::npos) return {};
      part = header.substr(0, end);
      header.remove_prefix(end + 1);
    }
    fields[pair[0]] = pair[1];
  }
  return fields;
}

}  // namespace

Result<void> check_request(const JobRequest& request) {
  if (request.exclusive && !request.nodes)
    return fail(Code::invalid, "an exclusive job must say how many nodes it takes");
  if (!request.nodes && !request.slots) return fail(Code::invalid, "a job must ask for nodes or for slots");
  if (request.nodes == 0U || request.slots == 0U || request.cores == 0)
    return fail(Code::invalid, "nodes, slots and cores must be above 0");
  if (request.nodes && request.slots && *request.slots < *request.nodes)
    return fail(Code::invalid, "{} slots cannot be spread over {} nodes", *request.slots, *request.nodes);
  return {};
}

Result<json::object> make_jobspec(const JobRequest& request) {
  if (auto possible = check_request(request); !possible) return std::unexpected(possible.error());
  json::object resources;
  json::object count{{"per_slot", 1}};
  if (request.nodes) {
    const std::uint32_t nodes = *request.nodes;
    const std::uint32_t slots = request.slots.value_or(nodes);
    resources = {{"type", "node"}, {"count", nodes}};
    if (request.exclusive || !request.slots) resources["exclusive"] = true;
    resources["with"] = json::array{slot(request, (slots + nodes - 1) / nodes)};
    if (slots % nodes != 0) count = {{"total", slots}};
  } else {
    resources = slot(request, *request.slots);
  }
  const std::string seconds = request.duration > 0 ? fmt::format("{:g}", request.duration) : "inf";
  json::object system{
      {"duration", request.duration}, {"cwd", "/"}, {"job", json::object{{"name", request.name}}}};
  if (!request.queue.empty()) system["queue"] = request.queue;
  return json::object{{"version", 1},
                      {"resources", json::array{std::move(resources)}},
                      {"tasks", json::array{json::object{{"command", json::array{"sleep", seconds}},
                                                         {"slot", "task"},
                                                         {"count", std::move(count)}}}},
                      {"attributes", json::object{{"system", std::move(system)}}}};
}

std::string wrap_unsigned(std::uint32_t userid, std::string_view jobspec) {
  std::string header;
  for (const std::string& part :
       {std::string("version"), std::string("i1"), std::string("userid"), fmt::format("i{}", userid),
        std::string("mechanism"), std::string("snone")}) {
    header += part;
    header += '\0';
  }
  return encode_base64(header) + "." + encode_base64(jobspec) + ".none";
}

Result<Unwrapped> unwrap_unsigned(std::string_view text) {
  const auto bad = [] { return fail(Code::invalid, "the job is not wrapped as an unsigned J"); };
  const auto [header_text, payload_text, signature] = split(text);
  const auto header = decode_base64(header_text);
  auto payload = decode_base64(payload_text);
  if (!header || header->empty() || !payload || signature != "none") return bad();
  const auto fields = header_fields(*header);
  const auto userid = fields.find("userid");
  const auto mechanism = fields.find("mechanism");
  if (userid == fields.end() || mechanism == fields.end() || mechanism->second != "snone") return bad();
  std::string_view number = userid->second;
  if (!number.starts_with('i')) return bad();
  number.remove_prefix(1);
  Unwrapped unwrapped{.userid = 0, .jobspec = std::move(*payload)};
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), unwrapped.userid);
  if (error != std::errc{} || end != number.data() + number.size()) return bad();
  return unwrapped;
}

}  // namespace fluxmetrics::simulate
