// Reads from a cluster's API server, one document at a time. Each is asked for once: what is wrong at this
// moment is what a diagnosis is after.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include "kube/rest_client.hpp"

namespace fluxmetrics::explain {

// Why there is no document.
struct NoDocument {
  int status = 0;             // of HTTP; 0: nothing answered
  bool from_api = false;      // an API server says it in a Status, and not what stands before one
  std::string sentence = {};  // for people: path, status and message
  std::string client = {};    // as the controller's client says it

  // The user of the kubeconfig may not see it, or nothing answered: of what the controller sees this says
  // nothing.
  [[nodiscard]] bool says_nothing() const { return status == 0 || status == 401 || status == 403; }
};

template <class T>
using Read = std::expected<T, NoDocument>;

// A kind as the cluster serves it.
struct ServedKind {
  std::string version = {};  // VERSION or GROUP/VERSION
  std::string plural = {};
  [[nodiscard]] std::string root() const;       // /api/VERSION or /apis/GROUP/VERSION
  [[nodiscard]] std::string qualified() const;  // PLURAL or PLURAL.GROUP
};

class ClusterReader {
 public:
  explicit ClusterReader(kube::AccessSource access) : client_(io_.get_executor(), std::move(access)) {}

  // `resource` and `name` are what the controller's client would ask for, for its sentence.
  [[nodiscard]] Read<boost::json::value> get(const std::string& path, std::string_view resource = "",
                                             std::string_view name = "");

  // By group and kind, as the controller maps it: the version named counts where the cluster serves it, and
  // is replaced by another one of the group where it does not.
  [[nodiscard]] Read<ServedKind> kind(const std::string& api_version, const std::string& kind);

 private:
  [[nodiscard]] Read<ServedKind> find_kind(const std::string& api_version, const std::string& kind);
  [[nodiscard]] Read<std::string> plural_of(const std::string& version, const std::string& kind);

  boost::asio::io_context io_{1};
  kube::RestClient client_;
  std::map<std::pair<std::string, std::string>, Read<ServedKind>> kinds_;
};

[[nodiscard]] std::string_view group_of(std::string_view api_version);  // "" of the core

}  // namespace fluxmetrics::explain
