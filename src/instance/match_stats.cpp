#include "instance/match_stats.hpp"

#include "flux/fields.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::Fields;
using Outcome = MatchStats::Outcome;

Outcome read_outcome(const json::value& value, std::string_view what, Fields& outer) {
  Outcome read;
  Fields in(value, what);
  in.require("njobs");
  read.matches = in.count("njobs").value_or(0);
  read.timed_matches = in.count("njobs-reset").value_or(read.matches);
  if (const auto* stats = in.any("stats")) {
    Fields times(*stats, what);
    read.longest = times.number("max").value_or(0);
    // Of a single match it tells no mean.
    const double mean = read.timed_matches == 1 ? read.longest : times.number("avg").value_or(0);
    read.seconds = mean * static_cast<double>(read.timed_matches);
    if (!times.ok()) in.fail_with(times.error().error());
  }
  if (!in.ok()) outer.fail_with(in.error().error());
  return read;
}

json::object outcome_json(const Outcome& outcome) {
  return {{"matches", outcome.matches},
          {"timed_matches", outcome.timed_matches},
          {"seconds", outcome.seconds},
          {"longest", outcome.longest}};
}

Outcome outcome_from(Fields& in, std::string_view key) {
  Outcome read;
  const auto* value = in.any(key);
  if (value == nullptr) return read;
  Fields fields(*value, key);
  read.matches = fields.count("matches").value_or(0);
  read.timed_matches = fields.count("timed_matches").value_or(0);
  read.seconds = fields.number("seconds").value_or(0);
  read.longest = fields.number("longest").value_or(0);
  if (!fields.ok()) in.fail_with(fields.error().error());
  return read;
}

}  // namespace

Result<MatchStats> MatchStats::from_reply(const json::value& reply) {
  constexpr std::string_view topic = "sched-fluxion-resource.stats-get";
  Fields in(reply, topic);
  for (const auto* const key : {"V", "E", "match"})
    in.require(key);
  if (!in.ok()) return in.error();
  MatchStats read;
  read.vertices = in.count("V").value_or(0);
  read.edges = in.count("E").value_or(0);
  read.load_seconds = in.number("load-time").value_or(0);
  Fields match(*in.any("match"), "sched-fluxion-resource.stats-get: match");
  for (const auto* const key : {"succeeded", "failed"})
    match.require(key);
  if (match.ok()) {
    read.succeeded =
        read_outcome(*match.any("succeeded"), "sched-fluxion-resource.stats-get: succeeded", match);
    read.failed = read_outcome(*match.any("failed"), "sched-fluxion-resource.stats-get: failed", match);
  }
  if (!match.ok()) in.fail_with(match.error().error());
  if (!in.ok()) return in.error();
  return read;
}

json::object MatchStats::to_json() const {
  return {{"vertices", vertices},
          {"edges", edges},
          {"load_seconds", load_seconds},
          {"succeeded", outcome_json(succeeded)},
          {"failed", outcome_json(failed)}};
}

Result<MatchStats> MatchStats::from_json(const json::value& value) {
  Fields in(value, "match_stats");
  MatchStats read;
  read.vertices = in.count("vertices").value_or(0);
  read.edges = in.count("edges").value_or(0);
  read.load_seconds = in.number("load_seconds").value_or(0);
  read.succeeded = outcome_from(in, "succeeded");
  read.failed = outcome_from(in, "failed");
  if (!in.ok()) return in.error();
  return read;
}

}  // namespace fluxmetrics::instance
