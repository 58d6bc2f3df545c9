#include "flux/job_list.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

template <class T>
using Attribute = std::pair<std::string_view, std::optional<T> ListedJob::*>;

constexpr std::array<Attribute<std::int64_t>, 3> listed_integers{
    {{"priority", &ListedJob::priority}, {"nnodes", &ListedJob::nnodes}, {"ncores", &ListedJob::ncores}}};
constexpr std::array<Attribute<double>, 7> listed_numbers{{{"t_submit", &ListedJob::t_submit},
                                                           {"t_sched", &ListedJob::t_sched},
                                                           {"t_run", &ListedJob::t_run},
                                                           {"t_cleanup", &ListedJob::t_cleanup},
                                                           {"t_inactive", &ListedJob::t_inactive},
                                                           {"duration", &ListedJob::duration},
                                                           {"expiration", &ListedJob::expiration}}};

// What the member of a job that stands next is for.
struct Member {
  enum class Kind { other, id, state, queue, integer, number } kind = Kind::other;
  std::size_t index = 0;
};

Member member_of(std::string_view key) {
  using enum Member::Kind;
  if (key == "id") return {.kind = id};
  if (key == "state") return {.kind = state};
  if (key == "queue") return {.kind = queue};
  for (std::size_t i = 0; i < listed_integers.size(); ++i)
    if (listed_integers[i].first == key) return {.kind = integer, .index = i};
  for (std::size_t i = 0; i < listed_numbers.size(); ++i)
    if (listed_numbers[i].first == key) return {.kind = number, .index = i};
  return {};
}

}  // namespace

// Boost.JSON's parser calls it for every token. A false return, with an error code, ends the parsing.
class JobListReader::Handler {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;
  using error_code = json::error_code;

  explicit Handler(Take take) : take_(std::move(take)) {}
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  [[nodiscard]] bool has_list() const { return has_list_; }

  static bool on_document_begin(error_code& /*ec*/) { return true; }
  static bool on_document_end(error_code& /*ec*/) { return true; }
  bool on_object_begin(error_code& ec) {
    if (is_value()) return wrong_value(ec);
    if (at_list()) return refuse("jobs is not an array", ec);
    ++depth_;
    if (in_job()) begin_job();
    return true;
  }
  bool on_object_end(std::size_t /*n*/, error_code& ec) {
    const bool ends_job = in_job();
    --depth_;
    return !ends_job || end_job(ec);
  }
  bool on_array_begin(error_code& ec) {
    if (is_value()) return wrong_value(ec);
    if (depth_ == 0) return refuse("not an object", ec);
    if (in_list()) return refuse("a job is not an object", ec);
    if (at_list()) list_ = has_list_ = true;
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t /*n*/, error_code& /*ec*/) {
    --depth_;
    if (depth_ == 1) list_ = false;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t /*n*/, error_code& /*ec*/) {
    if (wants_key()) text_.append(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t /*n*/, error_code& /*ec*/) {
    if (!wants_key()) return true;
    if (text_.empty()) {
      take_key(part);
    } else {
      text_.append(part);
      take_key(text_);
      text_.clear();
    }
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t /*n*/, error_code& /*ec*/) {
    if (is_queue()) text_.append(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t /*n*/, error_code& ec) {
    if (is_queue()) {
      queue_ = std::move(text_);
      queue_.append(part);
      text_.clear();
      return true;
    }
    return scalar(ec) && (!is_value() || wrong_value(ec));
  }
  static bool on_number_part(json::string_view /*part*/, error_code& /*ec*/) { return true; }
  bool on_int64(std::int64_t value, json::string_view /*text*/, error_code& ec) {
    return scalar(ec) && (!is_value() || take_integer(value, ec));
  }
  bool on_uint64(std::uint64_t value, json::string_view /*text*/, error_code& ec) {
    return scalar(ec) && (!is_value() || take_number(static_cast<double>(value), ec));
  }
  bool on_double(double value, json::string_view /*text*/, error_code& ec) {
    return scalar(ec) && (!is_value() || take_number(value, ec));
  }
  bool on_bool(bool /*value*/, error_code& ec) { return scalar(ec) && (!is_value() || wrong_value(ec)); }
  bool on_null(error_code& ec) { return scalar(ec); }  // as if it were absent
  static bool on_comment_part(json::string_view /*part*/, error_code& /*ec*/) { return true; }
  static bool on_comment(json::string_view /*part*/, error_code& /*ec*/) { return true; }

 private:
  static constexpr int job_depth = 3;  // { "jobs": [ {

  [[nodiscard]] bool in_list() const { return list_ && depth_ == job_depth - 1; }
  [[nodiscard]] bool in_job() const { return list_ && depth_ == job_depth; }
  [[nodiscard]] bool at_list() const { return depth_ == 1 && key_is_jobs_; }
  [[nodiscard]] bool wants_key() const { return depth_ == 1 || in_job(); }
  [[nodiscard]] bool is_value() const { return in_job() && member_.kind != Member::Kind::other; }
  [[nodiscard]] bool is_queue() const { return in_job() && member_.kind == Member::Kind::queue; }

  bool refuse(std::string_view what, error_code& ec) {
    complaint_ = what;
    ec = json::error::syntax;
    return false;
  }
  bool wrong_value(error_code& ec) {
    return refuse("a member of a job is not of the kind that job-list documents", ec);
  }
  // A value that is neither object nor array may stand everywhere but for the root, the list, and a job.
  bool scalar(error_code& ec) {
    if (depth_ == 0) return refuse("not an object", ec);
    if (at_list()) return refuse("jobs is not an array", ec);
    return !in_list() || refuse("a job is not an object", ec);
  }

  void take_key(std::string_view key) {
    if (depth_ == 1) {
      key_is_jobs_ = key == "jobs";
    } else {
      member_ = member_of(key);
    }
  }
  void begin_job() {
    job_ = {};
    queue_.clear();
    member_ = {};
    has_id_ = false;
  }
  bool end_job(error_code& ec) {
    if (!has_id_) return refuse("a job has no id", ec);
    if (!job_.state) return refuse(fmt::format("job {} has no state", job_.id), ec);
    if (++jobs_ > max_listed_jobs) {
      return refuse(fmt::format("there are more jobs than the {} that are read", max_listed_jobs), ec);
    }
    job_.queue = queue_;
    take_(job_);
    return true;
  }
  bool take_integer(std::int64_t value, error_code& ec) {
    switch (member_.kind) {
      case Member::Kind::id:
        job_.id = value;
        has_id_ = true;
        return true;
      case Member::Kind::state: {
        const auto state = job_state_from(value);
        if (!state) return refuse(state.error().message, ec);
        job_.state = *state;
        return true;
      }
      case Member::Kind::integer:
        job_.*listed_integers.at(member_.index).second = value;
        return true;
      default:
        return take_number(static_cast<double>(value), ec);
    }
  }
  bool take_number(double value, error_code& ec) {
    if (member_.kind != Member::Kind::number || !std::isfinite(value)) return wrong_value(ec);
    job_.*listed_numbers.at(member_.index).second = value;
    return true;
  }

  Take take_;
  std::string complaint_;
  int depth_ = 0;
  bool key_is_jobs_ = false;
  bool list_ = false;  // inside of the array of jobs
  bool has_list_ = false;
  Member member_;
  ListedJob job_;
  bool has_id_ = false;
  std::size_t jobs_ = 0;
  std::string queue_;
  std::string text_;  // of a key or a string that came in parts
};

struct JobListReader::Parser {
  explicit Parser(Take take) : tokens(options(), std::move(take)) {}
  static json::parse_options options() {
    json::parse_options options;
    options.max_depth = 64;
    return options;
  }
  json::basic_parser<Handler> tokens;
  json::error_code error;
};

JobListReader::JobListReader(Take take) : parser_(std::make_unique<Parser>(std::move(take))) {}
JobListReader::~JobListReader() = default;

void JobListReader::feed(std::string_view piece) {
  if (parser_->error) return;
  std::size_t taken = 0;
  if (!parser_->tokens.done())
    taken = parser_->tokens.write_some(true, piece.data(), piece.size(), parser_->error);
  if (!parser_->error && piece.find_first_not_of(" \t\r\n", taken) != std::string_view::npos)
    parser_->error = json::error::extra_data;
}

Result<void> JobListReader::finish() {
  if (!parser_->error && !parser_->tokens.done())
    parser_->tokens.write_some(false, nullptr, 0, parser_->error);
  const auto& handler = parser_->tokens.handler();
  if (!handler.complaint().empty()) return fail(Code::protocol, "job-list.list: {}", handler.complaint());
  if (parser_->error)
    return fail(Code::protocol, "job-list.list: the reply is not JSON: {}", parser_->error.message());
  if (!handler.has_list()) return fail(Code::protocol, "job-list.list: jobs is missing");
  return {};
}

}  // namespace fluxmetrics::flux
