#pragma once
// Idempotency-Keys of requests that come by HTTP, whatever they ask for: what a request came to,
// and the lock that keeps two transactions from working with one key. Used by the services'
// *_requests and *_store files, on the caller's thread.
#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/connection.hpp"

namespace orderflow::outbox {

// What a request came to.
enum class Outcome {
    unknown,   // not committed, or nobody knows
    full,      // not even tried: too many wait
    done,      // now, or when the key was first used: the answer is the same
    mismatch,  // the key was used for another request
    busy,      // the key is in use by a request under way elsewhere: try again
};

// Each of these keys once, sorted; an empty one is none.
inline std::vector<std::string_view> distinct_keys(std::vector<std::string_view> keys) {
    std::erase(keys, std::string_view());
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

// Locks the keys until the transaction under way ends. Never waits: returns those that another
// transaction holds. What a key came to is committed before its lock is given back, but only a
// statement that begins after this one sees it: look it up by one of its own.
std::set<std::string, std::less<>> lock_keys(postgres::Connection& connection,
                                             std::span<const std::string_view> keys);

}  // namespace orderflow::outbox
