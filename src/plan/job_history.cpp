#include "plan/job_history.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>

#include <boost/json.hpp>

#include "base/byte_order_mark.hpp"
#include "kube/fields.hpp"

namespace fluxmetrics::plan {
namespace {

namespace json = boost::json;
using kube::JsonField;

constexpr std::uint32_t most_of_anything = 1U << 20U;
constexpr double latest_time = 1e11;       // seconds since 1970; some programs write milliseconds
constexpr double shortest = 0.001;         // seconds: nothing takes no time at all
constexpr std::size_t usual_count = 1000;  // flux jobs lists so many unless it is told otherwise
constexpr std::string_view blanks = " \t\r\n";

// "3 jobs", "1 job".
std::string jobs_text(std::uint64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "job" : "jobs");
}

double time_of(const kube::JsonField& field) {
  if (!field.present()) return 0;
  const double time = field.number();
  if (time < 0 || time > latest_time) field.refuse("is not a time in seconds since 1970");
  return time;
}

std::optional<std::uint32_t> count_of(const kube::JsonField& field) {
  if (!field.present()) return std::nullopt;
  const auto count = static_cast<std::uint32_t>(field.integer(0, most_of_anything));
  return count == 0 ? std::nullopt : std::optional(count);
}

struct Listed {
  JobHistory job;
  double latest = 0;  // the list is no older than this
};

Listed read_job(const kube::JsonField& field) {
  Listed listed;
  auto& job = listed.job;
  job.submit = time_of(field.need("t_submit"));
  job.run = time_of(field["t_run"]);
  const double cleanup = time_of(field["t_cleanup"]);
  const double inactive = time_of(field["t_inactive"]);
  job.end = cleanup > 0 ? cleanup : inactive;
  if (const auto limit = field["duration"]; limit.present()) {
    job.limit = limit.number();
    if (job.limit < 0) limit.refuse("is below 0");
  }
  job.nodes = count_of(field["nnodes"]);
  job.cores = count_of(field["ncores"]);
  job.tasks = count_of(field["ntasks"]);
  // What never ran may have none of them; what ran without taking anything is no job.
  if (job.run > 0 && !job.nodes && !job.cores && !job.tasks)
    field.refuse("has neither nnodes, ncores nor ntasks");
  job.queue = field["queue"].text_or("");
  const auto is_zero = [](const kube::JsonField& number) {
    return number.present() && number.integer() == 0;
  };
  job.held = is_zero(field["urgency"]) || is_zero(field["priority"]);
  listed.latest = std::max({job.submit, job.run, cleanup, inactive});
  if (const auto runtime = field["runtime"]; job.run > 0 && job.end == 0 && runtime.present())
    listed.latest = std::max(listed.latest, job.run + std::max(0.0, runtime.number()));
  return listed;
}

Workload workload_of(const std::vector<Listed>& jobs) {
  Workload workload;
  if (jobs.empty()) return workload;
  const double begin =
      std::ranges::min(jobs, {}, [](const Listed& one) { return one.job.submit; }).job.submit;
  const double now = std::ranges::max(jobs, {}, &Listed::latest).latest;
  HistoryCounts counts;
  for (const auto& one : jobs) {
    if (auto job = trace_of(one.job, begin, now, counts)) workload.jobs.push_back(std::move(*job));
  }
  std::ranges::stable_sort(workload.jobs, {}, &simulate::TraceJob::t);
  workload.remark = counts.sentence();
  if (jobs.size() == usual_count)
    workload.remark += fmt::format("; exactly {} jobs: flux jobs lists more with -c0", usual_count);
  return workload;
}

std::size_t line_at(std::string_view text, std::size_t place) {
  const auto before = text.substr(0, place);
  return 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
}

// The line on which element `index` of a list begins that is `depth` brackets deep in valid JSON.
std::size_t line_of_element(std::string_view text, std::size_t depth, std::size_t index) {
  std::size_t open = 0;
  bool quoted = false;
  std::size_t place = 0;
  for (; place < text.size(); ++place) {
    const char c = text[place];
    if (quoted) {
      if (c == '\\') ++place;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '}' || c == ']') --open;
    const bool opens = c == '{' || c == '[';
    if (opens) ++open;
    if (open != depth || (!opens && c != ',')) continue;
    if (opens ? index == 0 : --index == 0) break;
  }
  place = text.find_first_not_of(blanks, std::min(place + 1, text.size()));
  return line_at(text, std::min(place, text.size()));
}

Result<Workload> parse_list(std::string_view text, std::string_view source) {
  json::stream_parser parser;
  boost::system::error_code broken;
  const auto read = parser.write_some(text.data(), text.size(), broken);
  if (!broken && text.find_first_not_of(blanks, read) != std::string_view::npos)
    return fail(Code::invalid, "{}, line {}: something follows the list", source, line_at(text, read));
  if (!broken) parser.finish(broken);
  if (broken)
    return fail(Code::invalid, "{}, line {}: is not JSON: {}", source, line_at(text, read), broken.message());
  const auto document = parser.release();
  const bool bare = document.is_array();
  std::vector<Listed> jobs;
  std::size_t line = 1;
  try {
    const auto list = bare ? kube::JsonField(&document, "jobs") : kube::JsonField(&document, "").need("jobs");
    for (const auto& item : list.items()) {
      try {
        jobs.push_back(read_job(item));
      } catch (const kube::ShapeError&) {
        line = line_of_element(text, bare ? 1 : 2, jobs.size());
        throw;
      }
    }
  } catch (const kube::ShapeError& wrong) {
    return fail(Code::invalid, "{}, line {}: {}", source, line, wrong.sentence);
  }
  return workload_of(jobs);
}

// Calls `take(line, number)` for each line that is not blank, until one returns false.
void each_line(std::string_view text, const auto& take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(blanks) != std::string_view::npos && !take(line, number)) return;
  }
}

Result<Workload> parse_lines(std::string_view text, std::string_view source) {
  std::vector<Listed> jobs;
  Result<void> good;
  each_line(text, [&](std::string_view line, std::size_t number) {
    boost::system::error_code broken;
    const auto document = json::parse(line, broken);
    if (broken) {
      good = fail(Code::invalid, "{}, line {}: is not JSON: {}", source, number, broken.message());
      return false;
    }
    try {
      jobs.push_back(read_job(kube::JsonField(&document, "")));
      return true;
    } catch (const kube::ShapeError& wrong) {
      good = fail(Code::invalid, "{}, line {}: {}", source, number, wrong.sentence);
      return false;
    }
  });
  if (!good) return std::unexpected(good.error());
  return workload_of(jobs);
}

bool is_list(std::string_view text) {
  const auto skip = [&text] { text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size())); };
  skip();
  if (text.starts_with('[')) return true;
  if (!text.starts_with('{')) return false;
  text.remove_prefix(1);
  skip();
  return text.starts_with("\"jobs\"");
}

// Whether the first line is a job as Flux lists it, and none of a trace.
bool is_listed_job(std::string_view text) {
  bool listed = false;
  each_line(text, [&](std::string_view line, std::size_t) {
    boost::system::error_code broken;
    const auto value = json::parse(line, broken);
    const auto* object = broken ? nullptr : value.if_object();
    listed = object != nullptr && !object->contains("t") &&
             (object->contains("t_submit") || object->contains("id"));
    return false;
  });
  return listed;
}

}  // namespace

std::string HistoryCounts::sentence() const {
  auto text = fmt::format("{} ended", jobs_text(ended));
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) text += fmt::format("; {} {}", jobs_text(count), what);
  };
  add(running, "still running, taken to run until the limit");
  add(running_so_far, "still running without a limit, taken to end now");
  add(waiting, "waiting, taken to run until the limit");
  add(waiting_left_out, "waiting, held or without a limit, left out");
  add(waiting_unknown, "waiting, with none of nnodes, ncores and ntasks, left out");
  add(never_ran, "ended without having run, left out");
  return text;
}

std::optional<simulate::TraceJob> trace_of(const JobHistory& job, double begin, double now,
                                           HistoryCounts& counts) {
  const double from = std::max(job.run, begin);
  double duration = 0;
  if (job.run == 0 && job.end > 0) {
    ++counts.never_ran;
    return std::nullopt;
  }
  if (job.end > 0) {
    if (job.end <= begin) return std::nullopt;
    ++counts.ended;
    duration = job.end - from;
  } else if (job.run > 0) {
    ++(job.limit > 0 ? counts.running : counts.running_so_far);
    duration = std::max(now - from, job.limit > 0 ? job.run + job.limit - from : 0);
  } else {
    const bool known = job.limit > 0 && !job.held;
    const bool sized = job.nodes || job.cores || job.tasks;
    ++(!known ? counts.waiting_left_out : sized ? counts.waiting : counts.waiting_unknown);
    if (!known || !sized) return std::nullopt;
    duration = job.limit;
  }
  simulate::TraceJob trace{.t = std::max(0.0, job.submit - begin), .request = {}};
  auto& request = trace.request;
  request.duration = std::max(duration, shortest);
  request.queue = job.queue;
  request.nodes = job.nodes;
  if (job.nodes && job.cores) {
    request.slots = job.nodes;
    request.cores = (*job.cores / *job.nodes) + (*job.cores % *job.nodes == 0 ? 0 : 1);
  } else if (job.nodes) {
    request.exclusive = true;
  } else {
    request.slots = job.cores ? job.cores : job.tasks;
  }
  return trace;
}

Result<Workload> parse_workload(std::string_view text, std::string_view source) {
  text = without_byte_order_mark(text);
  if (is_list(text)) return parse_list(text, source);
  if (is_listed_job(text)) return parse_lines(text, source);
  auto jobs = simulate::parse_trace(text, source);
  if (!jobs) return std::unexpected(jobs.error());
  return Workload{.jobs = std::move(*jobs)};
}

Result<Workload> read_workload(const std::string& path) {
  if (path == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    return parse_workload(text, "standard input");
  }
  const auto text = simulate::read_trace_text(path);
  if (!text) return std::unexpected(text.error());
  return parse_workload(*text, path);
}

}  // namespace fluxmetrics::plan
