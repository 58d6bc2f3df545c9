// The list that a metric GET gets, before it is written in the form that its client asked for.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics::api {

struct MetricList {
  boost::json::value object;  // MetricValueList or ExternalMetricValueList
  std::string value;          // for the log
  bool tells_wanted = false;  // a reader may take it for the size to bring about
};

}  // namespace fluxmetrics::api
