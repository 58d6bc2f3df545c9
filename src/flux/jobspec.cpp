#include "flux/jobspec.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>

#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

class JobspecReader {
 public:
  Jobspec read(const json::value& value) {
    Fields in(value, "jobspec");
    in.require("resources");
    const auto* resources = in.any("resources");
    const auto* attributes = in.any("attributes");
    note(in);
    if (resources != nullptr) read_resources(*resources);
    if (attributes != nullptr) read_attributes(*attributes);
    return std::move(spec_);
  }

 private:
  void note(Error fault) {
    if (!spec_.fault) spec_.fault = std::move(fault);
  }
  void note(const Fields& in) {
    if (!in.ok()) note(in.error().error());
  }

  void read_resources(const json::value& resources) {
    auto shape = read_shape(resources);
    if (!shape) return note(std::move(shape.error()));
    spec_.shape = *std::move(shape);
    spec_.sized = true;
  }

  void read_attributes(const json::value& attributes) {
    Fields sections(attributes, "jobspec: attributes");
    const auto* object = sections.object("system");
    note(sections);
    if (object == nullptr) return;
    spec_.attributed = true;
    const json::value& system = attributes.get_object().at("system");
    Fields in(system, "jobspec: attributes.system");
    spec_.duration = std::max(0.0, in.number("duration").value_or(0));
    spec_.queue = in.text("queue").value_or("");
    const auto* job = in.any("job");
    const auto* constraints = in.any("constraints");
    note(in);
    if (job != nullptr) {
      Fields names(*job, "jobspec: attributes.system.job");
      spec_.name = names.text("name").value_or("");
      note(names);
    }
    if (constraints != nullptr) read_constraints(*constraints);
  }

  void read_constraints(const json::value& constraints) {
    auto read = Constraint::from_json(constraints);
    if (read) {
      spec_.shape.constraint = *std::move(read);
    } else {
      spec_.shape.known = false;
      note(Error{Code::protocol, fmt::format("jobspec: {}", read.error().message)});
    }
  }

  Jobspec spec_;
};

}  // namespace

Jobspec parse_jobspec(const json::value& value) {
  return JobspecReader().read(value);
}

}  // namespace fluxmetrics::flux
