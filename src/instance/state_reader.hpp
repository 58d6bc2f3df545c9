// Puts an instance's state together again from the messages of state_message.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "instance/state_message.hpp"

namespace fluxmetrics::instance {

class StateReader {
 public:
  // Takes the next message. Returns the state as it is now, the same pointer as before when nothing changed;
  // null when it takes more messages to know. The messages of a stream, in order; or one state_document().
  // Errors: Code::protocol, after which this cannot go on; the message says what is wrong.
  [[nodiscard]] Result<std::shared_ptr<InstanceState>> take(std::string_view text);
  // Of the state that was returned last.
  [[nodiscard]] const StateStamp& stamp() const { return stamp_; }

 private:
  [[nodiscard]] Result<void> take_head(const boost::json::value& message);
  [[nodiscard]] Result<void> take_jobs(const boost::json::value& message);
  [[nodiscard]] Result<Job> read_job(const boost::json::value& value) const;
  [[nodiscard]] Result<void> merge_jobs();

  InstanceState draft_;
  std::vector<Job> changed_jobs_;
  std::vector<flux::JobId> gone_jobs_;
  std::shared_ptr<InstanceState> state_;  // as it was returned last
  StateStamp stamp_;
  bool begun_ = false;    // the whole state has come, or its first part
  bool changed_ = false;  // draft_ is not state_
};

}  // namespace fluxmetrics::instance
