// Builds InstanceStates for tests in the words of the tables that they follow.
#pragma once

#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flux/idset.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::support {

inline flux::IdSet ids(std::string_view text) {
  return flux::IdSet::parse(text).value();
}

// -N<n> [-x]: whole nodes.
inline flux::Shape whole_nodes(std::uint32_t n) {
  return {.nodes = n, .slots = 1, .cores = 1, .gpus = 0, .exclusive = true, .known = true, .constraint = {}};
}
// n nodes with `slots` slots each.
inline flux::Shape nodes(std::uint32_t n, std::uint32_t slots, std::uint32_t cores = 1,
                         std::uint32_t gpus = 0) {
  return {.nodes = n,
          .slots = slots,
          .cores = cores,
          .gpus = gpus,
          .exclusive = false,
          .known = true,
          .constraint = {}};
}
// -n<slots> -c<cores> -g<gpus>: the scheduler spreads them.
inline flux::Shape slots(std::uint32_t n, std::uint32_t cores = 1, std::uint32_t gpus = 0) {
  return {.nodes = {},
          .slots = n,
          .cores = cores,
          .gpus = gpus,
          .exclusive = false,
          .known = true,
          .constraint = {}};
}

class InstanceBuilder {
 public:
  // Ranks 0..size-1 of one kind, all offline, and one anonymous queue.
  explicit InstanceBuilder(std::uint32_t size = 6, std::string_view cores = "0-7",
                           std::string_view gpus = "0-1") {
    state_.size = size;
    state_.owner = true;
    state_.queues.emplace_back();
    state_.resources.entries.push_back(
        {.ranks = flux::IdSet::range(0, size - 1), .cores = ids(cores), .gpus = ids(gpus)});
    state_.offline = state_.resources.ranks();
  }

  InstanceBuilder& online(std::string_view ranks) {
    state_.online = ids(ranks);
    state_.offline = state_.resources.ranks() - state_.online;
    return *this;
  }
  // Replaces R.
  InstanceBuilder& resources(std::vector<flux::ResourceSet::Entry> entries) {
    state_.resources.entries = std::move(entries);
    state_.offline = state_.resources.ranks() - state_.online;
    return *this;
  }
  InstanceBuilder& drain(std::string_view ranks, std::string reason = "broken fan") {
    state_.drains.push_back({.ranks = ids(ranks), .timestamp = 1, .reason = std::move(reason)});
    return *this;
  }
  InstanceBuilder& exclude(std::string_view ranks) {
    state_.excluded = ids(ranks);
    return *this;
  }
  InstanceBuilder& torpid(std::string_view ranks) {
    state_.torpid = ids(ranks);
    return *this;
  }
  // Marks cores and gpus of `ranks` as allocated; call it once a rank.
  InstanceBuilder& use(std::string_view ranks, std::string_view cores, std::string_view gpus = "") {
    state_.allocated.entries.push_back({.ranks = ids(ranks), .cores = ids(cores), .gpus = ids(gpus)});
    return *this;
  }
  // Adds a queue, which requires its own name as a property; the anonymous one goes.
  InstanceBuilder& queue(std::string name, std::string_view ranks) {
    std::erase_if(state_.queues, [](const auto& queue) { return queue.name.empty(); });
    state_.resources.properties[name] = ids(ranks);
    auto& added = state_.queues.emplace_back();
    added.name = name;
    added.admits = flux::Constraint::requires_properties({name});
    return *this;
  }
  InstanceBuilder& stop_queue(std::size_t index = 0) {
    state_.queues[index].started = false;
    return *this;
  }
  InstanceBuilder& disable_queue(std::size_t index = 0) {
    state_.queues[index].enabled = false;
    return *this;
  }
  InstanceBuilder& pending(const flux::Shape& shape, unsigned count = 1, std::uint32_t queue = 0) {
    for (unsigned i = 0; i < count; ++i)
      add(shape, flux::JobState::sched, queue);
    return *this;
  }
  // A job that holds `nnodes` nodes and `ncores` cores in all; use() tells where.
  InstanceBuilder& running(const flux::Shape& shape, std::uint32_t nnodes,
                           std::optional<std::uint32_t> ncores, std::uint32_t queue = 0,
                           flux::JobState job_state = flux::JobState::run) {
    auto& job = add(shape, job_state, queue);
    job.nnodes = nnodes;
    job.ncores = ncores;
    return *this;
  }
  instance::Job& last_job() { return state_.jobs.back(); }
  instance::InstanceState& state() { return state_; }
  operator instance::InstanceState() const { return state_; }  // NOLINT(google-explicit-constructor)

 private:
  instance::Job& add(const flux::Shape& shape, flux::JobState job_state, std::uint32_t queue) {
    std::uint32_t index = 0;
    while (index < state_.shapes.size() && state_.shapes[index] != shape)
      ++index;
    if (index == state_.shapes.size()) state_.shapes.push_back(shape);
    auto& job = state_.jobs.emplace_back();
    job.id = ++last_id_;
    job.state = job_state;
    job.priority = 16;
    job.queue = queue;
    job.shape = index;
    return job;
  }

  instance::InstanceState state_;
  flux::JobId last_id_ = 0;
};

}  // namespace fluxmetrics::support
