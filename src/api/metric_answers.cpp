#include "api/metric_answers.hpp"

#include "api/freshness.hpp"
#include "kube/encoding.hpp"

namespace fluxmetrics::api {

MetricAnswer MetricAnswers::answer(KnownRequest& request) const {
  const auto view = store_.view();
  const auto now = std::chrono::steady_clock::now();
  MetricAnswer answer;
  answer.age = age_of(view, now);

  const Route& route = request.route;
  const bool custom = route.kind == Route::Kind::metric;
  const bool fresh = !data_trouble(view, options_.max_staleness, now);
  const auto pods = custom ? custom_.pods_generation(route) : 0;
  if (!fresh || view.snapshot->generation != request.generation || pods != request.pods_generation) {
    const auto list =
        custom ? custom_.list(route, *request.target, view) : external_.list(route, *request.target, view);
    if (!list) {
      answer.message = list.error().message;
      answer.response = to_response(list.error(), request.negotiated.form);
      return answer;
    }
    request.body = std::make_shared<const std::string>(kube::encode(list->object, request.negotiated.form));
    request.value = list->value;
    request.generation = view.snapshot->generation;
    request.pods_generation = pods;
  }
  answer.response.content_type = media_type(request.negotiated.form.format);
  answer.response.body = request.body;
  answer.value = request.value;
  return answer;
}

}  // namespace fluxmetrics::api
