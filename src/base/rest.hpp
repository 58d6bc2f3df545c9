// Waits without holding up a thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"

namespace fluxmetrics {

// Goes on after `time`, on the executor that it runs on.
boost::asio::awaitable<void> rest_for(Seconds time);

}  // namespace fluxmetrics
