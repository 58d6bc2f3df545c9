#include "commands/common_options.hpp"

#include <fmt/format.h>

namespace fluxmetrics::commands {
namespace {

constexpr Seconds longest_memory{3600};  // of denied jobs

}  // namespace

void add_kubernetes_version(Command& command, std::optional<hpa::KubernetesVersion>& target,
                            const std::string& otherwise) {
  command.value(
      "--kubernetes-version",
      [&target](const std::string& text) -> std::string {
        const auto version = hpa::parse_kubernetes_version(text);
        if (!version) return version.error().message;
        target = *version;
        return "";
      },
      fmt::format("Kubernetes release whose HPA controller decides, {} to {} [{}]",
                  to_string(hpa::oldest_kubernetes), to_string(hpa::newest_kubernetes), otherwise),
      "VERSION");
}

void add_flux_uri(Command& command, std::optional<std::string>& target) {
  command.option(
      "--flux-uri", target,
      "Broker to connect to, local:///PATH [FLUX_URI, else the system instance's or a MiniCluster's socket]");
}

void add_custom_metrics(Command& command, std::vector<std::string>& files) {
  command
      .option("--custom-metric", files,
              "Your own metrics (repeatable): jq expressions in a .yaml file, or Python functions that "
              "get a Flux handle in a .py file")
      .type("FILE")
      .each_apart();
}

void add_policy(Command& command, sizing::SizePolicy& policy) {
  command.value(
      "--size-policy",
      [&policy](const std::string& name) -> std::string {
        using enum sizing::SizeRule;
        if (name == "wanted")
          policy.rule = wanted;
        else if (name == "all")
          policy.rule = all;
        else if (name == "head-of-line")
          policy.rule = head_of_line;
        else
          return fmt::format("must be one of wanted, all, head-of-line, not '{}'", name);
        return "";
      },
      "What node_wanted_count follows: wanted, all (every job that could start starts), or head-of-line (the "
      "running jobs and the first job of each queue) [wanted]",
      "POLICY");
  command.duration("--hold", policy.hold,
                   "node_wanted_count falls only after it has stayed below its value for this long");
  command.duration("--patience", policy.patience,
                   "Work that the present nodes finish within this time asks for no new node");
  command.bare_duration("--count-denied", policy.count_denied,
                        "Let node_wanted_count include the widest job that the scheduler denied within this "
                        "time, up to 1h, so that a retry finds its nodes [off]",
                        {}, longest_memory);
  command.whole("--min-replicas", policy.min_replicas, "Never want fewer nodes than this", 1).shows_default();
  command.whole("--max-replicas", policy.max_replicas,
                "Never want more nodes than this [the instance's size]", 1);
}

Option add_theme(Command& command, std::string& theme) {
  auto option = command.option("--theme", theme, "Colors of the plots: auto follows the reader's screen");
  option.shows_default().one_of({"auto", "light", "dark"});
  return option;
}

}  // namespace fluxmetrics::commands
