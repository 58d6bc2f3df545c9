// Keeps a PodStore at the pods of one Job: a list, then a watch, and again; a poll where watching is not
// allowed. Lives on the network's executor, away from every request.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "kube/pods.hpp"
#include "kube/rest_client.hpp"
#include "kube/watch.hpp"

namespace fluxmetrics::kube {

class PodWatcher {
 public:
  // `job` tells the Job's name, "" while nobody knows it; it is called on the network's executor.
  PodWatcher(RestClient& client, PodStore& store, std::string name_space, std::function<std::string()> job)
      : client_(client), store_(store), namespace_(std::move(name_space)), job_(std::move(job)) {}
  // Never returns.
  boost::asio::awaitable<void> run();

 private:
  // The version to watch from.
  boost::asio::awaitable<Result<std::string>> list(std::string job);
  boost::asio::awaitable<Result<void>> watch(std::string job, std::string version);
  [[nodiscard]] RestCall call(const std::string& job, const std::string& query) const;
  [[nodiscard]] Error trouble_of(const http::Fetched& answer) const;
  void apply(const WatchEvent& event);
  void tell(const Error& trouble);

  RestClient& client_;
  PodStore& store_;
  std::string namespace_;
  std::function<std::string()> job_;
  PodsByName pods_;
  std::string told_;  // the last trouble in the log
};

}  // namespace fluxmetrics::kube
