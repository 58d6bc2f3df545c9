// A list that copies share until one of them writes: states that differ elsewhere hold 100,000 jobs once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace fluxmetrics::instance {

// Reads are as cheap as a vector's. Whatever hands out something writable makes the list its own first.
template <class T>
class SharedList {
 public:
  SharedList() = default;
  // Implicit, as a list is what a vector holds.
  SharedList(std::vector<T> items) : items_(std::make_shared<std::vector<T>>(std::move(items))) {}

  [[nodiscard]] std::size_t size() const { return items_ ? items_->size() : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return (*items_)[index]; }
  [[nodiscard]] const T& front() const { return items_->front(); }
  [[nodiscard]] const T& back() const { return items_->back(); }
  [[nodiscard]] const T* begin() const { return items_ ? items_->data() : nullptr; }
  [[nodiscard]] const T* end() const { return begin() + size(); }

  [[nodiscard]] T& operator[](std::size_t index) { return edit()[index]; }
  [[nodiscard]] T& back() { return edit().back(); }
  [[nodiscard]] T* begin() { return edit().data(); }
  [[nodiscard]] T* end() { return begin() + size(); }
  void push_back(T item) { edit().push_back(std::move(item)); }
  T& emplace_back() { return edit().emplace_back(); }
  void clear() { items_.reset(); }

  // The same items. Lists that are shared need no look at them.
  friend bool operator==(const SharedList& a, const SharedList& b) {
    return a.items_ == b.items_ || std::ranges::equal(a, b);
  }

  // The items, to write to; no copy of this list sees it. For a list that no other thread holds a copy of:
  // give it a new vector instead where one may.
  [[nodiscard]] std::vector<T>& edit() {
    if (!items_) {
      items_ = std::make_shared<std::vector<T>>();
    } else if (items_.use_count() > 1) {
      items_ = std::make_shared<std::vector<T>>(*items_);
    }
    return *items_;
  }

 private:
  std::shared_ptr<std::vector<T>> items_;
};

}  // namespace fluxmetrics::instance
