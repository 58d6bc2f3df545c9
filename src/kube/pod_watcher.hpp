// Keeps a PodStore at the pods of one Job. Lives on the network's executor, away from every request.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "kube/informer.hpp"
#include "kube/pods.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

class PodWatcher : private InformerHandler {
 public:
  // `job` tells the Job's name, "" while nobody knows it; it is called on the network's executor.
  PodWatcher(RestClient& client, PodStore& store, std::string name_space, std::function<std::string()> job)
      : store_(store),
        namespace_(std::move(name_space)),
        job_(std::move(job)),
        informer_(client, *this, InformerTimings{}) {}
  // Never returns.
  boost::asio::awaitable<void> run();

 private:
  void changed(const boost::json::object& object) override;
  void deleted(const ObjectKey& key) override;
  void synced() override;
  void failed(const Error& trouble) override;
  [[nodiscard]] Error refusal(const http::Fetched& answer) const override;
  void publish();

  PodStore& store_;
  std::string namespace_;
  std::function<std::string()> job_;
  Informer informer_;
  PodsByName pods_;
  std::string followed_;  // the Job's name
  std::string told_;      // the last trouble in the log
};

}  // namespace fluxmetrics::kube
