#include "outbox/request_keys.hpp"

#include <algorithm>

namespace orderflow::outbox {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const Statement kLock{"request_keys_lock", R"(
    SELECT key, pg_try_advisory_xact_lock(1, hashtext(key))
    FROM unnest($1::text[]) AS wanted(key))"};
const Statement kFind{"request_keys_find", R"(
    SELECT key, request, answer FROM request_keys WHERE key = ANY ($1::text[]))"};
const Statement kKeep{"request_keys_keep", R"(
    INSERT INTO request_keys (key, request, answer, created_at)
    SELECT key, request, answer, $4::timestamptz
    FROM unnest($1::text[], $2::uuid[], $3::text[]) AS new(key, request, answer))"};
const Statement kClock{"request_keys_clock", "SELECT clock_timestamp()"};
const Statement kExpire{"request_keys_expire", R"(
    DELETE FROM request_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM request_keys
        WHERE created_at < $1::timestamptz
        ORDER BY created_at LIMIT 10000 FOR UPDATE SKIP LOCKED)))"};

class PostgresRequestKeys final : public RequestKeys {
public:
    explicit PostgresRequestKeys(postgres::Connection& connection) : connection_(connection) {}

    Claims<KeptAnswer> claim(std::span<const std::string_view> keys) override {
        Claims<KeptAnswer> claims;
        const auto busy = lock_keys(connection_, keys);
        for (const auto key : keys) claims[std::string(key)].busy = busy.contains(key);
        auto wanted = postgres::column_of(keys);
        const Rows rows = connection_.exec(kFind, Params::of(wanted));
        for (int i = 0; i < rows.size(); ++i) {
            Claim<KeptAnswer>& claim = claims.find(rows.text(i, 0))->second;
            claim.busy = false;  // its answer is committed, even if the key is locked now
            claim.kept = {rows.id<Digest>(i, 1), std::string(rows.text(i, 2))};
        }
        return claims;
    }

    void keep(std::span<const KeptKey<KeptAnswer>> keys, Instant now) override {
        Column<std::string_view> names(keys.size()), answers;
        Column<Digest> requests;
        for (const auto& [key, kept] : keys) {
            names.push(key);
            requests.push(kept->request);
            answers.push(kept->answer);
        }
        const Instant since = std::max(now, system_now());
        connection_.exec(kKeep, Params::of(names, requests, answers, since));
    }

    Instant clock() override { return connection_.exec(kClock).instant(0, 0); }

    void expire(Instant time) override { connection_.exec(kExpire, Params::of(time)); }

private:
    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<RequestKeys> make_request_keys(postgres::Connection& connection) {
    return std::make_unique<PostgresRequestKeys>(connection);
}

std::set<std::string, std::less<>> lock_keys(postgres::Connection& connection,
                                             std::span<const std::string_view> keys) {
    auto wanted = postgres::column_of(keys);
    const Rows rows = connection.exec(kLock, Params::of(wanted));
    std::set<std::string, std::less<>> busy;
    for (int i = 0; i < rows.size(); ++i) {
        if (!rows.boolean(i, 1)) busy.emplace(rows.text(i, 0));
    }
    return busy;
}

}  // namespace orderflow::outbox
