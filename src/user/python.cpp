#include "user/python.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/json_members.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "user/python_bridge.hpp"
#include "user/text_file.hpp"

namespace fluxmetrics::user {
namespace {

namespace json = boost::json;

constexpr Seconds import_limit{30};
constexpr Seconds call_limit{5};
constexpr std::string_view uri_variable = "FLUX_URI=";

std::string printable_at(const json::object& object, std::string_view key) {
  return printable(text_at(&object, key).value_or(""));
}

Result<json::object> object_in(const std::string& line) {
  boost::system::error_code broken;
  auto value = json::parse(line, broken);
  if (broken || !value.is_object()) return fail(Code::protocol, "its process sent an invalid answer");
  return std::move(value.get_object());
}

// A function cannot say it otherwise.
std::string unit_in(std::string_view name) {
  for (const std::string_view unit : {"seconds", "bytes", "ratio"}) {
    if (name.ends_with(unit) && name.size() > unit.size() && name[name.size() - unit.size() - 1] == '_')
      return std::string(unit);
  }
  return {};
}

std::vector<std::string> environment_without_uri() {
  std::vector<std::string> kept;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each)
    if (!std::string_view(*each).starts_with(uri_variable)) kept.emplace_back(*each);
  return kept;
}

}  // namespace

void Chatter::operator()(std::string_view line) {
  const auto now = MonoTime::clock::now();
  if (now - since_ > window) {
    since_ = now;
    lines_ = 0;
  }
  if (++lines_ <= most_lines) log::info("{} prints: {}", file_, printable(line));
  if (lines_ == most_lines) log::info("{} prints more, which is not logged for a minute", file_);
}

PythonSource::PythonSource(std::string file, std::vector<std::string> socket_paths, Seconds max_staleness)
    : file_(std::move(file)),
      socket_paths_(std::move(socket_paths)),
      max_staleness_(max_staleness),
      inherited_(environment_without_uri()) {}

Result<std::unique_ptr<PythonSource>> PythonSource::open(std::string file,
                                                         std::vector<std::string> socket_paths,
                                                         Seconds max_staleness) {
  if (const auto readable = read_text_file(file); !readable) return std::unexpected(readable.error());
  std::unique_ptr<PythonSource> made(
      new PythonSource(std::move(file), std::move(socket_paths), max_staleness));
  if (auto found = made->find_python(); !found) return std::unexpected(found.error());
  return made;
}

Result<void> PythonSource::find_python() {
  std::vector<std::vector<std::string>> candidates;
  if (auto python = find_program("python3")) candidates.push_back({*std::move(python)});
  if (auto flux = find_program("flux")) candidates.push_back({*std::move(flux), "python"});
  std::string tried;
  for (auto& candidate : candidates) {
    auto greeting = start(candidate);
    if (!greeting) return fail(greeting.error().code, "{}: {}", file_, greeting.error().message);
    if (greeting->no_bindings) {
      tried += fmt::format("; {}: {}", fmt::join(candidate, " "), greeting->trouble);
      continue;
    }
    if (!greeting->trouble.empty()) return fail(Code::invalid, "{}: {}", file_, greeting->trouble);
    interpreter_ = std::move(candidate);
    metrics_ = std::move(greeting->metrics);
    return {};
  }
  return fail(Code::invalid,
              "{}: metrics in Python need a Python that can import Flux's bindings, and there is none: set "
              "PYTHONPATH to where they are, or have flux on PATH{}",
              file_, tried.empty() ? "; there is neither python3 nor flux on PATH" : tried);
}

std::vector<std::string> PythonSource::environment() const {
  auto all = inherited_;
  const auto exists = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
  };
  auto socket = std::ranges::find_if(socket_paths_, exists);
  if (socket == socket_paths_.end()) socket = socket_paths_.begin();
  if (socket != socket_paths_.end()) all.push_back(fmt::format("{}local://{}", uri_variable, *socket));
  return all;
}

Result<PythonSource::Greeting> PythonSource::start(const std::vector<std::string>& interpreter) {
  auto arguments = interpreter;
  for (auto&& more : {std::string("-u"), std::string("-c"), python_bridge(), file_})
    arguments.push_back(more);
  auto child = Child::start({.arguments = std::move(arguments),
                             .environment = environment(),
                             .on_noise = Chatter(file_),
                             .stop = stop_});
  if (!child) return std::unexpected(child.error());
  const auto line = child->listen(import_limit);
  if (!line) return fail(line.error().code, "its functions cannot be loaded: {}", line.error().message);
  const auto greeting = object_in(*line);
  if (!greeting) return std::unexpected(greeting.error());
  Greeting made{.metrics = {}, .no_bindings = greeting->contains("bindings"), .trouble = ""};
  if (greeting->contains("error")) {
    made.trouble = printable_at(*greeting, "error");
    return made;
  }
  made.metrics = described(*greeting);
  child_.emplace(*std::move(child));
  return made;
}

std::vector<metrics::UserMetric> PythonSource::described(const json::object& greeting) const {
  std::vector<metrics::UserMetric> list;
  const auto* functions = array_at(&greeting, "functions");
  if (functions == nullptr) return list;
  for (const auto& each : *functions) {
    const auto* function = each.if_object();
    if (function == nullptr) continue;
    const auto name = printable_at(*function, "name");
    const auto line = number_at(function, "line").value_or(0);
    const auto place = line > 0 ? fmt::format("{} line {:.0f}", file_, line) : file_;
    auto help = printable_at(*function, "help");
    if (help.empty()) help = fmt::format("What function {} of {} returns.", name, file_);
    const bool counter = name.ends_with("_total");
    list.push_back({.name = name,
                    .unit = unit_in(name),
                    .help = std::move(help),
                    .source = fmt::format("{}, function {}", place, name),
                    .type = counter ? metrics::Type::counter : metrics::Type::gauge});
  }
  return list;
}

Rhythm PythonSource::rhythm() const {
  const Seconds every = refresh_time(max_staleness_);
  return {.pause = std::min(every, Seconds(1)), .every = every, .longest = max_staleness_ / 2};
}

Result<void> PythonSource::prepare(const std::shared_ptr<const instance::InstanceState>& /*state*/,
                                   WallTime /*confirmed*/) {
  if (child_ && child_->alive()) return {};
  child_.reset();
  auto greeting = start(interpreter_);
  if (!greeting) return fail(Code::unavailable, "{}", greeting.error().message);
  if (!greeting->trouble.empty())
    return fail(Code::unavailable, "its file cannot be loaded any more: {}", greeting->trouble);
  return {};
}

void PythonSource::set_stop(int descriptor) {
  stop_ = descriptor;
  if (child_) child_->stop_at(descriptor);
}

Outcome PythonSource::evaluate(std::size_t index) {
  const auto line = child_->ask(metrics_[index].name, call_limit);
  if (!line) {
    child_.reset();
    return {.items = fail(Code::unavailable, "the function failed: {}; it is tried again later",
                          line.error().message),
            .fatal = true};
  }
  const auto answer = object_in(*line);
  if (!answer) return {.items = std::unexpected(answer.error())};
  // A value of another function would be a wrong value.
  if (printable_at(*answer, "name") != metrics_[index].name) {
    child_.reset();
    return {.items = fail(Code::unavailable, "its process answered another request"), .fatal = true};
  }
  if (answer->contains("error"))
    return {.items = fail(Code::unavailable, "the function failed: {}", printable_at(*answer, "error"))};
  const auto value = number_at(&*answer, "value");
  if (!value) return {.items = fail(Code::unavailable, "it returns no value now (None)")};
  return {.items = std::vector<metrics::Item>{{.labels = {}, .value = *value}}};
}

}  // namespace fluxmetrics::user
