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

// Runs `work` on all of `items`, and when that fails because of what they hold, on halves of them
// and so on, down to the guilty ones, which go to `guilty(item, what)`. The order is kept. Throws
// when something is out of reach; then it may be begun again if doing an item twice is harmless.
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

// The same for items, one at least, of which all together have just failed with `what`.
template <class T, class Work, class Guilty>
void bisect_failed(std::span<T> items, const std::string& what, Work& work, Guilty& guilty) {
    if (items.size() == 1) return guilty(items.front(), what);
    bisect(items.first(items.size() / 2), work, guilty);
    bisect(items.subspan(items.size() / 2), work, guilty);
}

}  // namespace orderflow::loops
