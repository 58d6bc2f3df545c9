#include "commands/cli_options.hpp"

#include <fmt/format.h>
#include <map>

#include <CLI/CLI.hpp>

#include "commands/arguments.hpp"

namespace fluxmetrics::commands {
namespace {

// `target` is a Seconds, or an optional one.
CLI::Option* add_duration_to(CLI::App* app, const std::string& name, auto& target, const std::string& help,
                             Seconds least) {
  return app
      ->add_option_function<std::string>(
          name,
          [&target, name, least](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
            if (*parsed < least)
              throw CLI::ValidationError(
                  name, least == shortest
                            ? fmt::format("must be above 0, not {}", text)
                            : fmt::format("must be at least {:g}s, not {}", least.count(), text));
            target = *parsed;
          },
          help)
      ->type_name("DURATION");
}

template <class T>
struct NumberOf {
  using type = T;
};
template <class T>
struct NumberOf<std::optional<T>> {
  using type = T;
};

}  // namespace

CLI::Option* add_any_duration(CLI::App* app, const std::string& name, Seconds& target,
                              const std::string& help, Seconds least) {
  return add_duration_to(app, name, target, help, least);
}

CLI::Option* add_any_duration(CLI::App* app, const std::string& name, std::optional<Seconds>& target,
                              const std::string& help, Seconds least) {
  return add_duration_to(app, name, target, help, least);
}

CLI::Option* add_duration(CLI::App* app, const std::string& name, Seconds& target, const std::string& help,
                          Seconds least) {
  return add_duration_to(app, name, target, help + fmt::format(" [{:g}s]", target.count()), least);
}

template <class Target>
CLI::Option* add_whole(CLI::App* app, const std::string& name, Target& target, const std::string& help,
                       std::uint64_t lowest, std::optional<std::uint64_t> highest) {
  std::string range;
  if (highest)
    range = fmt::format("{} to {}", lowest, *highest);
  else if (lowest == 1)
    range = "POSITIVE";
  constexpr auto most = std::numeric_limits<typename NumberOf<Target>::type>::max();
  return app->add_option(name, target, help)
      ->check(whole_number(lowest, highest.value_or(most), !highest), range);
}

using Text = const std::string&;
using Least = std::uint64_t;
using Most = std::optional<std::uint64_t>;
template CLI::Option* add_whole(CLI::App*, Text, std::uint16_t&, Text, Least, Most);
template CLI::Option* add_whole(CLI::App*, Text, std::uint32_t&, Text, Least, Most);
template CLI::Option* add_whole(CLI::App*, Text, std::uint64_t&, Text, Least, Most);
template CLI::Option* add_whole(CLI::App*, Text, std::optional<std::uint32_t>&, Text, Least, Most);
template CLI::Option* add_whole(CLI::App*, Text, std::optional<std::int32_t>&, Text, Least, Most);

void add_kubernetes_version(CLI::App* app, std::optional<hpa::KubernetesVersion>& target,
                            const std::string& otherwise) {
  constexpr auto* name = "--kubernetes-version";
  app->add_option_function<std::string>(
         name,
         [&target](const std::string& text) {
           const auto version = hpa::parse_kubernetes_version(text);
           if (!version) throw CLI::ValidationError(name, version.error().message);
           target = *version;
         },
         fmt::format("Kubernetes whose HPA controller decides, {} to {} [{}]",
                     to_string(hpa::oldest_kubernetes), to_string(hpa::newest_kubernetes), otherwise))
      ->type_name("VERSION");
}

void add_flux_uri(CLI::App* app, std::optional<std::string>& target) {
  app->add_option(
      "--flux-uri", target,
      "Broker to talk to, local:///PATH [FLUX_URI, else the system instance's or a MiniCluster's socket]");
}

void add_custom_metrics(CLI::App* app, std::vector<std::string>& files) {
  app->add_option(
         "--custom-metric", files,
         "Metrics of your own (repeatable): jq expressions in a .yaml file, or Python functions that "
         "get a Flux handle in a .py file")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
}

void add_policy(CLI::App* app, sizing::SizePolicy& policy) {
  static const std::map<std::string, sizing::SizeRule> rules{
      {"wanted", sizing::SizeRule::wanted},
      {"all", sizing::SizeRule::all},
      {"head-of-line", sizing::SizeRule::head_of_line}};
  app->add_option_function<std::string>(
         "--size-policy", [&policy](const std::string& name) { policy.rule = rules.at(name); },
         "What node_wanted_count follows: wanted, all (whatever could start does), or head-of-line (what "
         "runs and "
         "the first job of each queue) [wanted]")
      ->type_name("POLICY")
      ->check(CLI::IsMember({"wanted", "all", "head-of-line"}));
  add_duration(app, "--hold", policy.hold, "node_wanted_count falls only after it was smaller for so long");
  add_duration(app, "--patience", policy.patience,
               "Work that the present nodes finish within this time asks for no new node");
  add_duration(
      app, "--count-denied", policy.count_denied,
      "Let node_wanted_count include the widest job that the scheduler denied within this time, at most "
      "1h, so that it is taken when it is submitted again [off]");
  add_whole(app, "--min-replicas", policy.min_replicas, "Never want fewer nodes than this", 1)
      ->capture_default_str();
  add_whole(app, "--max-replicas", policy.max_replicas,
            "Never want more nodes than this [the instance's size]", 1);
}

}  // namespace fluxmetrics::commands
