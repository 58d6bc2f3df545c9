// The answers that never change: discovery, version and the index, made once at the start.
#pragma once

#include <memory>
#include <string>

#include "api/api.hpp"
#include "kube/json.hpp"
#include "kube/metric_value.hpp"

namespace fluxmetrics::api {

using Body = std::shared_ptr<const std::string>;

// A document in both layouts.
struct Document {
  Body compact;
  Body pretty;
  [[nodiscard]] const Body& in(kube::Layout layout) const {
    return layout == kube::Layout::pretty ? pretty : compact;
  }
};

struct Documents {
  explicit Documents(const ApiOptions& options);
  Document group_list;
  Document group;
  Document resources_v1beta1;
  Document resources_v1beta2;
  Body version;  // these two are always pretty
  Body index;
  [[nodiscard]] const Document& resources(kube::MetricsVersion of) const {
    return of == kube::MetricsVersion::v1beta1 ? resources_v1beta1 : resources_v1beta2;
  }
};

}  // namespace fluxmetrics::api
