// Makes an InstanceState of a captured state of a real broker (tests/data/flux-captures), as an owner would
// see it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "flux/job_list.hpp"
#include "flux/job_stats.hpp"
#include "flux/replies.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::support {

class CapturedState {
 public:
  // `name` as in INDEX.json ("15-sizes"). The size attribute is taken to be the number of ranks in R, as in a
  // MiniCluster.
  explicit CapturedState(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] instance::InstanceState read() {
    read_nodes();
    read_queues();
    read_jobspecs();
    state_.stats = expect(flux::JobStats::from_json(payload("job-list.job-stats")));
    if (exists("job-list.list.all-attrs")) {
      read_jobs("job-list.list.all-attrs");
    } else {
      read_jobs("job-list.list.pending");
      read_jobs("job-list.list.running");
    }
    return std::move(state_);
  }

 private:
  template <class T>
  static T expect(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return *std::move(result);
  }
  [[nodiscard]] std::filesystem::path file(const std::string& what) const {
    return std::filesystem::path(TEST_DATA) / "flux-captures" / (name_ + "." + what + ".json");
  }
  [[nodiscard]] bool exists(const std::string& what) const { return std::filesystem::exists(file(what)); }
  [[nodiscard]] boost::json::value capture(const std::string& what) const {
    std::ifstream in(file(what), std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file(what).string());
    return boost::json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  [[nodiscard]] boost::json::value payload(const std::string& what) const {
    return capture(what).at("responses").at(0).at("payload");
  }

  void read_nodes() {
    auto status = expect(flux::ResourceStatus::from_json(payload("resource.status")));
    state_.size = static_cast<std::uint32_t>(status.resources.ranks().size());
    state_.resources = std::move(status.resources);
    state_.drains = std::move(status.drains);
    state_.online = std::move(status.online);
    state_.offline = std::move(status.offline);
    state_.excluded = std::move(status.exclude);
    state_.torpid = std::move(status.torpid);
    state_.allocated =
        expect(flux::ResourceSet::from_json(payload("job-manager.resource-status").at("allocated")));
    state_.owner = true;
  }

  // A queue requires the property of its own name where R has one: so were the captured instances configured.
  void add_queue(const std::string& name, const std::string& status_file) {
    const auto status = expect(flux::QueueStatus::from_json(payload(status_file)));
    instance::Queue queue{.name = name, .enabled = status.enable, .started = status.start, .admits = {}};
    if (state_.resources.properties.contains(name))
      queue.admits = flux::Constraint::requires_properties({name});
    state_.queues.push_back(std::move(queue));
  }
  void read_queues() {
    const auto list = payload("job-manager.queue-list");
    for (const auto& name : list.at("queues").as_array()) {
      const std::string text(name.as_string());
      add_queue(text, "job-manager.queue-status." + text);
    }
    if (state_.queues.empty()) add_queue("", "job-manager.queue-status");
  }

  void read_jobspecs() {
    if (!exists("job-manager.events-journal.active")) return;
    const auto journal = capture("job-manager.events-journal.active");
    for (const auto& response : journal.at("responses").as_array()) {
      if (response.at("errnum").as_int64() != 0) continue;
      const auto reply = expect(flux::JournalReply::from_json(response.at("payload")));
      if (reply.jobspec) shapes_.emplace(reply.id, flux::parse_jobspec(*reply.jobspec).shape);
    }
  }

  static std::optional<std::uint32_t> count(const std::optional<std::int64_t>& number) {
    return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
  }
  [[nodiscard]] std::uint32_t shape_index(const flux::Shape& shape) {
    const auto found = std::ranges::find(state_.shapes, shape);
    if (found != state_.shapes.end()) return static_cast<std::uint32_t>(found - state_.shapes.begin());
    state_.shapes.push_back(shape);
    return static_cast<std::uint32_t>(state_.shapes.size() - 1);
  }
  [[nodiscard]] std::uint32_t queue_index(const std::string& name) const {
    const auto found = std::ranges::find(state_.queues, name, &instance::Queue::name);
    if (found == state_.queues.end()) throw std::runtime_error("no queue '" + name + "'");
    return static_cast<std::uint32_t>(found - state_.queues.begin());
  }
  void read_jobs(const std::string& what) {
    flux::JobListReader reader([this](const flux::ListedJob& record) { add_job(record); });
    reader.feed(boost::json::serialize(payload(what)));
    if (const auto done = reader.finish(); !done) throw std::runtime_error(done.error().message);
  }
  void add_job(const flux::ListedJob& record) {
    if (!record.state) return;
    instance::Job job;
    job.id = record.id;
    job.state = *record.state;
    job.priority = record.priority.value_or(0);
    job.queue = queue_index(std::string(record.queue));
    job.t_submit = record.t_submit.value_or(0);
    job.t_sched = record.t_sched.value_or(0);
    job.t_run = record.t_run.value_or(0);
    job.duration = record.duration.value_or(0);
    job.expiration = record.expiration.value_or(0);
    job.nnodes = count(record.nnodes);
    job.ncores = count(record.ncores);
    const auto known = shapes_.find(record.id);
    job.shape =
        shape_index(known != shapes_.end() ? known->second : flux::shape_from_counts(job.nnodes, job.ncores));
    state_.jobs.push_back(job);
  }

  std::string name_;
  instance::InstanceState state_;
  std::map<flux::JobId, flux::Shape> shapes_;
};

inline instance::InstanceState captured_state(const std::string& name) {
  return CapturedState(name).read();
}

}  // namespace fluxmetrics::support
