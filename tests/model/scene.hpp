// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What belongs to one execution of a scenario beside its threads.

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cohort::model {

class Scene {
 public:
  using Body = std::function<void()>;

  void keep(std::shared_ptr<void> object) { objects_.push_back(std::move(object)); }
  void finally(Body check) { check_ = std::move(check); }
  [[nodiscard]] const Body& check() const noexcept { return check_; }

  /// The last made goes first.
  void clear() {
    check_ = nullptr;
    while (!objects_.empty()) objects_.pop_back();
  }

  /// After a failure abandoned fibers stand in the middle of the objects: they are kept for ever.
  void bury() {
    static std::vector<std::shared_ptr<void>> graveyard;
    keep(std::make_shared<Body>(std::exchange(check_, nullptr)));
    graveyard.insert(graveyard.end(), objects_.begin(), objects_.end());
    objects_.clear();
  }

 private:
  std::vector<std::shared_ptr<void>> objects_;
  Body check_;
};

}  // namespace cohort::model
