// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the modelled memory consists of: cells, the stores made to them, and views.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "clock.hpp"  // Clock

namespace cohort::model {

/// For each cell the oldest store that may still be read; missing entries are 0.
class View {
 public:
  [[nodiscard]] std::uint32_t of(std::uint32_t cell) const noexcept {
    return cell < oldest_.size() ? oldest_[cell] : 0;
  }
  void raise(std::uint32_t cell, std::uint32_t to) {
    if (cell >= oldest_.size()) oldest_.resize(cell + 1U);
    oldest_[cell] = std::max(oldest_[cell], to);
  }
  void join(const View& other) {
    if (other.oldest_.size() > oldest_.size()) oldest_.resize(other.oldest_.size());
    for (std::size_t i = 0; i < other.oldest_.size(); ++i) {
      oldest_[i] = std::max(oldest_[i], other.oldest_[i]);
    }
  }
  void clear() noexcept { oldest_.clear(); }

 private:
  std::vector<std::uint32_t> oldest_;
};

/// A store: its value, and what whoever acquires it learns.
struct Message {
  std::uint64_t bits = 0;
  Clock clock;
  View view;
};

/// One atomic variable.
struct Cell {
  explicit Cell(std::uint64_t bits);
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  ~Cell();

  Message newest;
  std::vector<Message> older;  // only under weak memory
  Clock touched;               // when each thread last used it
  const char* name = nullptr;
  std::uint64_t epoch = 0;  // the execution that id and history belong to
  std::uint32_t id = 0;
  std::uint32_t made = 0;
  std::uint32_t last_seq_cst = 0;
  ThreadId maker = nobody;
  bool alive = true;
};

inline std::string label(const Cell& cell) {
  return cell.name != nullptr ? std::string(cell.name) : "a" + std::to_string(cell.id);
}

}  // namespace cohort::model
