// Bodies of responses that come in pieces, over both versions of HTTP, and the bodies of requests that are
// kept.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include "http/body_source.hpp"
#include "http/http2_client.hpp"

namespace fluxmetrics::http {
namespace {

namespace asio = boost::asio;

// Gives what the test puts into it; told by the test, on its thread, and used on the serving one.
class Tap : public BodySource, public std::enable_shared_from_this<Tap> {
 public:
  explicit Tap(asio::any_io_executor executor) : timer_(std::move(executor), MonoTime::max()) {}
  asio::awaitable<std::optional<std::string>> next() override {
    ++asked;
    while (pieces_.empty() && !over_ && !ended) {
      boost::system::error_code ignored;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (fails) throw std::runtime_error("on purpose");
    if (ended || pieces_.empty()) co_return std::nullopt;
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
  }
  void end() override {
    ended = true;
    timer_.cancel();
  }
  void put(std::string piece) {
    asio::post(timer_.get_executor(), [self = shared_from_this(), piece = std::move(piece)]() mutable {
      self->pieces_.push_back(std::move(piece));
      self->timer_.cancel();
    });
  }
  void finish() {
    asio::post(timer_.get_executor(), [self = shared_from_this()] {
      self->over_ = true;
      self->timer_.cancel();
    });
  }
  std::atomic<int> asked = 0;
  std::atomic<bool> ended = false;
  std::atomic<bool> fails = false;

 private:
  asio::steady_timer timer_;
  std::deque<std::string> pieces_;
  bool over_ = false;
};

// A server whose every answer is a body in pieces, and the taps that it has opened.
struct Streaming {
  std::mutex mutex;
  std::condition_variable changed;
  Server* at = nullptr;
  RunningServer server;
  std::vector<std::shared_ptr<Tap>> taps;  // their timers must not outlive the server

  explicit Streaming(ServerOptions options = {})
      : server(std::move(options), [this](const Request& request) { return open(request); }) {
    const std::lock_guard lock(mutex);
    at = &server.server();
    changed.notify_all();
  }
  Response open(const Request& request) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return at != nullptr; });
    if (request.target == "/plain") return echo(request);
    Response response;
    response.source = taps.emplace_back(std::make_shared<Tap>(at->executor()));
    changed.notify_all();
    return response;
  }
  std::shared_ptr<Tap> tap(std::size_t number = 0) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return taps.size() > number; }));
    return taps.at(number);
  }
};

template <class Condition>
void eventually(Condition condition, const char* what) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(condition()) << what;
}

constexpr const char* plain_get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Pieces, AreChunksOfHttp1) {
  Streaming streaming;
  RawClient client(streaming.server.port());
  client.send(plain_get);
  const auto tap = streaming.tap();
  const auto head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.contains("Transfer-Encoding: chunked\r\n")) << head;
  EXPECT_TRUE(head.contains("Connection: close\r\n")) << head;
  EXPECT_FALSE(head.contains("Content-Length")) << head;
  tap->put("one\n");
  EXPECT_TRUE(client.read_until("4\r\none\n\r\n").ends_with("4\r\none\n\r\n"))
      << "before there is a second one";
  tap->put(std::string(20, 'x'));
  tap->finish();
  EXPECT_TRUE(client.read_all().ends_with("14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n"));
}

TEST(Pieces, EndWithTheConnectionOfHttp10) {
  Streaming streaming;
  RawClient client(streaming.server.port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  streaming.tap()->put("one");
  streaming.tap()->finish();
  const auto text = client.read_all();
  EXPECT_TRUE(text.ends_with("\r\n\r\none")) << text;
  EXPECT_FALSE(text.contains("chunked")) << text;
}

TEST(Pieces, HeadHasNone) {
  Streaming streaming;
  RawClient client(streaming.server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\n"));
  EXPECT_TRUE(streaming.tap()->ended);
  EXPECT_EQ(streaming.tap()->asked, 0);
  Http2Client second(streaming.server.port());
  const auto& answer = second.wait(second.ask("/", "HEAD"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(streaming.tap(1)->ended);
}

TEST(Pieces, EndWhenTheClientLeaves) {
  Streaming streaming;
  {
    RawClient client(streaming.server.port());
    client.send(plain_get);
    client.read_until("\r\n\r\n");
  }
  eventually([&] { return streaming.tap()->ended.load(); }, "nobody reads, and nothing is put into it");
  {
    Http2Client client(streaming.server.port());
    const auto id = client.ask("/");
    client.talk_until([&] { return client.answers[id].status != 0; });
  }
  eventually([&] { return streaming.tap(1)->ended.load(); }, "the same over HTTP/2");
}

TEST(Pieces, AClientThatTalksOnIsStillServed) {
  Streaming streaming;
  RawClient client(streaming.server.port());
  client.send(std::string(plain_get) + plain_get);
  const auto tap = streaming.tap();
  client.read_until("\r\n\r\n");
  tap->put("one");
  client.read_until("one");
  client.send(plain_get);
  tap->put("two");
  client.read_until("two");
  tap->finish();
  EXPECT_TRUE(client.read_all().ends_with("0\r\n\r\n")) << "what it sends behind is no request";
}

TEST(Pieces, ASlowClientIsDropped) {
  Streaming streaming({.piece_timeout = Seconds(0.3)});
  RawClient client(streaming.server.port());
  client.send(plain_get);
  const auto tap = streaming.tap();
  for (int i = 0; i < 64; ++i)
    tap->put(std::string(1U << 20U, 'x'));
  eventually([&] { return tap->ended.load(); }, "it takes nothing");
  EXPECT_LT(tap->asked, 64) << "nothing is fetched before the piece before is taken";
  EXPECT_FALSE(client.read_all().ends_with("0\r\n\r\n")) << "the body must not look whole";
}

TEST(Pieces, ASlowStreamOfHttp2IsResetAndTheConnectionGoesOn) {
  Streaming streaming({.piece_timeout = Seconds(0.5)});
  Http2Client client(streaming.server.port());
  const auto id = client.ask("/");
  const auto tap = [&] {
    client.talk_until([&] { return client.answers[id].status != 0; });
    return streaming.tap();
  }();
  for (int i = 0; i < 64; ++i)
    tap->put(std::string(1U << 20U, 'x'));
  eventually([&] { return tap->ended.load(); }, "the client opens no window");
  EXPECT_LT(tap->asked, 64);
  EXPECT_NE(client.wait(id).reset, 0U);
  EXPECT_EQ(client.wait(client.ask("/plain")).status, 200);
}

// Frames of it still come, so it is not silent.
TEST(Pieces, AConnectionOfHttp2ThatTakesNothingIsCutOff) {
  Streaming streaming({.piece_timeout = Seconds(0.5)});
  Http2Client client(streaming.server.port());
  client.open_windows();
  client.ask("/");
  client.ping();
  const auto tap = streaming.tap();
  for (int i = 0; i < 64; ++i)
    tap->put(std::string(1U << 20U, 'x'));
  eventually([&] { return client.ping(), tap->ended.load(); }, "its body ends");
  EXPECT_LT(tap->asked, 64);
  eventually([&] { return client.ping(), client.was_reset(); }, "and the connection");
}

TEST(Pieces, ARequestOfHttp2ThatNeverEndsIsCutOffBesideAStream) {
  Streaming streaming({.header_timeout = Seconds(2)});
  Http2Client client(streaming.server.port());
  client.ask("/");
  client.talk_once();
  const auto tap = streaming.tap();
  client.begin("/unfinished");
  auto again = std::chrono::steady_clock::now();
  client.talk_until([&] {
    tap->put("x");
    if (std::chrono::steady_clock::now() < again) return false;
    again += std::chrono::seconds(1);
    client.begin("/another");
    return false;
  });
  EXPECT_TRUE(client.closed());
}

TEST(Pieces, TheEndOfABodyMustBeTakenToo) {
  Streaming streaming({.piece_timeout = Seconds(0.5)});
  Http2Client client(streaming.server.port());
  const auto id = client.ask("/");
  client.talk_until([&] { return client.answers[id].status != 0; });
  const auto tap = streaming.tap();
  tap->put(std::string(65'535, 'x'));  // the whole window
  tap->finish();
  eventually([&] { return tap->ended.load(); }, "the client opens no window");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the reset is on its way
  EXPECT_EQ(client.wait(id).reset, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(client.wait(client.ask("/plain")).status, 200);
}

TEST(Pieces, OfHttp2ComeOneByOneBesideOtherAnswers) {
  Streaming streaming;
  Http2Client client(streaming.server.port());
  const auto id = client.ask("/");
  client.talk_once();
  const auto tap = streaming.tap();
  tap->put("one\n");
  client.talk_until([&] { return client.answers[id].body == "one\n"; });
  EXPECT_EQ(client.answers[id].body, "one\n");
  EXPECT_FALSE(client.answers[id].headers.contains("content-length"));
  EXPECT_EQ(client.wait(client.ask("/plain")).status, 200);
  tap->put(std::string(300'000, 'y'));
  tap->finish();
  EXPECT_EQ(client.wait(id).body, "one\n" + std::string(300'000, 'y'));
  EXPECT_EQ(client.answers[id].reset, 0U);
}

TEST(Pieces, EndWholeWhenTheServerStops) {
  Streaming streaming;
  RawClient first(streaming.server.port());
  first.send(plain_get);
  first.read_until("\r\n\r\n");
  Http2Client second(streaming.server.port());
  const auto id = second.ask("/");
  second.talk_until([&] { return second.answers[id].status != 0; });
  const auto stopped = std::async(std::launch::async, [&] { streaming.server.stop(); });
  EXPECT_TRUE(first.read_all().ends_with("0\r\n\r\n"));
  EXPECT_TRUE(second.wait(id).ended);
  EXPECT_EQ(second.answers[id].reset, 0U);
  second.talk_until([&] { return second.closed(); });
  EXPECT_TRUE(second.closed());
}

TEST(Pieces, AFaultEndsThatBodyOnly) {
  Streaming streaming;
  RawClient client(streaming.server.port());
  client.send(plain_get);
  const auto tap = streaming.tap();
  tap->fails = true;
  tap->put("one");
  EXPECT_FALSE(client.read_all().ends_with("0\r\n\r\n")) << "the body must not look whole";
  EXPECT_TRUE(tap->ended);
  Http2Client second(streaming.server.port());
  const auto id = second.ask("/");
  second.talk_once();
  streaming.tap(1)->fails = true;
  streaming.tap(1)->put("one");
  EXPECT_EQ(second.wait(id).reset, static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(second.wait(second.ask("/plain")).status, 200);
  RawClient other(streaming.server.port());
  other.send("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(other.read_all().contains(" 200 "));
}

// Keeps bodies below /keep up to `most`, and answers with what it got: below /keep/later when told to, below
// /keep/large with more than a client takes at once.
class Keeper : public Handler {
 public:
  explicit Keeper(std::size_t most) : most_(most) {}
  std::size_t most_body(const Request& head) const override {
    return head.target.starts_with("/keep") && find_header(head.headers, "host") ? most_ : 0;
  }
  std::optional<Response> answer(const Request& request) override {
    ++asked;
    if (request.target == "/keep/later") return std::nullopt;
    return respond(request);
  }
  asio::awaitable<Response> answer_later(Request request) override {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!go_on) {
      timer.expires_after(std::chrono::milliseconds(5));
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_return respond(request);
  }
  std::atomic<int> asked = 0;
  std::atomic<bool> go_on = false;

 private:
  static Response respond(const Request& request) {
    auto text = fmt::format("{} {}", request.body_cut ? "cut" : "whole", request.body);
    if (request.target == "/keep/large") text.resize(1U << 20U, '.');
    Response response;
    response.body = std::make_shared<std::string>(std::move(text));
    return response;
  }
  std::size_t most_;
};

struct Keeping {
  Keeper keeper;
  Server server;
  std::thread thread;
  explicit Keeping(std::size_t most, ServerOptions options = {})
      : keeper(most), server((options.host = "127.0.0.1", options.port = 0, std::move(options)), keeper) {
    EXPECT_TRUE(server.listen());
    thread = std::thread([this] { server.run(false); });
  }
  ~Keeping() {
    server.stop();
    thread.join();
  }
  std::string post(const std::string& path, const std::string& body, bool chunked = false) {
    RawClient client(server.port());
    const auto framed = chunked ? fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", body.size(), body) : body;
    client.send(fmt::format(
        "POST {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{}\r\n\r\n{}", path,
        chunked ? "Transfer-Encoding: chunked" : fmt::format("Content-Length: {}", body.size()), framed));
    const auto text = client.read_all();
    return text.substr(text.find("\r\n\r\n") + 4);
  }
  std::string post2(const std::string& path, const std::string& body) {
    Http2Client client(server.port());
    return client.wait(client.ask(path, "POST", {}, body)).body;
  }
};

TEST(RequestBody, IsKeptWhereTheHandlerReadsIt) {
  Keeping keeping(10);
  for (const std::string body : {"", "123", "1234567890"}) {
    EXPECT_EQ(keeping.post("/keep", body), "whole " + body);
    EXPECT_EQ(keeping.post2("/keep", body), "whole " + body);
  }
  EXPECT_EQ(keeping.post("/keep", "12345", true), "whole 12345");
  EXPECT_EQ(keeping.post("/else", "123"), "whole ");
  EXPECT_EQ(keeping.post2("/else", "123"), "whole ");
}

TEST(RequestBody, IsNotKeptInPart) {
  Keeping keeping(10);
  EXPECT_EQ(keeping.post("/keep", "12345678901"), "cut ");
  EXPECT_EQ(keeping.post("/keep", std::string(100'000, 'x')), "cut ");
  EXPECT_EQ(keeping.post2("/keep", std::string(100'000, 'x')), "cut ");
}

TEST(RequestBody, IsRefusedWhereTooMuchIsKept) {
  Keeping keeping(100'000, {.max_unread_bytes = 50'000});
  EXPECT_TRUE(keeping.post("/keep", std::string(60'000, 'x')).starts_with("too many large requests"));
  EXPECT_TRUE(keeping.post2("/keep", std::string(60'000, 'x')).starts_with("too many large requests"));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(keeping.post("/keep", std::string(20'000, 'x')).size(), 20'006U)
        << "what was kept is given back";
}

TEST(RequestBody, IsGivenBackWhenAnsweredNotWhenTheAnswerIsTaken) {
  Keeping keeping(1000, {.max_unread_bytes = 20'000});
  Http2Client slow(keeping.server.port());
  for (int i = 0; i < 40; ++i)
    slow.ask("/keep/large", "POST", {}, std::string(900, 'x'));
  slow.ping();
  eventually([&] { return keeping.keeper.asked == 40; }, "none is refused");
}

TEST(RequestBody, OneConnectionHasTwoBodiesKept) {
  Keeping keeping(1000);
  Http2Client greedy(keeping.server.port());
  const auto one = greedy.ask("/keep/later", "POST", {}, std::string(900, 'x'));
  const auto two = greedy.ask("/keep/later", "POST", {}, std::string(900, 'x'));
  EXPECT_EQ(greedy.wait(greedy.ask("/keep", "POST", {}, std::string(900, 'x'))).status, 503);
  EXPECT_EQ(greedy.wait(greedy.ask("/keep", "POST", {}, "small")).body, "whole small");
  EXPECT_EQ(keeping.post2("/keep", std::string(900, 'x')).size(), 906U) << "another connection";
  keeping.keeper.go_on = true;
  EXPECT_EQ(greedy.wait(one).body.size(), 906U);
  EXPECT_EQ(greedy.wait(two).body.size(), 906U);
  EXPECT_EQ(greedy.wait(greedy.ask("/keep", "POST", {}, std::string(900, 'x'))).status, 200);
}

}  // namespace
}  // namespace fluxmetrics::http
