// What is asked for, who may, and what is remembered of it.
#include "access/control.hpp"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http/server.hpp"

namespace fluxmetrics::access {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr const char* root = "/apis/custom.metrics.k8s.io/v1beta2";

http::Request asking(const std::string& target, const std::string& method = "GET") {
  return {.method = method, .target = target, .headers = {}, .peer = {.address = "192.0.2.1", .tls = true}};
}

AccessAttributes attributes(const std::string& target, const std::string& method = "GET") {
  return attributes_of(asking(target, method), http::parse_target(target).value(), {"mine", "v1"});
}

std::string spec(const std::string& target, const std::string& method = "GET") {
  return json::serialize(review_spec(attributes(target, method), {.name = "bob"}));
}

TEST(AccessAttributes, AreThoseOfTheGoServers) {
  const std::string path(root);
  const std::string group = R"("group":"custom.metrics.k8s.io","version":"v1beta2",)";
  EXPECT_EQ(spec(path + "/namespaces/default/pods/web-0/qps"),
            R"({"resourceAttributes":{"namespace":"default","verb":"get",)" + group +
                R"("resource":"pods","subresource":"qps","name":"web-0"},"user":"bob"})");
  EXPECT_EQ(
      spec(path + "/"),
      R"({"nonResourceAttributes":{"path":"/apis/custom.metrics.k8s.io/v1beta2/","verb":"get"},"user":"bob"})");
  EXPECT_EQ(spec("/metrics", "HEAD"),
            R"({"nonResourceAttributes":{"path":"/metrics","verb":"head"},"user":"bob"})");
  EXPECT_EQ(spec("/mine/v1/nodes/n1/load"),
            R"({"resourceAttributes":{"verb":"get",)" + group +
                R"("resource":"nodes","subresource":"load","name":"n1"},"user":"bob"})");
  EXPECT_EQ(attributes("/mine/v1").resource_request, false);
  EXPECT_EQ(attributes(path + "/namespaces/ns/metrics/m").resource, "metrics");
  EXPECT_EQ(attributes(path + "/namespaces/ns").resource, "namespaces");
  EXPECT_EQ(attributes(path + "/namespaces/ns/status").subresource, "status");
  EXPECT_EQ(attributes(path + "/namespaces/ns/load").verb, "list");
  EXPECT_EQ(attributes(path + "/namespaces/ns/load?watch=1").verb, "watch");
  EXPECT_EQ(attributes(path + "/namespaces/ns/load?fieldSelector=metadata.name%3Dx").name, "x");
  EXPECT_EQ(attributes(path + "/namespaces/ns/load?fieldSelector=metadata.name%3D..").name, "");
  EXPECT_EQ(attributes(path + "/namespaces/ns/load", "DELETE").verb, "deletecollection");
  EXPECT_EQ(attributes(path + "/nodes/n/load", "PUT").verb, "update");
  for (const auto* hidden : {"/nodes/n%2fm", "/nodes%2Fn/m", "%2fnodes%2fn%2fm"}) {
    const auto seen = attributes(path + hidden);
    EXPECT_EQ(seen.name, "n") << "as the router sees it";
    EXPECT_EQ(seen.subresource, "m");
    EXPECT_EQ(seen.path, path + "/nodes/n/m");
  }
  EXPECT_EQ(attributes(path + "/nodes/n/load?labelSelector=a%3Db").label_requirements.size(), 0U)
      << "of a get";
  EXPECT_EQ(json::serialize(
                attributes(path + "/namespaces/ns/load?labelSelector=a!%3Db,c,!d,e%3E1").label_requirements),
            R"([{"key":"a","operator":"NotIn","values":["b"]},{"key":"c","operator":"Exists"},)"
            R"({"key":"d","operator":"DoesNotExist"}])");
  EXPECT_EQ(json::serialize(attributes(path + "/namespaces/ns/load?fieldSelector=a!%3Db").field_requirements),
            R"([{"key":"a","operator":"NotIn","values":["b"]}])");
}

TEST(AccessAttributes, MakeTheRefusalOfTheGoServers) {
  const auto refusal =
      forbidden(attributes(std::string(root) + "/nodes/n1/load"), {.name = "<b>&"}, "RBAC: because");
  EXPECT_EQ(refusal.message,
            "nodes.custom.metrics.k8s.io \"n1\" is forbidden: User \"&lt;b&gt;&amp;\" cannot get resource "
            "\"nodes/load\" in "
            "API group \"custom.metrics.k8s.io\" at the cluster scope: RBAC: because");
  EXPECT_EQ(
      kube::encode(to_object(forbidden(attributes("/apis"), {.name = "bob"}, "")), {}),
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"forbidden: User \"bob\" )"
      R"(cannot get path \"/apis\"","reason":"Forbidden","details":{},"code":403})"
      "\n");
}

TEST(AccessReview, IsClosedUnlessAllowed) {
  const auto read = [](int status, const char* body) {
    return read_access_review({.status = status, .headers = {}, .body = body});
  };
  EXPECT_TRUE(read(201, R"({"status":{"allowed":true}})")->allowed);
  EXPECT_FALSE(read(201, R"({"status":{"allowed":true,"denied":true}})")->allowed);
  EXPECT_FALSE(read(201, R"({"status":{}})")->allowed);
  EXPECT_EQ(read(201, R"({"status":{"allowed":false,"reason":"why"}})")->reason, "why");
  EXPECT_FALSE(read(201, "{}"));
  EXPECT_FALSE(read(500, R"({"status":{"allowed":true}})"));
  EXPECT_TRUE(read(403, "{}").error().message.contains("system:auth-delegator"));
}

// An API server by plain HTTP that counts reviews, and lets everybody in but eve.
class ReviewServer : public http::Handler {
 public:
  ReviewServer() : server_({.host = "127.0.0.1", .port = 0}, *this) {
    EXPECT_TRUE(server_.listen());
    thread_ = std::thread([this] { server_.run(false); });
  }
  ~ReviewServer() override {
    server_.stop();
    thread_.join();
  }
  std::optional<http::Response> answer(const http::Request& request) override {
    ++(request.target.contains("tokenreviews") ? tokens : accesses);
    http::Response response;
    response.status = failing ? 500 : 201;
    response.body = std::make_shared<const std::string>(
        R"({"status":{"allowed":true,"authenticated":true,"user":{"username":"sa"}}})");
    return response;
  }
  asio::awaitable<http::Response> answer_later(http::Request /*request*/) override {
    co_return http::Response();
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

  std::atomic<int> tokens = 0;
  std::atomic<int> accesses = 0;
  std::atomic<bool> failing = false;

 private:
  http::Server server_;
  std::thread thread_;
};

struct Bench {
  ReviewServer cluster;
  asio::io_context io;
  std::string path = write_kubeconfig(cluster.url());
  AuthenticationState state;
  kube::RestClient client{io.get_executor(), kube::AccessSource::kubeconfig(path)};
  AccessControl control{{.mode = AccessOptions::Mode::delegated},
                        {.state = &state, .tokens = &client, .access = &client}};

  Bench() { state.publish({}); }
  ~Bench() { std::remove(path.c_str()); }

  static std::string write_kubeconfig(const std::string& url) {
    std::string name = (std::filesystem::temp_directory_path() / "access_test.XXXXXX").string();
    ::close(::mkstemp(name.data()));
    std::ofstream(name) << "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                        << "clusters: [{name: c, cluster: {server: '" << url << "'}}]\n";
    return name;
  }
  // Decides for all at once, as the serving thread does.
  std::vector<AccessControl::Decided> decide(const std::vector<http::Request>& requests) {
    std::vector<AccessControl::Decided> decided(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      decided[i] = control.decide(requests[i]);
      if (decided[i]) continue;
      asio::co_spawn(io, control.decide_later(requests[i], http::parse_target(requests[i].target)),
                     [&decided, i](const std::exception_ptr&, AccessControl::Decided made) {
                       decided[i] = std::move(made);
                     });
    }
    io.restart();
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (std::ranges::find(decided, nullptr) != decided.end() && std::chrono::steady_clock::now() < end) {
      io.run_one_for(100ms);
    }
    EXPECT_EQ(std::ranges::find(decided, nullptr), decided.end());
    return decided;
  }
  AccessControl::Decided decide(const http::Request& request) { return decide(std::vector{request}).front(); }
};

http::Request with_token(const std::string& token) {
  auto request = asking(std::string(root) + "/nodes/n/load");
  request.headers.emplace_back("authorization", "Bearer " + token);
  return request;
}

TEST(AccessControl, AsksOnceForEqualRequestsAndThenRemembers) {
  Bench bench;
  const auto decided = bench.decide(std::vector(20, with_token("t")));
  for (const auto& one : decided)
    EXPECT_TRUE(one->allowed());
  EXPECT_EQ(decided.front()->user, "sa");
  EXPECT_EQ(bench.cluster.tokens, 1);
  EXPECT_EQ(bench.cluster.accesses, 1);
  EXPECT_NE(bench.control.decide(with_token("t")), nullptr);
  EXPECT_EQ(bench.control.decide(with_token("other")), nullptr);
  EXPECT_EQ(bench.control.decide(asking(std::string(root) + "/nodes/n/load")), nullptr);
  bench.state.publish({});
  EXPECT_EQ(bench.control.decide(with_token("t")), nullptr) << "made under another configuration";
}

TEST(AccessControl, IsClosedWhenNobodyCanSay) {
  Bench bench;
  bench.cluster.failing = true;
  const auto decided =
      bench.decide({with_token("t"), asking(std::string(root) + "/nodes/n/load"), asking("/livez")});
  ASSERT_TRUE(decided[0]->refusal);
  EXPECT_EQ(decided[0]->refusal->code, 401);
  EXPECT_FALSE(decided[1]->allowed());
  EXPECT_FALSE(decided[1]->failure.empty());
  EXPECT_TRUE(decided[2]->allowed());
  bench.cluster.failing = false;
  EXPECT_TRUE(bench.decide(with_token("t"))->allowed()) << "failures are not remembered";
}

TEST(AccessControl, KnowsItsModes) {
  AccessControl open({.mode = AccessOptions::Mode::open}, {});
  AccessControl closed({.mode = AccessOptions::Mode::closed}, {});
  auto remote = asking(root);
  EXPECT_TRUE(open.decide(remote)->allowed());
  EXPECT_EQ(closed.decide(remote)->refusal->code, 401);
  EXPECT_TRUE(closed.decide(asking("/livez?verbose"))->allowed());
  EXPECT_FALSE(closed.decide(asking("/livez/ping"))->allowed());
  auto local = remote;
  local.peer = {.address = "127.0.0.1", .tls = false, .same_host = true};
  EXPECT_TRUE(closed.decide(local)->allowed());
  local.peer.tls = true;
  EXPECT_FALSE(closed.decide(local)->allowed());
  local.peer = {.address = "192.0.2.1", .tls = false, .same_host = false};
  EXPECT_FALSE(closed.decide(local)->allowed());
  EXPECT_EQ(open.trouble(), std::nullopt);
}

TEST(AccessControl, ImpersonatesNobody) {
  Bench bench;
  auto request = with_token("t");
  request.headers.emplace_back("Impersonate-User", "root");
  const auto decided = bench.decide(request);
  ASSERT_TRUE(decided->refusal);
  EXPECT_EQ(decided->refusal->code, 403);
  EXPECT_TRUE(
      decided->refusal->message.starts_with("users \"root\" is forbidden: User \"sa\" cannot impersonate"));
}

TEST(AccessControl, RememberedDecisionsCostLittle) {
  Bench bench;
  const auto request = with_token(std::string(900, 't'));
  bench.decide(request);
  constexpr int rounds = 20000;
  const auto began = std::chrono::steady_clock::now();
  int allowed = 0;
  for (int i = 0; i < rounds; ++i)
    allowed += bench.control.decide(request)->allowed() ? 1 : 0;
  const Seconds took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(allowed, rounds);
  RecordProperty("nanoseconds_a_decision", static_cast<int>(took.count() / rounds * 1e9));
  fmt::print("{:.0f} ns a remembered decision\n", took.count() / rounds * 1e9);
  EXPECT_LT(took.count() / rounds, 1e-3) << "it does not ask anybody";
}

}  // namespace
}  // namespace fluxmetrics::access
