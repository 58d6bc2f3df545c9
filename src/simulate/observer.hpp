// Who wants to know what happens inside a simulated instance: the server, which tells its clients.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "flux/event.hpp"
#include "simulate/job.hpp"

namespace fluxmetrics::simulate {

// Called at the virtual time of what happened. The default is not to care.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  virtual void on_job_event(const Job& /*job*/, const flux::Event& /*event*/) {}
  virtual void on_resource_event(const flux::Event& /*event*/) {}
  virtual void on_members() {}  // broker.online changed
  virtual void on_torpid() {}   // broker.torpid changed
  virtual void on_health() {}   // overlay.health changed
  virtual void on_stats() {}    // job counts changed
  virtual void on_unload() {}   // the services of rank 0 end
  virtual void on_exit() {}     // the broker is gone
  // The instance publishes an event message; `payload` may be null.
  virtual void on_publish(std::string_view /*topic*/, const boost::json::object* /*payload*/,
                          bool /*is_private*/) {}
};

}  // namespace fluxmetrics::simulate
