#include "flux/client.hpp"

#include <cerrno>
#include <map>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "flux/peer.hpp"

namespace fluxmetrics::flux {
namespace {

using SessionPtr = std::shared_ptr<Session>;
using ClientPtr = std::shared_ptr<Client>;
using asio::awaitable;

class ClientRpc : public PeerTest {};
class ClientStream : public PeerTest {};
class ClientEvents : public PeerTest {};
class ClientEnds : public PeerTest {};

// Answers everything with the request's own payload.
awaitable<void> echo(SessionPtr peer) {
  co_await peer->welcome();
  for (;;) {
    const Message request = co_await peer->receive();
    co_await peer->reply(request, request.payload);
  }
}

bool says(const Error& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

TEST_F(ClientRpc, sends_the_request_that_a_broker_expects) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message first = co_await peer->receive();
    auto expected = make_request("attr.get", R"({"name":"size"})", 1);
    expected.aux1 = 0;  // rank 0 answers, whichever broker's socket it is
    EXPECT_EQ(first, expected);
    co_await peer->reply(first, R"({"value":"4","flags":1})");
    const Message second = co_await peer->receive();
    EXPECT_EQ(second.flags, flag::topic);
    EXPECT_EQ(second.nodeid(), 2U);
    EXPECT_EQ(second.rolemask, 2U);
    EXPECT_EQ(second.userid, userid_unset);
    co_await peer->reply(second, "");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    const auto size = co_await client->rpc("attr.get", R"({"name":"size"})");
    EXPECT_EQ(size, R"({"value":"4","flags":1})");
    const RpcOptions as_guest{.nodeid = 2, .rolemask = 2};
    const auto empty = co_await client->rpc("resource.status", "", as_guest);
    EXPECT_EQ(empty, "");
    EXPECT_TRUE(client->connected());
  });
}

TEST_F(ClientRpc, pipelines_and_takes_answers_in_any_order) {
  constexpr int count = 500;
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    std::vector<Message> requests;
    for (int i = 0; i < count; ++i)
      requests.push_back(co_await peer->receive());
    for (auto it = requests.rbegin(); it != requests.rend(); ++it)
      co_await peer->reply(*it, it->payload);
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    int answered = 0;
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i < count; ++i) {
      const auto ask = [client, i, &answered]() -> awaitable<void> {
        const std::string payload = fmt::format(R"({{"i":{},"pad":"{}"}})", i, std::string(4000, 'x'));
        const RpcOptions patient{.deadline = 60s};
        const auto reply = co_await client->rpc("echo", payload, patient);
        EXPECT_EQ(reply, payload);
        ++answered;
      };
      asio::co_spawn(executor, ask, asio::detached);
    }
    while (answered < count)
      co_await pause(1ms);
  });
}

TEST_F(ClientRpc, errors_carry_number_text_and_code) {
  struct Case {
    int errnum;
    std::string text;
    Code code;
    std::string sentence;
  };
  const std::vector<Case> cases{
      {ENOSYS, "Unknown service method 'x.y'", Code::unsupported, "x.y: Unknown service method 'x.y'"},
      {EPERM, "Request requires owner credentials", Code::denied, "x.y: Request requires owner credentials"},
      {ENOENT, "", Code::not_found, "x.y: No such file or directory"},
      {EPROTO, "", Code::protocol, "x.y: Protocol error"},
      {EHOSTUNREACH, "overlay disconnect", Code::unavailable, "x.y: overlay disconnect"},
      {EEXIST, "rank 3 already drained", Code::invalid, "x.y: rank 3 already drained"}};
  serve([&](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    for (const auto& item : cases) {
      const Message request = co_await peer->receive();
      co_await peer->refuse(request, item.errnum, item.text);
    }
  });
  run_connected([&](ClientPtr client) -> awaitable<void> {
    for (const auto& item : cases) {
      const auto reply = co_await client->rpc("x.y");
      EXPECT_FALSE(reply);
      if (reply) continue;
      EXPECT_EQ(reply.error().errnum, item.errnum);
      EXPECT_EQ(reply.error().code, item.code) << item.sentence;
      EXPECT_EQ(reply.error().message, item.sentence);
    }
  });
}

TEST_F(ClientRpc, a_late_answer_never_reaches_another_request) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message slow = co_await peer->receive();
    const Message next = co_await peer->receive();
    EXPECT_NE(slow.matchtag(), next.matchtag());
    co_await peer->reply(slow, "late");
    co_await peer->reply(next, "mine");
    co_await peer->reply(next, "again");  // an answer nobody asked for
    const Message last = co_await peer->receive();
    co_await peer->reply(last, "last");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    const RpcOptions hasty{.deadline = 30ms};
    const auto slow = co_await client->rpc("slow", "{}", hasty);
    EXPECT_FALSE(slow);
    if (!slow) {
      EXPECT_EQ(slow.error().code, Code::timed_out);
      EXPECT_TRUE(says(slow.error(), "slow: the broker at")) << slow.error().message;
    }
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(co_await client->rpc("next"), "mine");
    EXPECT_EQ(co_await client->rpc("last"), "last");
  });
}

TEST_F(ClientRpc, ignores_what_a_broker_need_not_say) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    Message odd = Session::response(request, 0, "{}");
    odd.aux2 = 0;  // an answer to a request without matchtag
    co_await peer->write(encode(odd));
    odd.aux2 = 4711;
    co_await peer->write(encode(odd));
    odd = Message{};
    odd.type = MessageType::control;
    co_await peer->write(encode(odd));
    co_await peer->write(encode(make_request("you.do", "{}", 1)));
    Message unterminated = Session::response(request, 0, R"({"a":1})");
    unterminated.payload_terminated = false;
    co_await peer->write(encode(unterminated));
  });
  run_connected(
      [](ClientPtr client) -> awaitable<void> { EXPECT_EQ(co_await client->rpc("x"), R"({"a":1})"); });
}

TEST_F(ClientRpc, takes_an_answer_that_comes_byte_by_byte) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    const std::string bytes = encode(Session::response(request, 0, "slowly"));
    for (const char byte : bytes) {
      co_await peer->write(std::string(1, byte));
      co_await pause(1ms);
    }
  });
  run_connected([](ClientPtr client) -> awaitable<void> { EXPECT_EQ(co_await client->rpc("x"), "slowly"); });
}

TEST_F(ClientRpc, a_peer_that_stops_reading_costs_bounded_memory) {
  serve([](SessionPtr peer) -> awaitable<void> { co_await peer->welcome(); });
  run_connected([](ClientPtr client) -> awaitable<void> {
    const std::string megabytes(30U << 20U, 'x');
    const RpcOptions hasty{.deadline = 20ms};
    std::vector<Code> codes;
    for (int i = 0; i < 6; ++i) {
      const auto reply = co_await client->rpc("x", megabytes, hasty);
      codes.push_back(reply ? Code::internal : reply.error().code);
    }
    EXPECT_EQ(codes.front(), Code::timed_out);
    EXPECT_EQ(codes.back(), Code::unavailable);
  });
}

TEST_F(ClientStream, gives_replies_in_order_and_then_its_end) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    EXPECT_TRUE(request.has(flag::streaming));
    for (const char* payload : {"1", "2", "3"})
      co_await peer->reply(request, payload);
    co_await peer->refuse(request, ENODATA, "");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    auto stream = co_await client->stream("job-list.job-stats");
    EXPECT_TRUE(stream);
    for (const char* payload : {"1", "2", "3"})
      EXPECT_EQ(co_await (*stream)->next(10s), payload);
    for (int again = 0; again < 2; ++again) {
      const auto end = co_await (*stream)->next();
      EXPECT_FALSE(end);
      if (!end) {
        EXPECT_EQ(end.error().errnum, ENODATA);
      }
    }
  });
}

TEST_F(ClientStream, failure_is_not_the_normal_end) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    co_await peer->refuse(request, EPERM, "Request requires owner credentials");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    auto stream = co_await client->stream("resource.journal");
    EXPECT_TRUE(stream);
    const auto end = co_await (*stream)->next(10s);
    EXPECT_FALSE(end);
    if (end) co_return;
    EXPECT_EQ(end.error().code, Code::denied);
    EXPECT_EQ(end.error().message, "resource.journal: Request requires owner credentials");
  });
}

TEST_F(ClientStream, stays_open_after_a_deadline) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message stream = co_await peer->receive();
    const Message go = co_await peer->receive();
    co_await peer->reply(stream, "first");
    co_await peer->reply(go, "");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    auto stream = co_await client->stream("s");
    const auto nothing = co_await (*stream)->next(10ms);
    EXPECT_FALSE(nothing);
    if (!nothing) {
      EXPECT_EQ(nothing.error().code, Code::timed_out);
    }
    EXPECT_TRUE(co_await client->rpc("go"));
    EXPECT_EQ(co_await (*stream)->next(), "first");
  });
}

TEST_F(ClientStream, destroying_it_cancels_where_the_service_can) {
  const std::map<std::string, std::string> cancels{
      {"job-manager.events-journal", "job-manager.events-journal-cancel"},
      {"resource.journal", "resource.journal-cancel"},
      {"kvs-watch.lookup", "kvs-watch.cancel"},
      {"job-info.eventlog-watch", "job-info.eventlog-watch-cancel"},
      {"job-list.job-stats", ""},
      {"groups.get", ""}};
  serve([&](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    for (const auto& [topic, cancel] : cancels) {
      const Message stream = co_await peer->receive();
      EXPECT_EQ(stream.topic, topic);
      co_await peer->reply(stream, "unread");
      if (!cancel.empty()) {
        const Message request = co_await peer->receive();
        EXPECT_EQ(request.topic, cancel);
        EXPECT_EQ(request.payload, fmt::format(R"({{"matchtag":{}}})", stream.matchtag()));
        EXPECT_EQ(request.flags, flag::topic | flag::payload | flag::noresponse);
        EXPECT_EQ(request.matchtag(), 0U);
      }
      const Message probe = co_await peer->receive();
      EXPECT_EQ(probe.topic, "probe");
      co_await peer->reply(stream, "too late");
      co_await peer->refuse(stream, ENODATA, "");
      co_await peer->reply(probe, "alive");
    }
  });
  run_connected([&](ClientPtr client) -> awaitable<void> {
    for (const auto& [topic, cancel] : cancels) {
      auto stream = co_await client->stream(topic);
      EXPECT_TRUE(stream);
      stream->reset();
      EXPECT_EQ(co_await client->rpc("probe"), "alive");
    }
  });
}

TEST_F(ClientStream, one_that_nobody_reads_ends_the_connection_before_memory_does) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    const std::string bytes = encode(Session::response(request, 0, std::string(60U << 20U, 'x')));
    for (int i = 0; i < 6; ++i)
      co_await peer->write(bytes);
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    auto stream = co_await client->stream("flood");
    while (client->connected())
      co_await pause(10ms);
    const auto reply = co_await client->rpc("x");
    EXPECT_FALSE(reply);
    if (reply) co_return;
    EXPECT_EQ(reply.error().code, Code::unavailable);
    EXPECT_TRUE(says(reply.error(), "wait here unread")) << reply.error().message;
  });
}

TEST_F(ClientStream, a_second_reader_is_told_so) {
  serve(echo);
  run_connected([](ClientPtr client) -> awaitable<void> {
    bool first_ended = false;
    const auto first = [client, &first_ended]() -> awaitable<void> {
      const auto event = co_await client->next_event(50ms);
      EXPECT_FALSE(event);
      if (!event) {
        EXPECT_EQ(event.error().code, Code::timed_out);
      }
      first_ended = true;
    };
    asio::co_spawn(co_await asio::this_coro::executor, first, asio::detached);
    co_await pause(1ms);
    const auto second = co_await client->next_event(10s);
    EXPECT_FALSE(second);
    if (!second) {
      EXPECT_EQ(second.error().code, Code::internal);
    }
    while (!first_ended)
      co_await pause(1ms);
  });
}

TEST_F(ClientEvents, come_after_subscribing) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message request = co_await peer->receive();
    EXPECT_EQ(request.topic, "event.subscribe");
    EXPECT_EQ(request.payload, R"({"topic":"heartbeat.pulse"})");
    Message event;
    event.type = MessageType::event;
    event.flags = flag::topic | flag::route;
    event.routes = {"72ac33cb-c045-48e4-80cc-30b961e4221d"};
    event.topic = "heartbeat.pulse";
    event.aux1 = 659;
    co_await peer->write(encode(event));  // before the answer: order between the two is not promised
    co_await peer->reply(request, "");
    event.aux1 = 660;
    co_await peer->write(encode(event));
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    EXPECT_TRUE(co_await client->subscribe("heartbeat.pulse"));
    for (const std::uint32_t sequence : {659U, 660U}) {
      const auto event = co_await client->next_event(10s);
      EXPECT_TRUE(event);
      if (!event) continue;
      EXPECT_EQ(event->topic, "heartbeat.pulse");
      EXPECT_EQ(event->aux1, sequence);
    }
  });
}

TEST_F(ClientEnds, disconnect_fails_everything_pending) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message stream = co_await peer->receive();
    co_await peer->receive();
    co_await peer->reply(stream, "buffered");
    peer->socket().close();
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    auto stream = co_await client->stream("s");
    bool events_ended = false;
    const auto events = [client, &events_ended]() -> awaitable<void> {
      const auto event = co_await client->next_event();
      EXPECT_FALSE(event);
      if (!event) {
        EXPECT_EQ(event.error().code, Code::unavailable);
      }
      events_ended = true;
    };
    asio::co_spawn(co_await asio::this_coro::executor, events, asio::detached);
    const auto reply = co_await client->rpc("x");
    EXPECT_FALSE(reply);
    if (!reply) {
      EXPECT_EQ(reply.error().code, Code::unavailable);
      EXPECT_TRUE(says(reply.error(), "the broker closed it")) << reply.error().message;
    }
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(co_await (*stream)->next(), "buffered");
    const auto end = co_await (*stream)->next();
    EXPECT_FALSE(end);
    if (!end) {
      EXPECT_EQ(end.error().code, Code::unavailable);
    }
    while (!events_ended)
      co_await pause(1ms);
    const auto after = co_await client->rpc("x");
    EXPECT_FALSE(after);
    const auto another = co_await client->stream("x");
    EXPECT_FALSE(another);
  });
}

TEST_F(ClientEnds, garbage_ends_the_connection) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    co_await peer->receive();
    co_await peer->write("HTTP/1.1 400 Bad Request\r\n");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    const auto reply = co_await client->rpc("x");
    EXPECT_FALSE(reply);
    if (reply) co_return;
    EXPECT_EQ(reply.error().code, Code::unavailable);
    EXPECT_TRUE(says(reply.error(), "bad magic")) << reply.error().message;
  });
}

TEST_F(ClientEnds, closing_twice_keeps_the_first_reason) {
  serve(echo);
  run_connected([](ClientPtr client) -> awaitable<void> {
    client->close("enough");
    client->close("again");
    const auto reply = co_await client->rpc("x");
    EXPECT_FALSE(reply);
    if (!reply) {
      EXPECT_TRUE(says(reply.error(), "enough")) << reply.error().message;
    }
  });
}

TEST_F(ClientEnds, a_client_may_go_while_its_requests_wait) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    for (;;)
      co_await peer->receive();
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    bool ended = false;
    auto rpc = client->rpc("x");
    const auto wait = [&rpc, &ended]() -> awaitable<void> {
      const auto reply = co_await std::move(rpc);
      EXPECT_FALSE(reply);
      if (!reply) {
        EXPECT_EQ(reply.error().code, Code::unavailable);
      }
      ended = true;
    };
    asio::co_spawn(co_await asio::this_coro::executor, wait, asio::detached);
    client->close();
    client.reset();
    while (!ended)
      co_await pause(1ms);
  });
}

// The io_context goes with everything pending: nothing may be touched after it is freed (the sanitizers
// watch).
TEST_F(ClientEnds, the_io_context_may_go_first_while_all_waits) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    for (;;)
      co_await peer->receive();
  });
  int started = 0;
  const auto body = [&]() -> awaitable<void> {
    auto connecting = Client::connect(path(), 20s);
    const auto client = co_await std::move(connecting);
    EXPECT_TRUE(client);
    auto journal = co_await (*client)->stream("job-manager.events-journal");
    const auto events = [&started](ClientPtr held) -> awaitable<void> {
      ++started;
      co_await held->next_event();
    };
    asio::co_spawn(co_await asio::this_coro::executor, events(*client), asio::detached);
    ++started;
    co_await (*client)->rpc("x");
  };
  asio::co_spawn(io_, body, asio::detached);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (started < 2 && std::chrono::steady_clock::now() < end)
    io_.run_one_for(100ms);
  EXPECT_EQ(started, 2);
}

TEST_F(ClientEnds, a_cancelled_coroutine_gives_its_request_up) {
  serve([](SessionPtr peer) -> awaitable<void> {
    co_await peer->welcome();
    const Message given_up = co_await peer->receive();
    const Message request = co_await peer->receive();
    co_await peer->reply(given_up, "late");
    co_await peer->reply(request, "mine");
  });
  run_connected([](ClientPtr client) -> awaitable<void> {
    asio::cancellation_signal signal;
    bool ended = false;
    const auto ask = [client]() -> awaitable<void> {
      const RpcOptions patient{.deadline = 0ms};
      co_await client->rpc("x", "{}", patient);
    };
    asio::co_spawn(
        co_await asio::this_coro::executor, ask,
        asio::bind_cancellation_slot(signal.slot(), [&ended](const std::exception_ptr&) { ended = true; }));
    co_await pause(20ms);
    signal.emit(asio::cancellation_type::terminal);
    while (!ended)
      co_await pause(1ms);
    EXPECT_EQ(co_await client->rpc("y"), "mine");
  });
}

}  // namespace
}  // namespace fluxmetrics::flux
