#include "api/page_answer.hpp"

#include <algorithm>

namespace fluxmetrics::api {
namespace {

// An ETag that a client sends back means that it has the document already: 304 without a body then.
http::Response with_etag(const http::Request& request, const std::string& etag, http::Response response) {
  response.headers.emplace_back("ETag", etag);
  const auto known = http::find_header(request.headers, "If-None-Match");
  if (known && *known == etag) {
    response.status = 304;
    response.body = nullptr;
  }
  return response;
}

http::Response answer_aggregated(const Page& page, const http::Request& request,
                                 const Negotiated& negotiated) {
  const auto found = std::ranges::find(page.aggregated, negotiated.aggregated, &AggregatedDiscovery::version);
  http::Response response;
  response.content_type = found->content_types.at(static_cast<std::size_t>(negotiated.form.format));
  response.body = found->document.in(negotiated.form);
  response.headers = {{"Cache-Control", "public"}, {"Vary", "Accept"}};
  return with_etag(request, found->etag, std::move(response));
}

// The hash in a document's URL makes it one that never changes; an old hash leads to the newest document.
http::Response answer_openapi_v3(const Page& page, const http::Request& request, const http::Target& target,
                                 http::Response response) {
  response.headers.emplace_back("Vary", "Accept");
  const auto hash = target.query_value("hash").value_or(std::string_view());
  if (!page.url.empty() && !hash.empty()) {
    if (page.url.substr(page.url.find('=') + 1) != hash) {
      response.status = 301;
      response.content_type = "text/plain; charset=utf-8";
      response.body = nullptr;
      response.headers.emplace_back("Location", page.url);
      return response;
    }
    response.headers.emplace_back("Cache-Control", "public, immutable");
  }
  return with_etag(request, page.etag, std::move(response));
}

http::Response answer_openapi(const Page& page, const http::Request& request, const http::Target& target,
                              const Negotiated& negotiated) {
  http::Response response;
  if (negotiated.refusal) {  // the Go servers' handler of these paths has no words for it
    response.status = 406;
    response.content_type = "";
    return response;
  }
  response.body = page.document.in({});
  if (page.kind == Page::Kind::openapi_v3)
    return answer_openapi_v3(page, request, target, std::move(response));
  response.headers = {{"Vary", "Accept-Encoding"}, {"Vary", "Accept"}};
  return with_etag(request, page.etag, std::move(response));
}

}  // namespace

kube::Status method_not_allowed() {
  return {.code = 405,
          .reason = "MethodNotAllowed",
          .message = "the server does not allow this method on the requested resource",
          .empty_details = true};
}

http::Response answer_page(const Page& page, const http::Request& request, const http::Target& target,
                           const Negotiated& negotiated) {
  if (request.method != "GET") return to_response(method_not_allowed(), negotiated.form);
  if (page.kind == Page::Kind::openapi_v2 || page.kind == Page::Kind::openapi_v3) {
    return answer_openapi(page, request, target, negotiated);
  }
  if (negotiated.refusal) return to_response(*negotiated.refusal, negotiated.form);
  if (!negotiated.aggregated.empty()) return answer_aggregated(page, request, negotiated);
  http::Response response;
  response.content_type = media_type(negotiated.form.format);
  auto form = negotiated.form;
  if (page.kind == Page::Kind::version) form.layout = kube::Layout::pretty;
  response.body = page.document.in(form);
  return response;
}

}  // namespace fluxmetrics::api
