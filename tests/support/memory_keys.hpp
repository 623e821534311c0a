#pragma once
// The table of idempotency keys in memory. One thread; no transactions.
#include <set>
#include <string>

#include "order/saga/saga_store.hpp"

namespace orderflow::test {

class MemoryKeys final : public order::KeyStore {
public:
    order::Claims claim(std::span<const std::string_view> keys) override {
        order::Claims claims;
        for (const std::string_view key : keys) {
            order::Claim& claim = claims[std::string(key)];
            claim.busy = busy.contains(key);
            const auto found = rows.find(key);
            if (found != rows.end()) claim.kept = found->second;
        }
        return claims;
    }
    void keep(std::span<const order::KeptKey> keys, Instant) override {
        for (const auto& [key, kept] : keys) rows[std::string(key)] = kept;
    }
    Instant clock() override { return {}; }
    void expire(Instant) override {}

    std::map<std::string, order::KeptAnswer, std::less<>> rows;
    std::set<std::string, std::less<>> busy;
};

}  // namespace orderflow::test
