#include "outbox/request_keys.hpp"

namespace orderflow::outbox {
namespace {

const postgres::Statement kLockKeys{"request_keys_lock", R"(
    SELECT key, pg_try_advisory_xact_lock(1, hashtext(key))
    FROM unnest($1::text[]) AS wanted(key))"};

}  // namespace

std::set<std::string, std::less<>> lock_keys(postgres::Connection& connection,
                                             std::span<const std::string_view> keys) {
    auto wanted = postgres::column_of(keys);
    const postgres::Rows rows = connection.exec(kLockKeys, postgres::Params::of(wanted));
    std::set<std::string, std::less<>> busy;
    for (int i = 0; i < rows.size(); ++i) {
        if (!rows.boolean(i, 1)) busy.emplace(rows.text(i, 0));
    }
    return busy;
}

}  // namespace orderflow::outbox
