#pragma once
// The table of idempotency keys in memory. One thread; no transactions. It stays because there is
// no other one without a database: the simulator uses it, too.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "outbox/request_keys.hpp"

namespace orderflow::test {

class MemoryKeys final : public outbox::RequestKeys {
public:
    outbox::Claims<outbox::KeptAnswer> claim(std::span<const std::string_view> keys) override {
        outbox::Claims<outbox::KeptAnswer> claims;
        for (const std::string_view key : keys) {
            auto& claim = claims[std::string(key)];
            const auto found = rows.find(key);
            if (found != rows.end()) claim.kept = found->second;
            claim.busy = !claim.kept && busy.contains(key);
        }
        return claims;
    }
    void keep(std::span<const outbox::KeptKey<outbox::KeptAnswer>> keys, Instant now) override {
        for (const auto& [key, kept] : keys) {
            rows[std::string(key)] = *kept;
            kept_at_[std::string(key)] = std::max(now, system_now());
        }
    }
    Instant clock() override { return system_now(); }
    // A row that a test put there itself has no age, and stays.
    void expire(Instant time) override {
        for (const auto& [key, kept_at] : kept_at_) {
            if (kept_at < time) rows.erase(key);
        }
        std::erase_if(kept_at_, [&](const auto& entry) { return entry.second < time; });
    }

    std::map<std::string, outbox::KeptAnswer, std::less<>> rows;
    std::set<std::string, std::less<>> busy;  // keys that another transaction holds

private:
    std::map<std::string, Instant> kept_at_;
};

}  // namespace orderflow::test
