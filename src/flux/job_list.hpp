// job-list.list's replies read as a stream of tokens: tens of megabytes become one small value after another.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "flux/job.hpp"

namespace fluxmetrics::flux {

// More jobs than this are not read, from a list or a journal: what they take must be bounded.
inline constexpr std::size_t max_listed_jobs = 500'000;

// One job of a list: what this program keeps of it.
struct ListedJob {
  JobId id = 0;
  std::optional<JobState> state;
  std::optional<std::int64_t> priority, nnodes, ncores;
  std::optional<double> t_submit, t_sched, t_run, t_cleanup, t_inactive, duration, expiration;
  std::string_view queue;  // "" = none told; valid while the job is being taken
};

// Reads {"jobs":[{..},..]}, fed in any slices.
class JobListReader {
 public:
  using Take = std::function<void(const ListedJob&)>;

  explicit JobListReader(Take take);
  JobListReader(const JobListReader&) = delete;
  JobListReader& operator=(const JobListReader&) = delete;
  ~JobListReader();

  // Hands over each job whose end is in what was fed so far. After an error the rest is ignored.
  void feed(std::string_view piece);
  // Errors: Code::protocol with a sentence: no JSON, or a member of the wrong kind.
  [[nodiscard]] Result<void> finish();

 private:
  class Handler;
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace fluxmetrics::flux
