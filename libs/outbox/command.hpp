#pragma once
// A command (a request to change something), its answer, and the decorator that makes commands
// idempotent by a key. Used by the services' *_commands files inside a transaction, by
// loops::CommandLoop and by the simulator. No thread of its own.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::outbox {

// What became of a command.
enum class Fate {
    unknown,   // it was not committed, or nobody knows whether it was
    full,      // it was not tried: too many commands wait
    done,      // it was carried out, now or when its key was first used: the outcome is the same
    mismatch,  // its key was used for another command
    busy,      // another command with its key is in progress: try again
    failed,    // it was not carried out, and would fail again
};

template <class Outcome>
struct Answer {
    Fate fate = Fate::unknown;
    Outcome outcome{};  // of `done`
};

// Carries out commands in the caller's transaction, in their order. `answers` holds one `done` for
// each command; Apply fills in the outcomes. False: the compare-and-set was lost. Then the
// transaction is rolled back and the same commands come again, so nothing of this attempt may be
// kept.
template <class Command, class Outcome>
using Apply = std::function<bool(std::span<Command* const> commands, Instant now, BatchOutput& out,
                                 std::span<Answer<Outcome>> answers)>;

// The state of an idempotency key. `Kept` is what is stored of a command that was carried out.
template <class Kept>
struct Claim {
    bool busy = false;  // another transaction in progress has claimed the key
    std::optional<Kept> kept;
};
template <class Kept>
using Claims = std::map<std::string, Claim<Kept>, std::less<>>;

// A key and what is stored of its command. Both must outlive the call.
template <class Kept>
struct KeptKey {
    std::string_view key;
    const Kept* kept = nullptr;
};

// A table of idempotency keys: request_keys (outbox/request_keys.hpp), or a table of a service's
// own. Works inside the caller's transaction.
template <class Kept>
class KeyStore {
public:
    virtual ~KeyStore() = default;
    // Reads the state of each key; the keys are distinct and sorted. Keys that are not busy belong
    // to this transaction until it ends. Never waits.
    virtual Claims<Kept> claim(std::span<const std::string_view> keys) = 0;
    // For keys that were claimed and not stored before. `now` is the database's clock.
    virtual void keep(std::span<const KeptKey<Kept>> keys, Instant now) = 0;
};

// How commands of one kind are stored under their keys, and read again.
template <class Command, class Outcome, class Kept>
struct KeyCodec {
    std::string_view (*key)(const Command&);  // empty: the command has no key
    // Whether this command requests the same as the stored one, even if its text differs.
    bool (*same)(const Command&, const Kept&);
    // nullopt: nothing is stored, and the key can be used again.
    std::optional<Kept> (*keep)(const Command&, const Outcome&);
    Outcome (*outcome)(const Kept&);
};

namespace detail {

template <class Command, class Outcome, class Kept>
Answer<Outcome> replay(const KeyCodec<Command, Outcome, Kept>& codec, const Command& command,
                       const Kept& kept) {
    if (!codec.same(command, kept)) return {Fate::mismatch, {}};
    return {Fate::done, codec.outcome(kept)};
}

}  // namespace detail

// Carries out a command with a new key, and answers a command with a stored key from the store. So
// a command is carried out once, however often and to whichever instance it is sent. Of several
// commands with one new key in the same batch, the first is carried out. `Keys` is a
// KeyStore<Kept>.
template <class Keys, class Command, class Outcome, class Kept>
Apply<Command, Outcome> idempotent(std::shared_ptr<Keys> keys,
                                   KeyCodec<Command, Outcome, Kept> codec,
                                   Apply<Command, Outcome> apply) {
    return [keys = std::move(keys), codec, apply = std::move(apply)](
               std::span<Command* const> commands, Instant now, BatchOutput& out,
               std::span<Answer<Outcome>> answers) {
        std::vector<std::string_view> wanted;
        for (const Command* command : commands) {
            if (const auto key = codec.key(*command); !key.empty()) wanted.push_back(key);
        }
        if (wanted.empty()) return apply(commands, now, out, answers);
        std::ranges::sort(wanted);
        wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
        const Claims<Kept> claims = keys->claim(wanted);

        std::vector<Command*> fresh;
        std::vector<std::size_t> places;                  // of each of `fresh` in `commands`
        std::vector<std::size_t> doubles;                 // in `commands`
        std::map<std::string_view, Kept> first;           // what is stored under each new key
        std::map<std::string_view, std::size_t> leaders;  // in `fresh`
        for (std::size_t i = 0; i < commands.size(); ++i) {
            if (const auto key = codec.key(*commands[i]); !key.empty()) {
                const Claim<Kept>& claim = claims.find(key)->second;
                if (claim.kept) {
                    answers[i] = detail::replay(codec, *commands[i], *claim.kept);
                    continue;
                }
                if (claim.busy) {
                    answers[i].fate = Fate::busy;
                    continue;
                }
                if (!leaders.try_emplace(key, fresh.size()).second) {
                    doubles.push_back(i);
                    continue;
                }
            }
            fresh.push_back(commands[i]);
            places.push_back(i);
        }
        std::vector<Answer<Outcome>> outcomes(fresh.size(), {Fate::done, {}});
        if (!fresh.empty() && !apply(fresh, now, out, outcomes)) return false;

        std::vector<KeptKey<Kept>> kept;
        for (const auto& [key, leader] : leaders) {
            auto stored = codec.keep(*fresh[leader], outcomes[leader].outcome);
            if (!stored) continue;
            kept.push_back({key, &first.emplace(key, std::move(*stored)).first->second});
        }
        if (!kept.empty()) keys->keep(kept, now);
        for (std::size_t i = 0; i < fresh.size(); ++i) answers[places[i]] = std::move(outcomes[i]);
        for (const std::size_t i : doubles) {
            const auto stored = first.find(codec.key(*commands[i]));
            answers[i] = stored == first.end()
                             ? Answer<Outcome>{Fate::busy, {}}
                             : detail::replay(codec, *commands[i], stored->second);
        }
        return true;
    };
}

}  // namespace orderflow::outbox
