#include "api/prometheus_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "api/freshness.hpp"
#include "http/preferences.hpp"
#include "metrics/prometheus.hpp"

namespace fluxmetrics::api {
namespace {

using metrics::ExpositionFormat;
using metrics::ExpositionWriter;

// The names that ?name[]= asks for; empty = all.
std::vector<std::string_view> wanted_names(const http::Target& target) {
  std::vector<std::string_view> names;
  for (const auto& [key, value] : target.query)
    if (key == "name[]") names.push_back(value);
  return names;
}

void append_chosen(std::string& out, std::string_view text, const std::vector<ExpositionWriter::Part>& parts,
                   const std::vector<std::string_view>& names) {
  for (const auto& part : parts) {
    const bool chosen = std::ranges::any_of(
        names, [&](std::string_view name) { return metrics::is_name_of(name, *part.family); });
    if (chosen) out += text.substr(part.begin, part.end - part.begin);
  }
}

bool offers_openmetrics(const http::Preference& preference) {
  const auto version = preference.parameter("version");
  return preference.value == "application/openmetrics-text" && (version.empty() || version == "1.0.0");
}

}  // namespace

ExpositionFormat exposition_format(const http::Headers& headers) {
  const auto accept = http::find_header(headers, "Accept");
  if (!accept) return ExpositionFormat::text;
  double openmetrics = 0;
  double text = 0;
  double anything = 0;
  for (const auto& preference : http::parse_preferences(*accept)) {
    if (offers_openmetrics(preference)) {
      openmetrics = std::max(openmetrics, preference.quality);
    } else if (preference.value == "text/plain") {
      text = std::max(text, preference.quality);
    } else if (preference.value == "text/*" || preference.value == "*/*") {
      anything = std::max(anything, preference.quality);
    }
  }
  // A client that only takes what comes gets the older format; so does one that takes neither.
  return openmetrics > 0 && openmetrics >= std::max(text, anything) ? ExpositionFormat::openmetrics
                                                                    : ExpositionFormat::text;
}

bool accepts_gzip(const http::Headers& headers) {
  const auto accept = http::find_header(headers, "Accept-Encoding");
  return accept && http::quality_of(http::parse_preferences(*accept), "gzip") > 0;
}

PrometheusEndpoint::Encoded& PrometheusEndpoint::encoded(ExpositionFormat format, const metrics::View& view,
                                                         bool fresh) {
  auto& kept = encoded_[format == ExpositionFormat::text ? 0 : 1];
  const std::uint64_t generation = fresh ? view.snapshot->generation : 0;
  if (kept.generation == generation) return kept;
  kept = {};
  kept.generation = generation;
  if (!fresh) return kept;  // a value that is too old is no value
  ExpositionWriter writer(format);
  metrics::expose_instance(*view.snapshot, writer);
  kept.text = writer.text();
  kept.parts = writer.parts();
  return kept;
}

// An adapter hands the wanted size on to an autoscaler.
bool PrometheusEndpoint::hands_out(const metrics::View& view, bool fresh,
                                   const std::vector<std::string_view>& names, metrics::Reader reader,
                                   MonoTime now) {
  if (!fresh || !view.snapshot->wanted) return true;
  const bool told = names.empty() || std::ranges::find(names, metrics::exposed_wanted_name) != names.end();
  return !told || store_.hand_out(*view.snapshot->wanted, reader, now);
}

http::Response PrometheusEndpoint::answer(const http::Request& request, const http::Target& target,
                                          metrics::Reader reader) {
  const auto names = wanted_names(target);
  const Now now = Now::read();
  auto view = store_.view();
  while (store_.records_handed_out() &&
         !hands_out(view, !data_trouble(view, options_.max_staleness, now.mono), names, reader, now.mono))
    view = store_.view();
  const auto format = exposition_format(request.headers);
  const bool fresh = !data_trouble(view, options_.max_staleness, now.mono);
  auto& instance = encoded(format, view, fresh);
  ExpositionWriter own(format);
  own_.expose(view, fresh, store_.rpc_times(), now, own);

  http::Response response;
  response.content_type = metrics::content_type(format);
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  const bool compress = accepts_gzip(request.headers);
  if (compress) response.headers.emplace_back("Content-Encoding", "gzip");
  std::string body;
  if (!names.empty()) {
    append_chosen(body, instance.text, instance.parts, names);
    append_chosen(body, own.text(), own.parts(), names);
    if (format == ExpositionFormat::openmetrics) body += metrics::openmetrics_end;
    if (compress) {
      const auto part = deflate_part(body);
      body = join_gzip({&part});
    }
  } else {
    own.end();
    if (compress) {
      if (!instance.deflated) instance.deflated = deflate_part(instance.text);
      const auto rest = deflate_part(own.text());
      body = join_gzip({&*instance.deflated, &rest});
    } else {
      body.reserve(instance.text.size() + own.text().size());
      body.append(instance.text).append(own.text());
    }
  }
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

}  // namespace fluxmetrics::api
