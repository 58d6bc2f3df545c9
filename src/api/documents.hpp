// The answers that never change: discovery, OpenAPI, version and the index, made once at the start.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "api/negotiation.hpp"
#include "api/options.hpp"

namespace fluxmetrics::api {

using Body = std::shared_ptr<const std::string>;

// An object in every form it can be asked for; each is written when it is first asked for. Not thread-safe.
class Document {
 public:
  explicit Document(boost::json::value object) : object_(std::move(object)) {}
  [[nodiscard]] const Body& in(kube::Form form) const;

 private:
  boost::json::value object_;
  mutable std::map<kube::Form, Body> bodies_;
};

// All of discovery at once, in one of its versions.
struct AggregatedDiscovery {
  std::string version;
  Document document;
  std::string etag;                          // in quotes
  std::array<std::string, 3> content_types;  // of the forms: JSON, YAML, protobuf
};

// What a path answers.
struct Page {
  enum class Kind { object, version, openapi_v2, openapi_v3 };
  Kind kind = Kind::object;
  Offer offer = Offer::discovery;
  Document document;
  std::vector<AggregatedDiscovery> aggregated = {};
  std::string etag = {};  // in quotes; "" = none
  std::string url = {};   // of an OpenAPI 3 document with its hash
};

class Documents {
 public:
  explicit Documents(const ApiOptions& options);
  // nullptr for a path that no document is found at.
  [[nodiscard]] const Page* find(const http::Target& target) const;
  [[nodiscard]] const Body& index() const { return index_; }

 private:
  using Path = std::vector<std::string>;
  void add(const std::string& path, std::shared_ptr<const Page> page);
  void add_pages(const ApiOptions& options);
  void add_discovery(const ApiOptions& options);
  void add_openapi();
  void add_below_extra_root(const ApiOptions& options);

  std::map<Path, std::shared_ptr<const Page>> pages_;
  Body index_;
};

}  // namespace fluxmetrics::api
