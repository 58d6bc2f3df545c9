#include "user/expressions.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_members.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "instance/state_json.hpp"
#include "user/expression_child.hpp"
#include "user/results.hpp"

namespace fluxmetrics::user {
namespace {

namespace json = boost::json;

constexpr Seconds compile_limit{30};
constexpr Seconds load_limit{10};
// The child's own limit is time of the processor; this one is for a machine that gives it none.
constexpr Seconds evaluate_limit{5};
constexpr std::size_t longest_shown = 120;

std::string without(std::string text, std::string_view part) {
  if (const auto at = text.find(part); at != std::string::npos) text.erase(at, part.size());
  return text;
}

// "jq: error: syntax error, unexpected ')' (Unix shell quoting issues?) at <top-level>, line 1:" and the
// program once more.
std::string tidy(std::string message) {
  message = without(std::move(message), "jq: error: ");
  message = without(std::move(message), " (Unix shell quoting issues?)");
  message = without(std::move(message), " at <top-level>");
  if (const auto end = message.find('\n'); end != std::string::npos) message.resize(end);
  while (message.ends_with(':') || message.ends_with(' '))
    message.pop_back();
  return printable(message);
}

std::string why_it_died(const Error& error) {
  if (error.message.find(fmt::format("by signal {} ", SIGPROF)) != std::string::npos) {
    return fmt::format("it took more than {} ms of processor time", evaluation_time.count());
  }
  if (error.message.ends_with(fmt::format("exit code {}", exit_out_of_memory))) {
    return fmt::format("it took more than {} MB of memory", expression_memory >> 20U);
  }
  return error.message;
}

}  // namespace

ExpressionSource::ExpressionSource(std::string program, std::vector<Expression> expressions,
                                   Seconds max_staleness)
    : program_(std::move(program)),
      expressions_(std::move(expressions)),
      max_staleness_(max_staleness),
      tells_time_(std::ranges::any_of(expressions_, &Expression::tells_time)) {
  for (const auto& expression : expressions_)
    metrics_.push_back(expression.metric);
}

Result<std::unique_ptr<ExpressionSource>> ExpressionSource::open(std::string program,
                                                                 std::vector<Expression> expressions,
                                                                 Seconds max_staleness) {
  std::unique_ptr<ExpressionSource> made(
      new ExpressionSource(std::move(program), std::move(expressions), max_staleness));
  if (auto started = made->start(); !started) return std::unexpected(started.error());
  return made;
}

Rhythm ExpressionSource::rhythm() const {
  return {.pause = Seconds(0.05),
          .every = tells_time_ ? std::optional(refresh_time(max_staleness_)) : std::nullopt,
          .longest = max_staleness_ / 2};
}

Result<json::object> ExpressionSource::ask(std::string_view line, Seconds limit) {
  if (!child_) return fail(Code::unavailable, "there is no process to evaluate it");
  auto answer = child_->ask(line, limit);
  if (!answer) {
    child_.reset();
    loaded_.reset();
    return fail(answer.error().code, "{}", why_it_died(answer.error()));
  }
  boost::system::error_code broken;
  auto value = json::parse(*answer, broken);
  if (broken || !value.is_object()) return fail(Code::protocol, "its process sent an invalid answer");
  return std::move(value.get_object());
}

Result<void> ExpressionSource::start() {
  auto child = Child::start(
      {.arguments = {program_, subcommand},
       .environment = {},
       .on_noise = [](std::string_view line) { log::debug("evaluate-expressions: {}", printable(line)); },
       .stop = stop_});
  if (!child) return std::unexpected(child.error());
  child_.emplace(*std::move(child));
  for (const auto& [metric, text] : expressions_) {
    const auto refuse = [&](Code code, const std::string& why) {
      return fail(code, "{}: the expression of {} cannot be compiled: {}; it is: {}", metric.source,
                  metric.name, why, printable(text, longest_shown));
    };
    const auto answer = ask("C" + json::serialize(json::value(text)), compile_limit);
    if (!answer) return refuse(answer.error().code, answer.error().message);
    if (const auto error = text_at(&*answer, "error"))
      return refuse(Code::invalid, tidy(std::string(*error)));
  }
  return {};
}

Result<void> ExpressionSource::prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                       WallTime confirmed) {
  // What is not known reads as an empty list in the document, and would be counted as 0.
  unknown_ = state->jobs_unknown.empty() ? state->allocated_unknown : state->jobs_unknown;
  if (!unknown_.empty()) return {};
  if (!child_)
    if (auto started = start(); !started) return started;
  if (loaded_ == state && (!tells_time_ || loaded_confirmed_ == confirmed)) return {};
  std::string line = "D" + json::serialize(instance::state_json(*state, confirmed));
  const auto answer = ask(line, load_limit);
  if (!answer) return fail(Code::unavailable, "the state cannot be read: {}", answer.error().message);
  if (const auto error = text_at(&*answer, "error"))
    return fail(Code::unavailable, "the state cannot be read: {}", printable(*error));
  loaded_ = state;
  loaded_confirmed_ = confirmed;
  return {};
}

void ExpressionSource::set_stop(int descriptor) {
  stop_ = descriptor;
  if (child_) child_->stop_at(descriptor);
}

Outcome ExpressionSource::evaluate(std::size_t index) {
  if (!unknown_.empty()) return {.items = fail(Code::unavailable, "{}", unknown_)};
  const auto answer = ask("E" + std::to_string(index), evaluate_limit);
  if (!answer) {
    return {.items = fail(Code::unavailable, "{}; it is tried again later", answer.error().message),
            .fatal = true};
  }
  if (const auto error = text_at(&*answer, "error"))
    return {.items = fail(Code::unavailable, "the expression failed: {}", printable(*error))};
  const auto* results = array_at(&*answer, "results");
  if (results == nullptr) return {.items = fail(Code::unavailable, "its process sent an invalid answer")};
  return {.items = items_of(metrics_[index], *results)};
}

}  // namespace fluxmetrics::user
