#include "simulate/trace.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/byte_order_mark.hpp"
#include "base/json_members.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

constexpr std::uint32_t max_count = 1U << 20U;

// Reads one field into `job`; the error is the part of the sentence that follows "field 'x' ".
Result<void> read_field(TraceJob& job, std::string_view name, const json::value& value) {
  const auto seconds = [&](double& target) -> Result<void> {
    if (!value.is_number()) return fail(Code::invalid, "is not a number");
    const double number = value.to_number<double>();
    if (!std::isfinite(number) || number < 0) return fail(Code::invalid, "is below 0");
    target = number;
    return {};
  };
  const auto count = [&](auto& target, std::uint32_t low, std::uint32_t high) -> Result<void> {
    boost::system::error_code error;
    const auto number = value.is_double() ? 0 : value.to_number<std::int64_t>(error);
    if (!value.is_number() || value.is_double() || error) return fail(Code::invalid, "is not a whole number");
    if (number < low || number > high)
      return fail(Code::invalid, "is {}: it must be from {} to {}", number, low, high);
    target = static_cast<std::uint32_t>(number);
    return {};
  };
  if (name == "t") return seconds(job.t);
  if (name == "duration") return seconds(job.request.duration);
  if (name == "nodes") return count(job.request.nodes, 1, max_count);
  if (name == "slots") return count(job.request.slots, 1, max_count);
  if (name == "cores") return count(job.request.cores, 1, max_count);
  if (name == "gpus") return count(job.request.gpus, 0, max_count);
  if (name == "urgency") return count(job.request.urgency, 0, 31);
  if (name == "exclusive") {
    if (!value.is_bool()) return fail(Code::invalid, "is neither true nor false");
    job.request.exclusive = value.get_bool();
    return {};
  }
  if (name == "queue") {
    if (!value.is_string()) return fail(Code::invalid, "is not a string");
    job.request.queue = std::string(value.get_string());
    return {};
  }
  return fail(Code::invalid,
              "is unknown: the fields are t, nodes, slots, cores, gpus, exclusive, duration, queue "
              "and urgency");
}

// Nothing for an event of nodes.
Result<std::optional<TraceJob>> parse_line(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error) return fail(Code::invalid, "is not JSON: {}", error.message());
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(Code::invalid, "is not a JSON object");
  if (text_at(object, "event")) return std::nullopt;
  TraceJob job;
  for (const auto& member : *object) {
    const std::string_view name = member.key();
    // null is as good as absent: programs that write traces find that easier.
    if (member.value().is_null()) continue;
    if (auto read = read_field(job, name, member.value()); !read)
      return fail(Code::invalid, "field '{}' {}", name, read.error().message);
  }
  if (!object->contains("t")) return fail(Code::invalid, "field 't' is missing: when is the job submitted?");
  if (!job.request.nodes && !job.request.slots)
    return fail(Code::invalid, "has neither field 'nodes' nor field 'slots'");
  if (job.request.exclusive && !job.request.nodes)
    return fail(Code::invalid, "field 'exclusive' needs field 'nodes': how many whole nodes?");
  // Whatever else makes a job impossible to write down.
  if (const auto possible = check_request(job.request); !possible)
    return fail(Code::invalid, "asks for the impossible: {}", possible.error().message);
  return job;
}

}  // namespace

Result<std::vector<TraceJob>> parse_trace(std::string_view text, std::string_view source) {
  text = without_byte_order_mark(text);
  std::vector<TraceJob> jobs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto job = parse_line(line);
    if (!job) return fail(Code::invalid, "{}, line {}: {}", source, number, job.error().message);
    if (*job) jobs.push_back(std::move(**job));
  }
  std::ranges::stable_sort(jobs, {}, &TraceJob::t);
  return jobs;
}

std::string trace_line(const TraceJob& job) {
  const auto& request = job.request;
  auto line = fmt::format("{{\"t\":{:.3f}", job.t);
  if (request.nodes) line += fmt::format(",\"nodes\":{}", *request.nodes);
  if (request.slots) line += fmt::format(",\"slots\":{}", *request.slots);
  if (request.slots) line += fmt::format(",\"cores\":{}", request.cores);
  if (request.gpus > 0) line += fmt::format(",\"gpus\":{}", request.gpus);
  if (request.exclusive) line += ",\"exclusive\":true";
  if (request.duration > 0) line += fmt::format(",\"duration\":{:.3f}", std::max(request.duration, 0.001));
  if (!request.queue.empty())
    line += fmt::format(",\"queue\":{}", json::serialize(json::string(request.queue)));
  if (request.urgency != TraceJob{}.request.urgency) line += fmt::format(",\"urgency\":{}", request.urgency);
  return line + "}";
}

std::string trace_event_line(double t, std::string_view event, std::string_view ranks) {
  return fmt::format(R"({{"t":{:.3f},"event":"{}","ranks":"{}"}})", t, event, ranks);
}

Result<std::string> read_trace_text(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail_errno(Code::io, EISDIR, "trace file {} cannot be read: it is a directory", path);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail_errno(Code::io, errno, "trace file {} cannot be read: {}", path, std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Result<std::vector<TraceJob>> read_trace(const std::string& path) {
  const auto text = read_trace_text(path);
  if (!text) return std::unexpected(text.error());
  return parse_trace(*text, path);
}

}  // namespace fluxmetrics::simulate
