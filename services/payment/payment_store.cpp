#include "payment/payment_store.hpp"

#include <string_view>

#include "core/enums.hpp"
#include "events/codec.hpp"

namespace orderflow::payment {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const Statement kLoad{"payments_load", R"(
    SELECT order_id, version, state, reason, charge_id, attempts, touched_at, opened_at,
           traceparent, body, settled_as, settled_by
    FROM payments WHERE order_id = ANY ($1::uuid[]))"};

const Statement kInsert{"payments_insert", R"(
    INSERT INTO payments (order_id, version, touched_at, attempts, state, reason, charge_id,
                          opened_at, amount, currency, token, traceparent, body)
    SELECT order_id, 1, touched_at, attempts, state, reason, charge_id, opened_at, amount,
           currency, token, traceparent, body
    FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::text[], $5::text[], $6::text[],
                $7::timestamptz[], $8::bigint[], $9::text[], $10::text[], $11::text[],
                $12::text[])
         AS new(order_id, touched_at, attempts, state, reason, charge_id, opened_at, amount,
                currency, token, traceparent, body)
    ON CONFLICT DO NOTHING)"};

// Columns that no rule changes after the insert (the order, opened_at, traceparent) are not sent.
const Statement kUpdate{"payments_update", R"(
    UPDATE payments p
    SET version = p.version + 1, touched_at = new.touched_at, attempts = new.attempts,
        state = new.state, reason = new.reason, charge_id = new.charge_id,
        settled_as = new.settled_as, settled_by = new.settled_by
    FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::int[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::text[])
         AS new(order_id, version, touched_at, attempts, state, reason, charge_id, settled_as,
                settled_by)
    WHERE p.order_id = new.order_id AND p.version = new.version)"};

#define OPEN_COLUMNS "order_id, state, attempts, touched_at, opened_at, amount, currency, token"
#define OPEN_STATES "state IN ('INTENT', 'UNKNOWN', 'CANCELLING', 'SETTLED')"

const Statement kFindOpen{"payments_find_open",
                          "SELECT " OPEN_COLUMNS
                          " FROM payments WHERE order_id = ANY ($1::uuid[]) AND " OPEN_STATES};

// The limit counts the rows that are read, not those that match, because there is no index on the
// state. The last row of the page is always returned, whatever its state, as the place to continue
// from.
const Statement kScanOpen{"payments_scan_open", R"(
    WITH page AS MATERIALIZED (
        SELECT )" OPEN_COLUMNS R"(,
               state IN ('REFUNDED', 'NEVER_CHARGED') AND settled_as IS DISTINCT FROM state
               AND (settled_as IS NOT NULL OR state = 'NEVER_CHARGED' AND charge_id IS NOT NULL)
                   AS contradicted
        FROM payments
        WHERE order_id > $1::uuid AND order_id <= $2::uuid ORDER BY order_id LIMIT $3::bigint)
    SELECT * FROM page
    WHERE contradicted OR )" OPEN_STATES R"(
       OR order_id = (SELECT order_id FROM page ORDER BY order_id DESC LIMIT 1)
    ORDER BY order_id)"};

#undef OPEN_COLUMNS
#undef OPEN_STATES

std::optional<std::string_view> null_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

Payment read_payment(const Rows& rows, int i) {
    Payment payment;
    payment.state = enum_of<State>(rows.text(i, 2));
    if (!rows.is_null(i, 3)) {
        payment.reason = enum_of<events::PaymentRejection>(rows.text(i, 3));
    }
    payment.charge_id = rows.text(i, 4);  // NULL reads as empty
    payment.attempts = rows.int32(i, 5);
    payment.touched_at = rows.instant(i, 6);
    payment.opened_at = rows.instant(i, 7);
    payment.traceparent = rows.text(i, 8);
    if (!rows.is_null(i, 10)) payment.settled_as = enum_of<Settlement>(rows.text(i, 10));
    payment.settled_by = rows.text(i, 11);
    if (!rows.is_null(i, 9)) payment.order = events::decode_order(rows.text(i, 9)).value();
    return payment;
}

OpenPayment read_open(const Rows& rows, int i, State state) {
    OpenPayment open;
    open.id = rows.id<OrderId>(i, 0);
    open.state = state;
    open.attempts = rows.int32(i, 2);
    open.touched_at = rows.instant(i, 3);
    open.opened_at = rows.instant(i, 4);
    open.amount = {rows.int64(i, 5), Currency::parse(rows.text(i, 6)).value()};
    open.token = rows.text(i, 7);
    return open;
}

Rows load_rows(postgres::Connection& connection, std::span<const OrderId> ids) {
    auto keys = postgres::column_of(ids);
    return connection.exec(kLoad, Params::of(keys));
}

// The columns that change, filled row by row.
struct ChangingColumns {
    Column<Instant> touched;
    Column<std::int32_t> attempts;
    Column<std::string_view> states, reasons, charge_ids;

    void push(const Payment& payment) {
        touched.push(payment.touched_at);
        attempts.push(payment.attempts);
        states.push(name_of(payment.state));
        if (payment.reason) {
            reasons.push(name_of(*payment.reason));
        } else {
            reasons.push(std::nullopt);
        }
        charge_ids.push(null_if_empty(payment.charge_id));
    }
};

// The columns that are written once.
struct OrderColumns {
    Column<std::int64_t> amounts;
    Column<Currency> currencies;
    Column<std::string_view> tokens, bodies;
    std::string json;

    void push(const std::optional<events::Order>& order) {
        if (!order) {
            amounts.push(std::nullopt);
            currencies.push(std::nullopt);
            tokens.push(std::nullopt);
            bodies.push(std::nullopt);
            return;
        }
        amounts.push(order->total);
        currencies.push(order->currency);
        tokens.push(order->payment.token);
        json.clear();
        events::encode(*order, json);
        bodies.push(json);
    }
};

class PostgresPaymentStore final : public PaymentStore {
public:
    explicit PostgresPaymentStore(postgres::Connection& connection) : connection_(connection) {}

    Payments load(std::span<const OrderId> ids) override {
        const Rows rows = load_rows(connection_, ids);
        Payments payments;
        for (int i = 0; i < rows.size(); ++i) {
            payments.loaded(rows.id<OrderId>(i, 0), read_payment(rows, i), rows.int64(i, 1));
        }
        return payments;
    }

    bool save(const Payments& payments) override {
        const auto changes = payments.changes();
        return insert(changes.inserts) && update(changes.updates);
    }

    std::vector<OpenPayment> find_open(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kFindOpen, Params::of(keys));
        std::vector<OpenPayment> open;
        for (int i = 0; i < rows.size(); ++i) {
            open.push_back(read_open(rows, i, enum_of<State>(rows.text(i, 1))));
        }
        return open;
    }

    OpenPage scan_open(const OrderId& after, const OrderId& upto, std::int64_t limit) override {
        const Rows rows = connection_.exec(kScanOpen, Params::of(after, upto, limit));
        OpenPage page;
        for (int i = 0; i < rows.size(); ++i) {
            page.last = rows.id<OrderId>(i, 0);
            const State state = enum_of<State>(rows.text(i, 1));
            if (is_open(state)) page.open.push_back(read_open(rows, i, state));
            if (rows.boolean(i, 8)) ++page.contradicted;
        }
        return page;
    }

private:
    using Entries = std::vector<const Payments::Entry*>;

    bool insert(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        ChangingColumns changing;
        Column<Instant> opened;
        OrderColumns orders;
        Column<std::string_view> traceparents;
        for (const Payments::Entry* entry : entries) {
            ids.push(entry->id);
            changing.push(entry->row);
            opened.push(entry->row.opened_at);
            orders.push(entry->row.order);
            traceparents.push(null_if_empty(entry->row.traceparent));
        }
        const Rows rows = connection_.exec(
            kInsert, Params::of(ids, changing.touched, changing.attempts, changing.states,
                                changing.reasons, changing.charge_ids, opened, orders.amounts,
                                orders.currencies, orders.tokens, traceparents, orders.bodies));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool update(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        Column<std::int64_t> versions;
        ChangingColumns changing;
        Column<std::string_view> settled_as, settled_by;
        for (const Payments::Entry* entry : entries) {
            const Payment& payment = entry->row;
            ids.push(entry->id);
            versions.push(entry->version);
            changing.push(payment);
            if (payment.settled_as) {
                settled_as.push(name_of(*payment.settled_as));
            } else {
                settled_as.push(std::nullopt);
            }
            settled_by.push(null_if_empty(payment.settled_by));
        }
        const Rows rows = connection_.exec(
            kUpdate, Params::of(ids, versions, changing.touched, changing.attempts, changing.states,
                                changing.reasons, changing.charge_ids, settled_as, settled_by));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<PaymentStore> make_payment_store(postgres::Connection& connection) {
    return std::make_unique<PostgresPaymentStore>(connection);
}

std::optional<Payment> find_payment(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = load_rows(connection, {&id, 1});
    if (rows.size() == 0) return std::nullopt;
    return read_payment(rows, 0);
}

}  // namespace orderflow::payment
