#pragma once
// The rules of the stand-in payment gateway: one serial history per key, pure, no clock, no I/O.
// Used by the API on the io thread, and by unit tests.
//
// A key is charged at most once; a repeated request gets the first outcome again. A cancellation is
// final: from then on a charge with that key is refused, whatever its state was before. So after a
// cancel the caller can rely on this: a charge that is still on its way can take no money.
//
// All keys are held in memory, about 250 bytes each, and are rebuilt from the ledger at start. That
// is enough for a development tool and a few million charges.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/describe/enum.hpp>

#include "core/money.hpp"
#include "core/time.hpp"

namespace orderflow::sandbox {

// The behaviours that a token can select.
enum class Behaviour {
    capture,            // tok_ok
    decline,            // tok_declined
    slow,               // tok_slow_60s: decides only after a minute; nothing is charged before
    fail_once,          // tok_500_then_ok: the first attempt with a key fails, nothing is charged
    lose_first_answer,  // tok_charge_then_timeout: charges, but its answer comes far too late
    unknown,            // any other: refused, and recorded as a decline
};
Behaviour behaviour_of(std::string_view token);

// The ledger contains these names.
enum class EntryKind { charge, decline, refund, cancel };
BOOST_DESCRIBE_ENUM(EntryKind, charge, decline, refund, cancel)

// One line of the ledger. Ids are 1, 2, 3, ... without gaps, in the order of decision.
struct Entry {
    std::int64_t id = 0;
    std::string key;
    EntryKind kind = EntryKind::charge;
    std::int64_t amount = 0;  // minor units; 0 if the cancelled key was never charged
    std::string currency;     // empty if the cancelled key was never charged
    std::string token;
    Instant at{};
};

struct ChargeRequest {
    std::string key;
    std::int64_t amount = 0;
    Currency currency;
    std::string token;
};

enum class State {
    none,
    failed_once,  // answered 500 once; a restart forgets this state and `processing`
    processing,   // will be decided as its token requires, unless it is cancelled first
    captured,
    declined,
    refunded,       // cancelled after capture
    void_declined,  // cancelled after a decline
    never_charged,  // cancelled before anything was charged
};
bool is_cancelled(State state);

struct Charge {
    State state = State::none;
    std::int64_t amount = 0;
    std::string currency;
    std::string token;
    std::int64_t charge_entry = 0;  // identifies the charge; 0 if nothing was ever captured
    std::int64_t last_entry = 0;    // answers about this key wait until this entry is durable
};

enum class Reply {
    created,  // captured by this request
    known,    // an earlier outcome, or a decline: see `Decision::charge`
    later,    // processing: call finish() when the time has come
    lost,     // captured, but the answer must not arrive in time
    server_error,
    key_cancelled,
    key_reused,  // the key belongs to a charge with other parameters
};

struct Decision {
    Reply reply = Reply::known;
    Charge charge;               // its state after the decision
    std::optional<Entry> entry;  // must be durable before the answer is sent
};

class Gateway {
public:
    // `slowly`: finish() makes the decision instead of this call, whatever the token is.
    Decision charge(const ChargeRequest& request, Instant now, bool slowly = false);
    // Decides a slow charge. A repeated call changes nothing, nor does a call for a key that was
    // cancelled in the meantime.
    Decision finish(const std::string& key, Instant now);
    Decision cancel(const std::string& key, Instant now);
    // Null if no decision was made about the key.
    const Charge* find(const std::string& key) const;

    // Rebuilds the state from the ledger; call it with the entries in the order of their ids.
    void apply(const Entry& entry);

    std::size_t size() const { return charges_.size(); }

private:
    Decision record(const std::string& key, EntryKind kind, Reply reply, Instant now);
    Decision first_charge(const ChargeRequest& request, Instant now, bool slowly);

    std::unordered_map<std::string, Charge> charges_;
    std::int64_t next_id_ = 1;
};

}  // namespace orderflow::sandbox
