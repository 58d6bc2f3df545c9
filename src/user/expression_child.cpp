#include "user/expression_child.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/child.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
}

namespace fluxmetrics::user {
namespace {

namespace json = boost::json;

constexpr std::size_t most_results = 10'000;

// Memory's end is not a thing to come back from: the parent reads why from the exit code.
void out_of_memory(void*) {
  ::_exit(exit_out_of_memory);
}

// No file can be opened from here on, nothing be written to one, and no process be made.
void give_up_rights() {
  const auto limit = [](auto what, rlim_t most) {
    const rlimit value{.rlim_cur = most, .rlim_max = most};
    ::setrlimit(what, &value);
  };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, expression_memory);  // sanitizers reserve terabytes
#endif
  limit(RLIMIT_NOFILE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "flux-metrics-jq");  // what ps and top show
}

// While it lives, the process ends when it takes too long.
class Alarm {
 public:
  Alarm() { set(evaluation_time); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { set(std::chrono::milliseconds(0)); }

 private:
  static void set(std::chrono::microseconds time) {
    const itimerval value{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = time.count()}};
    ::setitimer(ITIMER_PROF, &value, nullptr);
  }
};

std::string text_of(jv value) {  // consumes it
  if (jv_get_kind(value) != JV_KIND_STRING) value = jv_dump_string(value, 0);
  std::string text(jv_string_value(value), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value))));
  jv_free(value);
  return text;
}

// A compiled expression, or why it is none.
class Program {
 public:
  explicit Program(const std::string& text) : jq_(jq_init()) {
    if (jq_ == nullptr) out_of_memory(nullptr);
    jq_set_nomem_handler(jq_, out_of_memory, nullptr);
    jq_set_error_cb(
        jq_,
        [](void* self, jv message) {
          auto& error = static_cast<Program*>(self)->error_;
          auto line = text_of(message);
          if (error.empty()) error = std::move(line);
        },
        this);
    // No module is found anywhere; without these, jq aborts when it looks for one.
    jq_set_attr(jq_, jv_string("JQ_LIBRARY_PATH"), jv_array());
    jq_set_attr(jq_, jv_string("JQ_ORIGIN"), jv_string("/nowhere"));
    compiled_ = jq_compile(jq_, text.c_str()) != 0;
    jq_set_error_cb(jq_, [](void*, jv message) { jv_free(message); }, nullptr);
    jq_set_debug_cb(jq_, [](void*, jv message) { jv_free(message); }, nullptr);
    jq_set_input_cb(
        jq_, [](jq_state*, void*) { return jv_invalid_with_msg(jv_string("there is no further input")); },
        nullptr);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { jq_teardown(&jq_); }

  // nullopt: it is a program.
  [[nodiscard]] std::optional<std::string> error() const {
    if (compiled_) return std::nullopt;
    return error_.empty() ? "it is not a jq program" : error_;
  }

  json::object run(const jv& input) {
    const Alarm alarm;
    jq_start(jq_, jv_copy(input), 0);
    json::array results;
    for (;;) {
      const jv result = jq_next(jq_);
      if (!jv_is_valid(result)) return ended(result, std::move(results));
      if (results.size() >= most_results) {
        jv_free(result);
        return {{"error", "it returns more than 10000 results"}};
      }
      boost::system::error_code unreadable;
      auto value = json::parse(text_of(jv_dump_string(result, 0)), unreadable);
      if (unreadable) return {{"error", "its output cannot be read: " + unreadable.message()}};
      results.push_back(std::move(value));
    }
  }

 private:
  json::object ended(jv last, json::array results) {
    if (jv_invalid_has_msg(jv_copy(last))) return {{"error", text_of(jv_invalid_get_msg(last))}};
    jv_free(last);
    if (jq_halted(jq_) != 0) return {{"error", "it halts"}};
    return {{"results", std::move(results)}};
  }

  jq_state* jq_;
  bool compiled_ = false;
  std::string error_;
};

class Evaluator {
 public:
  Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  ~Evaluator() { jv_free(state_); }

  json::object answer(std::string_view line) {
    try {
      return obey(line);
    } catch (const std::bad_alloc&) {
      out_of_memory(nullptr);
      return {};
    } catch (const std::exception& broken) {
      return {{"error", broken.what()}};
    }
  }

 private:
  json::object obey(std::string_view line) {
    const auto rest = line.substr(std::min<std::size_t>(line.size(), 1));
    switch (line.empty() ? '\0' : line.front()) {
      case 'C':
        return compile(rest);
      case 'D':
        return load(rest);
      case 'E':
        return evaluate(rest);
      default:
        return {{"error", "no such request"}};
    }
  }

  json::object compile(std::string_view text) {
    const auto expression = json::parse(text);
    programs_.push_back(std::make_unique<Program>(std::string(expression.as_string())));
    if (const auto error = programs_.back()->error()) return {{"error", *error}};
    return {};
  }

  json::object load(std::string_view document) {
    jv_free(std::exchange(state_, jv_null()));
    jv parsed = jv_parse_sized(document.data(), static_cast<int>(document.size()));
    if (!jv_is_valid(parsed)) return {{"error", text_of(jv_invalid_get_msg(parsed))}};
    state_ = parsed;
    return {};
  }

  json::object evaluate(std::string_view index_text) {
    std::size_t index = programs_.size();
    std::from_chars(index_text.data(), index_text.data() + index_text.size(), index);
    if (index >= programs_.size() || programs_[index]->error()) return {{"error", "no such expression"}};
    return programs_[index]->run(state_);
  }

  std::vector<std::unique_ptr<Program>> programs_;
  jv state_ = jv_null();
};

bool send_all(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(Child::channel, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

int run_expression_child() {
  give_up_rights();
  Evaluator evaluator;
  std::string text;
  std::size_t searched = 0;
  std::vector<char> bytes(1U << 18U);
  for (;;) {
    const auto got = ::recv(Child::channel, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    text.append(bytes.data(), static_cast<std::size_t>(got));
    for (auto end = text.find('\n', searched); end != std::string::npos; end = text.find('\n')) {
      auto answer = json::serialize(evaluator.answer(std::string_view(text).substr(0, end)));
      answer += '\n';
      if (!send_all(answer)) return 0;
      text.erase(0, end + 1);
    }
    searched = text.size();
    if (text.empty()) text = std::string();  // a state's room is not kept
  }
}

}  // namespace fluxmetrics::user
