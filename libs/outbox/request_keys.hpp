#pragma once
// Idempotency-Keys of HTTP requests of all kinds: the outcome of a request, and the lock that keeps
// two transactions from using one key. Used by the services' *_commands and *_store files, on the
// caller's thread.
#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/connection.hpp"

namespace orderflow::outbox {

// The outcome of a request.
enum class Outcome {
    unknown,   // not committed, or it is not known
    full,      // not tried: too many requests wait
    done,      // now, or when the key was first used: the answer is the same
    mismatch,  // the key belongs to another request
    busy,      // another request with the key is in progress: try again
};

// Each of these keys once, sorted; an empty one is none.
inline std::vector<std::string_view> distinct_keys(std::vector<std::string_view> keys) {
    std::erase(keys, std::string_view());
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

// Locks the keys until the present transaction ends. Never waits: returns the keys that another
// transaction has locked. The outcome of a key is committed before its lock is released, but only a
// statement that begins after this one sees it: read it with a separate statement.
std::set<std::string, std::less<>> lock_keys(postgres::Connection& connection,
                                             std::span<const std::string_view> keys);

}  // namespace orderflow::outbox
