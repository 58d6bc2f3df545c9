#include "http/open_files.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace fluxmetrics::http {
namespace {

// Puts this process's limit back.
class Limit {
 public:
  Limit() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void set_soft(rlim_t soft) const {
    rlimit limit = before_;
    limit.rlim_cur = soft;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  [[nodiscard]] static rlim_t soft() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
  }
  [[nodiscard]] rlim_t hard() const { return before_.rlim_max; }

 private:
  rlimit before_{};
};

TEST(OpenFiles, SoftLimitIsRaisedAsFarAsNeeded) {
  const Limit limit;
  if (limit.hard() < 1000) GTEST_SKIP() << "this process may open few files";
  limit.set_soft(100);
  EXPECT_EQ(make_room_for(500), 500U);
  EXPECT_EQ(Limit::soft(), 564U);
  EXPECT_EQ(make_room_for(10), 10U);
  EXPECT_EQ(Limit::soft(), 564U) << "never lowered";
}

TEST(OpenFiles, MoreThanTheHardLimitIsNotPromised) {
  const Limit limit;
  if (limit.hard() == RLIM_INFINITY || limit.hard() < 200) GTEST_SKIP() << "this limit cannot be reached";
  EXPECT_EQ(make_room_for(limit.hard()), limit.hard() - 64);
}

}  // namespace
}  // namespace fluxmetrics::http
