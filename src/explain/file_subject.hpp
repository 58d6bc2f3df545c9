// An HPA of a file, as far as the file and an API server of one release tell of it.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "explain/subject.hpp"
#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::explain {

struct FileSubject {
  ExplainSubject subject = {};
  std::vector<boost::json::object> others = {};  // what else the file holds
};

// What an API server of that release would say of it is in subject.input.refusal; of an HPA that it refuses
// nothing else is there. "-" is standard input. Errors: a file that cannot be read or holds no HPA, and one
// whose spec is none.
[[nodiscard]] Result<FileSubject> read_file_subject(const std::string& path, hpa::KubernetesVersion version);

}  // namespace fluxmetrics::explain
