// How connecting to a broker goes wrong, and right after a while.
#include <cerrno>
#include <sys/socket.h>
#include <sys/un.h>

#include "flux/peer.hpp"

namespace fluxmetrics::flux {
namespace {

using SessionPtr = std::shared_ptr<Session>;
using asio::awaitable;

class Connect : public PeerTest {
 protected:
  // The error of a connect that must fail.
  Error failure(std::string socket_path, std::chrono::milliseconds deadline = 20s) {
    Error error;
    run([&]() -> awaitable<void> {
      auto connecting = Client::connect(socket_path, deadline);
      const auto client = co_await std::move(connecting);
      EXPECT_FALSE(client);
      if (!client) error = client.error();
    });
    EXPECT_NE(error.message.find(socket_path), std::string::npos) << error.message;
    return error;
  }
};

// A listening socket that nobody accepts on.
class SilentListener {
 public:
  SilentListener(const std::string& path, int backlog)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(std::data(address.sun_path), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, backlog), 0);
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  ~SilentListener() { ::close(fd_); }
  [[nodiscard]] int accept_one() const { return ::accept(fd_, nullptr, nullptr); }

 private:
  int fd_;
};

TEST_F(Connect, no_socket) {
  const Error error = failure(path());
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_EQ(error.errnum, ENOENT);
}

TEST_F(Connect, a_socket_left_behind) {
  {
    const SilentListener gone(path(), 1);
  }
  const Error error = failure(path());
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_EQ(error.errnum, ECONNREFUSED);
}

TEST_F(Connect, a_path_no_socket_can_have) {
  EXPECT_EQ(failure("/" + std::string(107, 'x')).code, Code::invalid);
  EXPECT_EQ(failure("").code, Code::invalid);
}

TEST_F(Connect, an_unknown_user_is_denied) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->write(std::string(1, static_cast<char>(EPERM)));
    peer->socket().close();
  });
  const Error error = failure(path());
  EXPECT_EQ(error.code, Code::denied);
  EXPECT_EQ(error.errnum, EPERM);
}

TEST_F(Connect, another_errno_instead_of_a_welcome) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->write(std::string(1, static_cast<char>(ENOMEM)));
  });
  const Error error = failure(path());
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_EQ(error.errnum, ENOMEM);
}

TEST_F(Connect, a_broker_that_hangs_up_before_the_auth_byte) {
  serve([](SessionPtr peer) -> awaitable<void> {
    peer->socket().close();
    co_return;
  });
  const Error error = failure(path());
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_NE(error.message.find("going away"), std::string::npos) << error.message;
}

TEST_F(Connect, a_stopped_broker_is_given_up_at_the_deadline) {
  const SilentListener stopped(path(), 5);
  const auto begin = std::chrono::steady_clock::now();
  const Error error = failure(path(), 100ms);
  EXPECT_EQ(error.code, Code::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_NE(error.message.find("100 ms"), std::string::npos) << error.message;
}

// Fills the backlog, so that connect() says EAGAIN.
class FullBacklog : public Connect {
 protected:
  void SetUp() override {
    listener_.emplace(path(), 0);
    for (;;) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path().copy(std::data(address.sun_path), sizeof(address.sun_path) - 1);
      const int status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
      const int errnum = errno;
      ASSERT_TRUE(status == 0 || errnum == EAGAIN);
      if (status != 0) ::close(fd);
      if (status != 0) break;
      waiting_.push_back(fd);
    }
    ASSERT_FALSE(waiting_.empty());
  }
  void TearDown() override {
    for (const int fd : waiting_)
      ::close(fd);
  }

  std::optional<SilentListener> listener_;
  std::vector<int> waiting_;
};

TEST_F(FullBacklog, is_tried_again_until_there_is_room) {
  bool connected = false;
  run([&]() -> awaitable<void> {
    const auto make_room = [this]() -> awaitable<void> {
      co_await pause(60ms);
      for (std::size_t i = 0; i < waiting_.size(); ++i)
        ::close(listener_->accept_one());
      int fd = -1;  // ours is next
      while (fd < 0) {
        co_await pause(5ms);
        fd = listener_->accept_one();
      }
      const char welcome = 0;
      EXPECT_EQ(::write(fd, &welcome, 1), 1);
      waiting_.push_back(fd);
    };
    asio::co_spawn(co_await asio::this_coro::executor, make_room, asio::detached);
    auto connecting = Client::connect(path(), 20s);
    const auto client = co_await std::move(connecting);
    connected = client.has_value();
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
  });
  EXPECT_TRUE(connected);
}

TEST_F(FullBacklog, is_given_up_at_the_deadline) {
  const Error error = failure(path(), 150ms);
  EXPECT_EQ(error.code, Code::timed_out);
  EXPECT_EQ(error.errnum, EAGAIN);
}

}  // namespace
}  // namespace fluxmetrics::flux
