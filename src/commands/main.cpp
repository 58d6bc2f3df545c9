#include "commands/cli.hpp"
#include "commands/output.hpp"

int main(int argc, char** argv) {
  using namespace fluxmetrics::commands;
  hold_standard_streams();
  return run_telling_lost_output([&] { return run_cli(argc, argv); });
}
