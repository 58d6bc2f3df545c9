#include "api/cluster_documents.hpp"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "http/server.hpp"

namespace fluxmetrics::api {
namespace {

namespace asio = boost::asio;

http::Request local(const std::string& target, const std::string& method = "GET") {
  return {
      .method = method, .target = target, .headers = {}, .peer = {.address = "127.0.0.1", .same_host = true}};
}

// An API server by plain HTTP whose documents have one ETag.
class DocumentServer : public http::Handler {
 public:
  DocumentServer() : server_({.host = "127.0.0.1", .port = 0}, *this) {
    EXPECT_TRUE(server_.listen());
    thread_ = std::thread([this] { server_.run(false); });
  }
  ~DocumentServer() override {
    server_.stop();
    thread_.join();
  }
  std::optional<http::Response> answer(const http::Request& request) override {
    ++asked;
    http::Response response;
    const std::string etag = changed ? "\"two\"" : "\"one\"";
    response.headers.emplace_back("ETag", etag);
    if (http::find_header(request.headers, "If-None-Match") == etag) {
      ++unchanged;
      response.status = 304;
    } else {
      response.body = std::make_shared<const std::string>("document " + etag);
    }
    return response;
  }
  asio::awaitable<http::Response> answer_later(http::Request /*request*/) override {
    co_return http::Response();
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

  std::atomic<int> asked = 0;
  std::atomic<int> unchanged = 0;
  std::atomic<bool> changed = false;

 private:
  http::Server server_;
  std::thread thread_;
};

struct DocumentsBench {
  DocumentServer cluster;
  asio::io_context io;
  std::string path = write_kubeconfig(cluster.url());
  kube::RestClient client{io.get_executor(), kube::AccessSource::kubeconfig(path)};
  ClusterDocuments documents;

  explicit DocumentsBench(ClusterDocumentsOptions options) : documents(client, options) {}
  ~DocumentsBench() { std::remove(path.c_str()); }

  static std::string write_kubeconfig(const std::string& url) {
    std::string name = (std::filesystem::temp_directory_path() / "documents_test.XXXXXX").string();
    ::close(::mkstemp(name.data()));
    std::ofstream(name) << "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                        << "clusters: [{name: c, cluster: {server: '" << url << "'}}]\n";
    return name;
  }
  std::string body(const std::string& target) {
    if (auto kept = documents.find(local(target))) return *kept->body;
    http::Response fetched;
    asio::co_spawn(
        io, documents.fetch(local(target)),
        [&](const std::exception_ptr&, http::Response response) { fetched = std::move(response); });
    io.restart();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!fetched.body && std::chrono::steady_clock::now() < end)
      io.run_one_for(std::chrono::milliseconds(100));
    return fetched.body ? *fetched.body : "nothing";
  }
};

TEST(ClusterDocuments, AreKeptForAWhile) {
  DocumentsBench bench({.fresh_for = Seconds(600)});
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(bench.body("/apis"), "document \"one\"");
  EXPECT_EQ(bench.cluster.asked, 1);
  EXPECT_EQ(bench.body("/openapi/v2"), "document \"one\"");
  EXPECT_EQ(bench.cluster.asked, 2) << "each for itself";
}

TEST(ClusterDocuments, AreAskedForAgainByTheirEtags) {
  DocumentsBench bench({.fresh_for = Seconds(0)});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(bench.body("/apis"), "document \"one\"");
  EXPECT_EQ(bench.cluster.asked, 3);
  EXPECT_EQ(bench.cluster.unchanged, 2);
  bench.cluster.changed = true;
  EXPECT_EQ(bench.body("/apis"), "document \"two\"");
}

TEST(ClusterDocuments, AreNotKeptWhenNobodyWantsIt) {
  DocumentsBench bench({.keep = false});
  EXPECT_EQ(bench.body("/apis"), "document \"one\"");
  EXPECT_EQ(bench.body("/apis"), "document \"one\"");
  EXPECT_EQ(bench.cluster.asked, 2);
  EXPECT_EQ(bench.cluster.unchanged, 0);
}

TEST(ClusterDocuments, DoNotGrowWithoutBounds) {
  DocumentsBench bench({.fresh_for = Seconds(600)});
  for (int i = 0; i < 600; ++i)
    ASSERT_EQ(bench.body(fmt::format("/openapi/v3/{}", i)), "document \"one\"");
  EXPECT_FALSE(bench.documents.find(local("/openapi/v3/0")));
  EXPECT_TRUE(bench.documents.find(local("/openapi/v3/599")));
}

TEST(ClusterDocuments, AreForThisHostByPlainHttpOnly) {
  const auto concerns = [](const http::Request& request) {
    return ClusterDocuments::concerns(request, http::parse_target(request.target).value());
  };
  for (const auto* path :
       {"/apis", "/apis/", "/apis?x=y", "/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1?hash=A"})
    EXPECT_TRUE(concerns(local(path))) << path;
  for (const auto* path :
       {"/", "/api", "/apis/apps", "/apisx", "/openapi", "/openapi/v1", "/openapi/v2/x", "//apis",
        "/openapi//v2", "/openapi/v3/../x", "/openapi/v3/%2e%2e/x", "/openapi/v3/a%2fb"})
    EXPECT_FALSE(concerns(local(path))) << path;
  EXPECT_FALSE(concerns(local("/apis", "POST")));
  auto tls = local("/apis");
  tls.peer.tls = true;
  EXPECT_FALSE(concerns(tls)) << "the aggregator may live on this host";
  auto foreign = local("/apis");
  foreign.peer.same_host = false;
  EXPECT_FALSE(concerns(foreign));
}

}  // namespace
}  // namespace fluxmetrics::api
