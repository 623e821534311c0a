#include "gateway-sandbox/gateway.hpp"

#include <stdexcept>

namespace orderflow::sandbox {

Behaviour behaviour_of(std::string_view token) {
    if (token == "tok_ok") return Behaviour::capture;
    if (token == "tok_declined") return Behaviour::decline;
    if (token == "tok_slow_60s") return Behaviour::slow;
    if (token == "tok_500_then_ok") return Behaviour::fail_once;
    if (token == "tok_charge_then_timeout") return Behaviour::lose_first_answer;
    return Behaviour::unknown;
}

bool is_cancelled(State state) {
    switch (state) {
        case State::refunded:
        case State::void_declined:
        case State::never_charged: return true;
        case State::none:
        case State::failed_once:
        case State::processing:
        case State::captured:
        case State::declined: return false;
    }
    throw std::logic_error("no such state");
}

namespace {

// The state of a key after a ledger entry.
State after(State state, EntryKind kind) {
    switch (kind) {
        case EntryKind::charge: return State::captured;
        case EntryKind::decline: return State::declined;
        case EntryKind::refund: return State::refunded;
        case EntryKind::cancel:
            return state == State::declined ? State::void_declined : State::never_charged;
    }
    throw std::logic_error("no such entry kind");
}

bool is_refused(std::string_view token) {
    const Behaviour behaviour = behaviour_of(token);
    return behaviour == Behaviour::decline || behaviour == Behaviour::unknown;
}

bool same_terms(const Charge& charge, const ChargeRequest& request) {
    return charge.amount == request.amount && charge.currency == request.currency.text() &&
           charge.token == request.token;
}

}  // namespace

void Gateway::apply(const Entry& entry) {
    if (entry.id != next_id_) throw std::runtime_error("the ledger has a gap");
    next_id_ = entry.id + 1;
    Charge& charge = charges_[entry.key];
    charge.state = after(charge.state, entry.kind);
    charge.amount = entry.amount;
    charge.currency = entry.currency;
    charge.token = entry.token;
    charge.last_entry = entry.id;
    if (entry.kind == EntryKind::charge) charge.charge_entry = entry.id;
}

Decision Gateway::record(const std::string& key, EntryKind kind, Reply reply, Instant now) {
    const Charge& before = charges_[key];
    Entry entry{next_id_, key, kind, before.amount, before.currency, before.token, now};
    apply(entry);
    return {reply, charges_[key], std::move(entry)};
}

Decision Gateway::charge(const ChargeRequest& request, Instant now, bool slowly) {
    Charge& charge = charges_[request.key];
    if (is_cancelled(charge.state)) return {Reply::key_cancelled, charge, {}};
    if (charge.state == State::none) {
        charge.amount = request.amount;
        charge.currency = request.currency.text();
        charge.token = request.token;
        return first_charge(request, now, slowly);
    }
    if (!same_terms(charge, request)) return {Reply::key_reused, charge, {}};
    if (charge.state == State::failed_once) {
        return record(request.key, EntryKind::charge, Reply::created, now);
    }
    return {charge.state == State::processing ? Reply::later : Reply::known, charge, {}};
}

Decision Gateway::first_charge(const ChargeRequest& request, Instant now, bool slowly) {
    Charge& charge = charges_[request.key];
    switch (slowly ? Behaviour::slow : behaviour_of(request.token)) {
        case Behaviour::capture: return record(request.key, EntryKind::charge, Reply::created, now);
        case Behaviour::lose_first_answer:
            return record(request.key, EntryKind::charge, Reply::lost, now);
        case Behaviour::decline:
        case Behaviour::unknown: return record(request.key, EntryKind::decline, Reply::known, now);
        case Behaviour::slow: charge.state = State::processing; return {Reply::later, charge, {}};
        case Behaviour::fail_once:
            charge.state = State::failed_once;
            return {Reply::server_error, charge, {}};
    }
    throw std::logic_error("no such behaviour");
}

Decision Gateway::finish(const std::string& key, Instant now) {
    const Charge& charge = charges_[key];
    if (charge.state == State::processing) {
        return is_refused(charge.token) ? record(key, EntryKind::decline, Reply::known, now)
                                        : record(key, EntryKind::charge, Reply::created, now);
    }
    return {is_cancelled(charge.state) ? Reply::key_cancelled : Reply::known, charge, {}};
}

Decision Gateway::cancel(const std::string& key, Instant now) {
    const Charge& charge = charges_[key];
    switch (charge.state) {
        case State::captured: return record(key, EntryKind::refund, Reply::known, now);
        case State::none:
        case State::failed_once:
        case State::processing:
        case State::declined: return record(key, EntryKind::cancel, Reply::known, now);
        case State::refunded:
        case State::void_declined:
        case State::never_charged: return {Reply::known, charge, {}};
    }
    throw std::logic_error("no such state");
}

const Charge* Gateway::find(const std::string& key) const {
    const auto found = charges_.find(key);
    const bool decided = found != charges_.end() && found->second.state != State::failed_once;
    return decided ? &found->second : nullptr;
}

}  // namespace orderflow::sandbox
