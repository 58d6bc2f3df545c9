// The simulated instance behind its socket, as clients meet it.
#include "simulate/server.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "bench.hpp"
#include "simulate/socket_file.hpp"

namespace fluxmetrics::simulate::test {
namespace {

using namespace std::chrono_literals;

// A client that waits for everything.
class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const void* const generic = &address;
    connected_ = ::connect(fd_, static_cast<const sockaddr*>(generic), sizeof address) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char byte = 1;
    admitted_ = connected_ && ::recv(fd_, &byte, 1, 0) == 1 && byte == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  [[nodiscard]] bool admitted() const { return admitted_; }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void ask(const std::string& topic, const json::value& payload, std::uint32_t tag, std::uint8_t flags = 0) {
    flux::Message message =
        flux::make_request(topic, payload.is_null() ? std::string() : json::serialize(payload), tag);
    message.flags |= flags;
    write(flux::encode(message));
  }
  // Nothing when the connection ended, or after 20 s of silence.
  std::optional<flux::Message> next() {
    while (true) {
      if (auto message = decoder_.next()) return message;
      char buffer[65536];
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) return std::nullopt;
      if (!decoder_.feed(std::span<const char>(buffer, static_cast<std::size_t>(size)))) return std::nullopt;
    }
  }
  json::value rpc(const std::string& topic, const json::value& payload = nullptr) {
    ask(topic, payload, 1);
    const auto reply = next();
    return reply ? Bench::shown(*reply) : json::value("closed");
  }

 private:
  int fd_;
  bool connected_ = false;
  bool admitted_ = false;
  flux::Decoder decoder_;
};

TEST(Server, ServesManyClients) {
  Server server({.size = 2, .max_size = 4});
  ASSERT_TRUE(server.start());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i)
    clients.push_back(std::make_unique<Client>(server.socket_path()));
  for (const auto& client : clients) {
    ASSERT_TRUE(client->admitted());
    EXPECT_EQ(client->rpc("attr.get", {{"name", "size"}}).at("payload").at("value"), "4");
  }
  EXPECT_EQ(server.uri(), "local://" + server.socket_path());
}

TEST(Server, AnswersTheRecordedBytes) {
  Options options;
  options.size = options.max_size = 6;
  Server server(options);
  ASSERT_TRUE(server.start());
  const auto bytes = [](const json::value& hex) {
    std::string text;
    for (std::size_t i = 0; i + 1 < hex.as_string().size(); i += 3)
      text += static_cast<char>(std::stoi(std::string(hex.as_string().subview(i, 2)), nullptr, 16));
    return text;
  };
  const json::value cases = capture("protocol.cases");
  int compared = 0;
  for (const json::value& one : cases.as_array()) {
    const json::value* request = one.as_object().if_contains("request_hex");
    if (request == nullptr) continue;
    Client client(server.socket_path());
    client.write(bytes(*request));
    const auto reply = client.next();
    ASSERT_TRUE(reply) << one.at("case");
    // The owner's uid is this test's.
    std::string expected = bytes(one.at("response_hex"));
    flux::Decoder decoder;
    ASSERT_TRUE(decoder.feed(std::span<const char>(expected.data(), expected.size())));
    flux::Message recorded = *decoder.next();
    recorded.userid = ::getuid();
    EXPECT_EQ(flux::encode(*reply), flux::encode(recorded)) << one.at("case");
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

TEST(Server, ClosesOnGarbageWithoutAWord) {
  Server server({});
  ASSERT_TRUE(server.start());
  const std::string good = flux::encode(flux::make_request("attr.get", R"({"name":"size"})", 5));
  std::string bad_magic = good;
  bad_magic[0] = 'x';
  std::string bad_proto = good;
  bad_proto[bad_proto.size() - 20] = 'x';
  std::string bad_type = good;
  bad_type[bad_type.size() - 18] = 3;
  for (const std::string& bytes : {bad_magic, bad_proto, bad_type, std::string("GET / HTTP/1.1\r\n\r\n")}) {
    Client client(server.socket_path());
    client.write(bytes);
    EXPECT_FALSE(client.next());
  }
  Client client(server.socket_path());
  std::string control = good;
  control[control.size() - 18] = 8;
  client.write(control);  // ignored
  client.write(good);
  EXPECT_EQ(client.next()->aux2, 5U);
}

TEST(Server, CutsOffAClientThatDoesNotRead) {
  Options options;
  options.max_output_bytes = 1U << 20U;
  Server server(options);
  ASSERT_TRUE(server.start());
  Client slow(server.socket_path());
  for (std::uint32_t i = 0; i < 20000; ++i)
    slow.ask("attr.list", nullptr, i);
  int got = 0;
  while (slow.next())
    ++got;
  EXPECT_LT(got, 20000) << "the rest was dropped with the connection";
  Client other(server.socket_path());
  EXPECT_EQ(other.rpc("attr.get", {{"name", "rank"}}).at("errnum"), 0) << "nobody else is hurt";
}

TEST(Server, KeepsTime) {
  Options options;
  options.speed = 100;
  Server server(options);
  ASSERT_TRUE(server.start());
  Client client(server.socket_path());
  const double before = client.rpc("simulate.clock").at("payload").at("now").to_number<double>();
  const json::object jobspec = *make_jobspec(slots(1, 30));
  const json::value submitted =
      client.rpc("job-ingest.submit",
                 {{"J", wrap_unsigned(::getuid(), json::serialize(jobspec))}, {"urgency", 16}, {"flags", 0}});
  const flux::JobId id = submitted.at("payload").at("id").as_int64();
  // The stream ends when the job does: 30 s in 0.3 s.
  client.ask("job-info.eventlog-watch", {{"id", id}, {"path", "eventlog"}, {"flags", 0}}, 9,
             flux::flag::streaming);
  std::optional<flux::Message> reply;
  do
    reply = client.next();
  while (reply && reply->errnum() == 0);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->errnum(), static_cast<std::uint32_t>(ENODATA));
  const double after = client.rpc("simulate.clock").at("payload").at("now").to_number<double>();
  EXPECT_GE(after - before, 30);
  bool success = false;
  server.with([&](Instance& instance) { success = instance.jobs().find(id)->success(); });
  EXPECT_TRUE(success);
}

TEST(Server, StopsAsABrokerThatDies) {
  std::string path;
  {
    Server server({});
    ASSERT_TRUE(server.start());
    path = server.socket_path();
    Client client(path);
    client.ask("job-list.job-stats", nullptr, 1, flux::flag::streaming);
    ASSERT_TRUE(client.next());
    server.drop_clients();
    EXPECT_FALSE(client.next());
    Client again(path);
    EXPECT_TRUE(again.admitted());
    server.stop();
    EXPECT_FALSE(again.next());
    server.stop();
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

class SocketPaths : public testing::Test {
 protected:
  SocketPaths() {
    std::string pattern = (std::filesystem::temp_directory_path() / "socket-paths-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~SocketPaths() override { std::filesystem::remove_all(directory_); }
  static std::string error(const std::string& path) {
    Server server({.socket = path});
    const auto started = server.start();
    return started ? "" : started.error().message;
  }
  std::string directory_;
};

TEST_F(SocketPaths, AreRefusedWhenTheyAreUsedOrUseless) {
  const std::string path = directory_ + "/s";
  Server server({.socket = path});
  ASSERT_TRUE(server.start());
  EXPECT_TRUE(contains(error(path), "another program listens on " + path));
  EXPECT_TRUE(contains(error(directory_ + "/no/such"), "there is no directory"));
  EXPECT_TRUE(contains(error(directory_ + "/" + std::string(200, 'x')), "107 are allowed"));
  EXPECT_TRUE(contains(error(directory_), "is not a socket"));
  Client client(path);
  EXPECT_TRUE(client.admitted()) << "the first is not disturbed";
}

TEST_F(SocketPaths, ASocketLeftBehindIsReplaced) {
  const std::string path = directory_ + "/s";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const void* const generic = &address;
  ASSERT_EQ(::bind(fd, static_cast<const sockaddr*>(generic), sizeof address), 0);
  ::close(fd);
  ASSERT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(error(path), "");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
