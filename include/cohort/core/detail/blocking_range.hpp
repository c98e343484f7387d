// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A source with `next()`, an operation that yields an optional, as a range for a plain thread.

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "cohort/core/stop.hpp"  // StopToken

namespace cohort::inline v0::detail {

/// `Source` is a reference, or the source itself, which then lives in here: a temporary's range
/// must keep it for the loop.
template <class Source>
class BlockingRange {
 public:
  using value_type = typename std::remove_reference_t<Source>::value_type;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = typename BlockingRange::value_type;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(BlockingRange& range) noexcept : range_(&range) {}
    value_type& operator*() const noexcept { return *range_->current_; }
    value_type* operator->() const noexcept { return &*range_->current_; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return it.at_end();
    }

   private:
    bool at_end() const noexcept { return !range_->current_; }
    BlockingRange* range_ = nullptr;
  };

  BlockingRange(Source&& source, StopToken stop)
      : source_(std::forward<Source>(source)), stop_(std::move(stop)) {}

  /// Blocks for the first element; later for the one after those that were seen.
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void advance() {
    current_.reset();  // the source may not go on as long as it is there
    if (auto next = source_.next().block(stop_)) current_.emplace(*std::move(next));
  }

  Source source_;
  StopToken stop_;
  std::optional<value_type> current_;
};

}  // namespace cohort::inline v0::detail
