#include "commands/cli.hpp"

int main(int argc, char** argv) {
  return fluxmetrics::commands::run_cli(argc, argv);
}
