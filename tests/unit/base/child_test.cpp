#include "base/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <mutex>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace fluxmetrics {
namespace {

using namespace std::chrono_literals;

constexpr Seconds generous{60};

ChildOptions shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}, .environment = {"KEY=value"}};
}

Child start(ChildOptions options) {
  auto child = Child::start(std::move(options));
  EXPECT_TRUE(child) << child.error().message;
  return *std::move(child);
}

bool is_gone(int pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;  // a zombie would still be there
}

TEST(Child, AnswersLineByLine) {
  auto child = start(shell("while read -r line <&3; do echo \"got $line\" >&3; done"));
  EXPECT_EQ(child.ask("one", generous).value(), "got one");
  EXPECT_EQ(child.ask("two", generous).value(), "got two");
  const int pid = child.pid();
  ASSERT_GT(pid, 0);
  child = start(shell("read -r line <&3"));
  EXPECT_TRUE(is_gone(pid));
}

TEST(Child, HasTheEnvironmentItWasGivenAndNothingElse) {
  ::setenv("FLUX_METRICS_TEST_SECRET", "secret", 1);
  auto child = start(shell("read -r line <&3; echo $KEY-$FLUX_METRICS_TEST_SECRET-$(cat) >&3"));
  EXPECT_EQ(child.ask("", generous).value(), "value--");
  ::unsetenv("FLUX_METRICS_TEST_SECRET");
}

TEST(Child, TellsHowItEnded) {
  auto exits = start(shell("read -r line <&3; exit 7"));
  const auto told = exits.ask("", generous);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Code::unavailable);
  EXPECT_EQ(told.error().message, "its process ended with exit code 7");
  EXPECT_FALSE(exits.alive());
  EXPECT_FALSE(exits.ask("", generous));

  auto dies = start(shell("read -r line <&3; kill -SEGV $$"));
  const auto killed = dies.ask("", generous);
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().message, "its process was ended by signal 11 (Segmentation fault)");

  auto absent = start({.arguments = {"/nonexistent"}, .environment = {}});
  EXPECT_EQ(absent.listen(generous).error().message, "its process ended with exit code 127");
}

TEST(Child, IsKilledWhenItTakesTooLong) {
  auto child = start(shell("trap '' TERM; echo $$ >&3; sleep 1000"));
  ASSERT_TRUE(child.listen(generous));
  const int pid = child.pid();
  const auto late = child.ask("", Seconds(0.05));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timed_out);
  EXPECT_TRUE(is_gone(pid));
}

TEST(Child, TakesItsDescendantsWithIt) {
  auto child = start(shell("sleep 1000 & echo $! >&3; wait"));
  const int grandchild = std::stoi(child.listen(generous).value());
  EXPECT_FALSE(child.ask("", Seconds(0.05)));
  // Somebody else reaps it, when that one comes to it.
  const auto end = std::chrono::steady_clock::now() + 60s;
  const auto runs = [&] {
    if (is_gone(grandchild)) return false;
    char state = 'Z';
    if (std::FILE* stat = std::fopen(fmt::format("/proc/{}/stat", grandchild).c_str(), "re")) {
      if (std::fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
      std::fclose(stat);
    }
    return state != 'Z';
  };
  while (runs() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(runs());
}

TEST(Child, MayPrintWhatItLikes) {
  std::vector<std::string> heard;
  auto options = shell(
      "read -r line <&3; i=0; while [ $i -lt 3000 ]; do echo noise $i; i=$((i+1)); done; "
      "echo error >&2; echo answer >&3; read -r line <&3");
  options.on_noise = [&](std::string_view line) { heard.emplace_back(line); };
  auto child = start(std::move(options));
  EXPECT_EQ(child.ask("", generous).value(), "answer");
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.front(), "noise 0");
}

TEST(Child, IsHeardLineByLineAfterALongLine) {
  std::vector<std::string> heard;
  auto options = shell(
      "printf '%0600d' 7; echo here >&3; read -r line <&3; printf 'one\\ntwo\\n'; echo there >&3; read -r "
      "line <&3");
  options.on_noise = [&](std::string_view line) { heard.emplace_back(line); };
  auto child = start(std::move(options));
  EXPECT_EQ(child.listen(generous).value(), "here");
  EXPECT_EQ(child.ask("", generous).value(), "there");
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_EQ(heard[1], "one");
  EXPECT_EQ(heard[2], "two");
}

TEST(Child, IsEndedWhenItsLineIsTooLong) {
  auto options = shell("yes | tr -d '\\n' >&3");
  options.longest_line = 100'000;
  auto child = start(std::move(options));
  const auto flood = child.listen(generous);
  ASSERT_FALSE(flood);
  EXPECT_EQ(flood.error().code, Code::protocol);
  EXPECT_FALSE(child.alive());
}

TEST(Child, IsEndedWhenItSpeaksUnasked) {
  auto child = start(shell("printf 'one\\ntwo\\n' >&3; read -r line <&3"));
  EXPECT_EQ(child.listen(generous).value(), "one");
  const auto next = child.ask("", generous);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::protocol);
}

TEST(Child, IsNotWaitedForWhenTheProgramEnds) {
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  auto options = shell("sleep 1000");
  options.stop = stop;
  auto child = start(std::move(options));
  std::jthread ender([stop] {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop, &one, sizeof one), 8);
  });
  const auto ended = child.listen(generous);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "this program ends");
  ender.join();
  ::close(stop);
}

TEST(Child, LearnsLaterWhatMeansTheEnd) {
  const int stop = ::eventfd(1, EFD_CLOEXEC);
  auto child = start(shell("sleep 1000"));
  child.stop_at(stop);
  const auto ended = child.listen(generous);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "this program ends");
  ::close(stop);
}

TEST(Child, TakesLongLinesBothWays) {
  auto child = start(shell(R"(while read -r line <&3; do printf '%s\n' "$line" >&3; done)"));
  const std::string line(300'000, 'x');
  EXPECT_EQ(child.ask(line, generous).value(), line);
}

TEST(FindProgram, LooksAlongThePath) {
  EXPECT_TRUE(find_program("sh").value_or("").ends_with("/sh"));
  EXPECT_EQ(find_program("/some/where"), "/some/where");
  EXPECT_EQ(find_program("no-such-program-anywhere"), std::nullopt);
}

}  // namespace
}  // namespace fluxmetrics
