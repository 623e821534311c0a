#pragma once
// Finds the items that make work fail, so that one bad item does not hold up the others. Used by
// the consumer loop's batches and by payment's results.
#include <exception>
#include <span>
#include <string>

#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

template <class T, class Work, class Guilty>
void bisect_failed(std::span<T> items, const std::string& what, Work& work, Guilty& guilty);

// Runs `work` on all of `items`. If it fails because of the items, runs it on halves and so on,
// down to the guilty items, which go to `guilty(item, what)`. The order is kept. Throws if
// something is unavailable; then it may be repeated if handling an item twice is harmless.
template <class T, class Work, class Guilty>
void bisect(std::span<T> items, Work& work, Guilty& guilty) {
    std::string what;
    try {
        return work(items);
    } catch (const std::exception& error) {
        if (outbox::is_unavailable(error) || items.empty()) throw;
        what = error.what();
    }
    bisect_failed(items, what, work, guilty);
}

// The same for items (at least one) that have just failed together with `what`.
template <class T, class Work, class Guilty>
void bisect_failed(std::span<T> items, const std::string& what, Work& work, Guilty& guilty) {
    if (items.size() == 1) return guilty(items.front(), what);
    bisect(items.first(items.size() / 2), work, guilty);
    bisect(items.subspan(items.size() / 2), work, guilty);
}

}  // namespace orderflow::loops
