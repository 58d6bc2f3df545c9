#include "agent/command.hpp"

#include <gtest/gtest.h>

#include "agent/lease_memory.hpp"

namespace fluxmetrics::agent {
namespace {

constexpr const char* good =
    R"({"ranks":"2-3,5","requester":"scaler-1","lease":{"holder":"pod-a_1","transitions":7},)"
    R"("deadline":"2026-11-30T12:00:05Z","reason":"less to do"})";

std::string refused(std::string_view body) {
  const auto command = read_command(Command::Kind::drain, body);
  if (command) return "taken";
  EXPECT_EQ(command.error().code, 400);
  EXPECT_EQ(command.error().reason, "BadRequest");
  return command.error().message;
}

// `good` with one text in it replaced.
std::string with(std::string_view what, std::string_view replacement) {
  std::string body(good);
  const auto at = body.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return body.replace(at, what.size(), replacement);
}

TEST(AgentCommand, IsRead) {
  const auto command = read_command(Command::Kind::undrain, good);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->kind, Command::Kind::undrain);
  EXPECT_EQ(command->ranks.to_string(), "2-3,5");
  EXPECT_EQ(command->requester, "scaler-1");
  EXPECT_EQ(command->lease, (Leadership{.holder = "pod-a_1", .transitions = 7}));
  EXPECT_EQ(format_rfc3339(command->deadline).substr(0, 19), "2026-11-30T12:00:05");
  EXPECT_EQ(command->reason, "less to do");
  EXPECT_TRUE(read_command(Command::Kind::drain, with(R"(,"reason":"less to do")", "")))
      << "it may have none";
}

TEST(AgentCommand, IsRefusedByTheNameOfTheField) {
  EXPECT_TRUE(refused("").starts_with("the body is no JSON object"));
  EXPECT_TRUE(refused("[1]").starts_with("the body is no JSON object"));
  EXPECT_EQ(refused(with(R"("ranks")", R"("rank")")),
            R"(strict decoding error: unknown field "rank": do you mean "ranks"?)");
  EXPECT_EQ(refused(with(R"("transitions":7)", R"("transitions":7,"term":1)")),
            R"(strict decoding error: unknown field "lease.term")");
  EXPECT_TRUE(refused(with(R"("2-3,5")", "2")).starts_with("ranks: json: cannot unmarshal number"));
  EXPECT_TRUE(refused(with("2-3,5", "3-2")).starts_with("ranks: "));
  EXPECT_TRUE(refused(with("2-3,5", "")).starts_with("ranks: it names no rank"));
  EXPECT_TRUE(refused(with(R"("requester":"scaler-1",)", "")).starts_with("requester: "));
  EXPECT_TRUE(refused(with("scaler-1", "two words")).starts_with("requester: 'two words' is no name"));
  EXPECT_TRUE(refused(with("scaler-1", std::string(254, 'x'))).starts_with("requester: "));
  EXPECT_TRUE(refused(with(R"("lease":{"holder":"pod-a_1","transitions":7},)", ""))
                  .starts_with("lease: it is missing"));
  EXPECT_TRUE(refused(with("pod-a_1", "")).starts_with("lease.holder: "));
  EXPECT_TRUE(refused(with(R"(,"transitions":7)", "")).starts_with("lease.transitions: it is missing"));
  EXPECT_TRUE(refused(with(":7", ":-7")).starts_with("lease.transitions: a Lease counts them from 0"));
  EXPECT_TRUE(
      refused(with(":7", ":2147483648")).starts_with("lease.transitions: a Lease counts them from 0"));
  EXPECT_TRUE(
      refused(with(":7", ":7.5")).starts_with("lease.transitions: json: cannot unmarshal number 7.5"));
  EXPECT_TRUE(refused(with("2026-11-30T12:00:05Z", "soon")).starts_with("deadline: 'soon' is no time"));
  EXPECT_TRUE(refused(with("2026-11-30", "9999-11-30")).starts_with("deadline: '9999"));
  EXPECT_TRUE(refused(with("less to do", "a\\nb")).starts_with("reason: "));
  EXPECT_TRUE(refused(with("less to do", std::string(257, 'x'))).starts_with("reason: "));
}

Command command_of(std::int64_t transitions, const char* holder, const char* reason = "") {
  return {.requester = "scaler-1", .lease = {.holder = holder, .transitions = transitions}, .reason = reason};
}

TEST(AgentLease, IsWrittenIntoTheReasonAndReadAgain) {
  const auto reason = reason_of(command_of(7, "pod-a_1", "less to do; lease 9 of x; requested by y"));
  EXPECT_EQ(reason,
            "flux-metrics-api: giving the node back; lease 7 of pod-a_1; requested by scaler-1: less to do; "
            "lease 9 "
            "of x; requested by y");
  EXPECT_EQ(leadership_in(reason), (Leadership{.holder = "pod-a_1", .transitions = 7}))
      << "the first one counts";
  for (const char* other :
       {"", "flux-metrics-api: giving the node back", "flux-metrics-api: giving the node back; lease",
        "flux-metrics-api: giving the node back; lease x of a; requested by b",
        "flux-metrics-api: giving the node back; lease 7 of a b; requested by c",
        "bad memory; lease 7 of pod-a_1; requested by scaler-1"})
    EXPECT_FALSE(leadership_in(other)) << other;
}

TEST(AgentLease, AnOlderOneIsRefused) {
  LeaseMemory memory;
  EXPECT_TRUE(memory.check({.holder = "a", .transitions = 3})) << "nobody was obeyed yet";
  memory.obeyed({.holder = "a", .transitions = 3});
  EXPECT_TRUE(memory.check({.holder = "a", .transitions = 3}));
  EXPECT_TRUE(memory.check({.holder = "b", .transitions = 4}));
  const auto older = memory.check({.holder = "z", .transitions = 2});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::conflict);
  EXPECT_TRUE(older.error().message.starts_with("lease: transitions 2 of z are older than the 3 of a"));
  EXPECT_FALSE(memory.check({.holder = "b", .transitions = 3})) << "two cannot hold it at once";
}

TEST(AgentLease, IsRecalledOnceFromTheNewestDrain) {
  const flux::Drain older{.ranks = flux::IdSet{2}, .reason = reason_of(command_of(5, "a"))};
  const flux::Drain newer{.ranks = flux::IdSet{3}, .reason = reason_of(command_of(6, "b"))};
  LeaseMemory memory;
  memory.recall({newer, older, {.ranks = flux::IdSet{1}, .reason = "bad memory"}});
  EXPECT_FALSE(memory.check({.holder = "a", .transitions = 5}));
  EXPECT_TRUE(memory.check({.holder = "b", .transitions = 6}));
  memory.recall({{.ranks = flux::IdSet{3}, .reason = reason_of(command_of(9, "c"))}});
  EXPECT_TRUE(memory.check({.holder = "b", .transitions = 6}))
      << "what it knows itself is newer than any reason";
}

}  // namespace
}  // namespace fluxmetrics::agent
