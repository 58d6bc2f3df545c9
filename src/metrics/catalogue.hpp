// Every metric there is: descriptions, and the pure functions that make values of a state.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/exposition.hpp"
#include "metrics/facts.hpp"
#include "metrics/family.hpp"
#include "metrics/inputs.hpp"
#include "metrics/user_metric.hpp"

namespace fluxmetrics::metrics {

struct Facts;
using Families = std::shared_ptr<const std::vector<Family>>;

// The built-in metrics and those of the user's files, sorted by name. It never changes after it was made.
class Catalogue {
 public:
  Catalogue();  // the built-in ones alone
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  ~Catalogue() = default;
  // Errors: Code::invalid naming the source of a metric whose name is none, or is taken.
  [[nodiscard]] static Result<std::shared_ptr<const Catalogue>> with(std::vector<UserMetric> user);

  [[nodiscard]] std::span<const Description> descriptions() const { return descriptions_; }
  [[nodiscard]] auto begin() const { return descriptions_.begin(); }
  [[nodiscard]] auto end() const { return descriptions_.end(); }
  [[nodiscard]] std::size_t size() const { return descriptions_.size(); }
  [[nodiscard]] const Description& operator[](std::size_t index) const { return descriptions_[index]; }
  [[nodiscard]] const Description* find(std::string_view name) const;
  // The user's metrics as Prometheus knows them, in the order that they were given.
  [[nodiscard]] std::span<const Exposed> user_families() const { return user_families_; }

  // One family for each description, in the same order. `facts`: of the state.
  [[nodiscard]] std::vector<Family> evaluate(const Inputs& inputs, const StateFacts& facts) const;
  [[nodiscard]] std::vector<Family> evaluate(const Inputs& inputs) const;
  // `families`, an evaluation of the same state and facts, at another moment: the same pointer when nothing
  // moved.
  [[nodiscard]] Families at_time(const Families& families, const Inputs& inputs,
                                 const StateFacts& facts) const;

 private:
  using Values = Result<std::vector<Item>> (*)(const Facts& facts);
  explicit Catalogue(std::vector<UserMetric> user);
  [[nodiscard]] Family evaluate_one(std::size_t index, const Facts& facts) const;
  void add_user_family(const UserMetric& metric);

  // In the same order: descriptions are handed out as a range.
  std::vector<Description> descriptions_;
  std::vector<Values> values_;  // null for a user's
  std::vector<bool> moves_;
  std::vector<std::size_t> user_index_;  // of a user's: its place in what was given

  std::vector<UserMetric> user_;                // holds the texts of descriptions
  std::vector<std::string> user_family_names_;  // and these those of families
  std::vector<Exposed> user_families_;
};

// The catalogue of everybody who adds nothing.
[[nodiscard]] const std::shared_ptr<const Catalogue>& built_in();

}  // namespace fluxmetrics::metrics
