// The short way: the broker module keeps the state inside the broker, and tells it. What is told here is what
// the module's own collector found with the same code, so the metrics are the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "flux/client.hpp"
#include "instance/state.hpp"
#include "instance/wait_times.hpp"

namespace fluxmetrics::instance {

class ModuleFollower {
 public:
  // Takes a state that the module confirmed at `confirmed`; the same pointer as before: nothing changed.
  using Told = std::function<void(const std::shared_ptr<const InstanceState>& state, Now confirmed)>;

  // `waits` goes on with what the module counts, and must live as long as this.
  ModuleFollower(Clock clock, WaitTimes& waits) : clock_(std::move(clock)), waits_(waits) {}

  // Hands on what the module tells, as long as it tells anything; at once over where there is none. Returns
  // why it ended, nullopt when nobody could be asked. `streams` must live until then.
  [[nodiscard]] boost::asio::awaitable<std::optional<Error>> follow(flux::Client& streams, Told told);
  // Whether it is time to look again for a module that was not there.
  [[nodiscard]] bool worth_seeking() const;
  // Whether it tells a state of this moment now.
  [[nodiscard]] boost::asio::awaitable<bool> tells(flux::Client& streams);

 private:
  [[nodiscard]] boost::asio::awaitable<Error> take_states(std::unique_ptr<flux::Stream> stream, Told told);
  // The state with our own counts of waits, which begin with this program; the module's began with it.
  [[nodiscard]] std::shared_ptr<const InstanceState> with_waits(const std::shared_ptr<InstanceState>& state);

  Clock clock_;
  WaitTimes& waits_;
  std::optional<WaitTimes::Shared> told_waits_;  // as the module told them last
  MonoTime sought_{};
};

// When the module's `confirmed` was on this program's clocks. One host, one wall clock: only that tells how
// old a message is that lay unread. Never later than `now`, and at most a day before.
[[nodiscard]] Now confirmed_at(WallTime confirmed, Now now);

}  // namespace fluxmetrics::instance
