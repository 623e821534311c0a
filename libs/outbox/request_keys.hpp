#pragma once
// The table request_keys: the idempotency keys of any service's commands. A row is stored in the
// transaction of its command, and deleted when it is old. Used by the services' main and *_commands
// files, on the caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "core/digest.hpp"
#include "outbox/command.hpp"
#include "postgres/connection.hpp"

namespace orderflow::outbox {

// What is stored of a command.
struct KeptAnswer {
    Digest request;      // of what the command requests
    std::string answer;  // its outcome, as its codec writes it
    bool operator==(const KeptAnswer&) const = default;
};

// The age of a row counts from the time of the database's clock or of this process's clock at
// keep(), whichever is later: a clock that is behind shortens no key's life.
class RequestKeys : public KeyStore<KeptAnswer> {
public:
    // The database's clock.
    virtual Instant clock() = 0;
    // Deletes up to 10,000 of the keys that were stored before `time`, in its own transaction.
    virtual void expire(Instant time) = 0;
};

std::unique_ptr<RequestKeys> make_request_keys(postgres::Connection& connection);

// Locks the keys until the present transaction ends. Never waits: returns the keys that another
// transaction has locked. The outcome of a key is committed before its lock is released, but only a
// statement that begins after this one sees it: read it with a separate statement.
std::set<std::string, std::less<>> lock_keys(postgres::Connection& connection,
                                             std::span<const std::string_view> keys);

}  // namespace orderflow::outbox
