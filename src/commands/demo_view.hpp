// How the demo shows itself: a live picture on a terminal, plain lines in a pipe.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/clock.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::commands {

class DemoView {
 public:
  DemoView(bool live, MonoTime began) : live_(live), began_(began) {}
  // Something happened: one line in a pipe, the newest of a few lines on a terminal.
  void tell(const std::string& text);
  // Redraws the picture (terminal only): each rank's state, the jobs, the size and the wanted size.
  void draw(const instance::InstanceState& state, std::uint32_t size, std::uint32_t wanted);
  // Leaves the picture and prints the closing line.
  void close(const std::string& verdict);

 private:
  void redraw();

  bool live_;
  MonoTime began_;
  std::string picture_;
  std::deque<std::string> recent_;
  std::size_t lines_drawn_ = 0;
};

}  // namespace fluxmetrics::commands
