// sched-simple, which comes with Flux itself: strictly in line, over all queues.
#pragma once

#include "simulate/scheduler.hpp"

namespace fluxmetrics::simulate {

class Resources;

class SimpleScheduler final : public Scheduler {
 public:
  explicit SimpleScheduler(Resources& resources) : resources_(resources) {}

  // A job that cannot start holds back everyone behind it. Only the head of the line learns that it never
  // could.
  void schedule(AllocRequests& requests, Time now) override;
  [[nodiscard]] Grant grant(const Job& job, Placement placement, Time since) const override;
  [[nodiscard]] Result<void> feasible(const flux::Shape& shape, const flux::IdSet& admitted) const override;

 private:
  Resources& resources_;
};

}  // namespace fluxmetrics::simulate
