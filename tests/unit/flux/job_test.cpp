#include "flux/job.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace fluxmetrics::flux {
namespace {

TEST(JobState, has_names_and_numbers) {
  std::uint32_t all = 0;
  for (const JobState state : all_job_states) {
    const auto number = static_cast<std::uint32_t>(state);
    EXPECT_EQ(job_state_from(number), state);
    all |= number;
  }
  EXPECT_EQ(all, 127U);
  EXPECT_EQ(states_pending | states_running, states_active);
  EXPECT_EQ(to_string(JobState::new_), "new");
  EXPECT_EQ(to_string(JobState::inactive), "inactive");
  for (const std::int64_t number : {0, 3, -1, 62, 128}) {
    const auto state = job_state_from(number);
    ASSERT_FALSE(state) << number;
    EXPECT_EQ(state.error().code, Code::protocol);
  }
}

TEST(JobId, encodes_f58) {
  // tests/blackbox/test_simulate.py knows the environments.
  const auto first = encode_f58(0).substr(0, encode_f58(0).size() - 1);
  EXPECT_TRUE(first == "ƒ" || first == "f") << first;
  EXPECT_EQ(encode_f58(3562272718848), first + "2caLqpbZ");
  EXPECT_EQ(encode_f58(0), first + "1");
  EXPECT_EQ(encode_f58(57), first + "z");
  EXPECT_EQ(encode_f58(58), first + "21");
}

TEST(JobId, parses_every_form) {
  for (const char* text : {"ƒ2caLqpbZ", "f2caLqpbZ", "3562272718848", "0x33d68000000", "0000.033d.6800.0000",
                           "0.33d.6800.0", "job.0000.033d.6800.0000", " f2caLqpbZ", "job.f2caLqpbZ"}) {
    const auto id = parse_job_id(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(*id, 3562272718848) << text;
  }
  constexpr auto largest = std::numeric_limits<JobId>::max();
  EXPECT_EQ(parse_job_id(encode_f58(largest)), largest);
  for (JobId id = 1; id > 0 && id < largest / 59; id *= 59)
    EXPECT_EQ(parse_job_id(encode_f58(id)), id);
}

TEST(JobId, refuses_the_rest) {
  for (const char* text : {"",
                           "f",
                           "ƒ",
                           "fO",
                           "ƒ0",
                           "-1",
                           "12x",
                           "0x",
                           "0x-1",
                           "99999999999999999999",
                           "fzzzzzzzzzzzzz",
                           "1 2",
                           "0000.033d.6800",
                           "0.0.0.0.0",
                           "0.0.0.12345",
                           "0.0..0",
                           "0.0.0.g",
                           "8000.0.0.0",
                           "job.",
                           "job.033d",
                           "2caLqpbZ",
                           "33d68000000",
                           "F2caLqpbZ",
                           "victor-slalom-serial--blitz-academy-academy",
                           "\xf0\x9f\x98\x93"}) {
    const auto id = parse_job_id(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace fluxmetrics::flux
