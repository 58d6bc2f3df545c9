#include "api/metric_answers.hpp"

#include "api/freshness.hpp"
#include "kube/encoding.hpp"

namespace fluxmetrics::api {

MetricAnswer MetricAnswers::answer(KnownRequest& request, metrics::Reader reader) const {
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    auto answer = answer_with(store_.view(), now, request);
    if (!store_.records_handed_out() || !request.wanted || answer.response.status != 200) return answer;
    // Seldom: another value has come meanwhile.
    if (store_.hand_out(*request.wanted, reader, now)) return answer;
  }
}

MetricAnswer MetricAnswers::answer_with(const metrics::View& view, MonoTime now,
                                        KnownRequest& request) const {
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
    request.wanted = list->tells_wanted ? view.snapshot->wanted : std::nullopt;
    request.generation = view.snapshot->generation;
    request.pods_generation = pods;
  }
  answer.response.content_type = media_type(request.negotiated.form.format);
  answer.response.body = request.body;
  answer.value = request.value;
  return answer;
}

}  // namespace fluxmetrics::api
