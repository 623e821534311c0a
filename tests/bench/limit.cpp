// bench-limit: writes the rows and messages of orders that succeed. It uses the services' order of
// steps, their batches and as many connections as they have, but not the services: it reads,
// decides and serves nothing, and it calls no gateway. tests/bench/limit creates its databases and
// topics, starts it and counts what it wrote.
//
// Environment: PGHOST, PGPORT, PGUSER, PGPASSWORD. Databases limit_orders, limit_payments, ...;
// topics limit.order-events, ... Prints "half" on stderr when half of the orders are written, and
// one JSON object on stdout at the end.
#include "bench/limit_pipeline.hpp"
#include "bench/limit_rows.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <random>

namespace orderflow::bench {
namespace {

using events::EventKind;
using events::Service;

struct LimitOptions {
    int orders = 60'000;
    int batch = 128;
    int analytics_batch = 512;
    int batches_under_way = 16;
    double order_updates = 3;     // per order, after the insert; folding reduces the number
    double timeline_updates = 1;  // per order, after the insert
    int products = 1000;
    int customers = 10'000;
    std::string brokers = "127.0.0.1:19092";
};

// A batch of orders. It passes through all steps unchanged.
struct Orders {
    std::vector<OrderId> ids;
    std::vector<std::string> products;   // sorted, without duplicates: the rows of a folded batch
    std::vector<std::string> customers;  // likewise
};
using Work = std::shared_ptr<const Orders>;

class Limit {
public:
    explicit Limit(const LimitOptions& options);
    double run();  // returns the seconds until everything is committed and confirmed
    [[nodiscard]] int warm_up_orders() const { return 2 * options_.batch; }

private:
    using Step = void (Limit::*)(postgres::Connection&, const Work&);

    void write_orders(int orders, void (*half_way)());
    void hand(Loop& loop, Step step, const Work& work);
    Work make_batch(int size);
    template <class Write>
    void write(postgres::Connection& connection, const Work& work, EventKind kind,
               Publisher& publisher, Write write_rows);

    void place(postgres::Connection& connection, const Work& work);
    void reserve(postgres::Connection& connection, const Work& work);
    void intend(postgres::Connection& connection, const Work& work);
    void capture(postgres::Connection& connection, const Work& work);
    void ship(postgres::Connection& connection, const Work& work);
    void reserved(postgres::Connection& connection, const Work& work);
    void captured(postgres::Connection& connection, const Work& work);
    void complete(postgres::Connection& connection, const Work& work);
    void sell(postgres::Connection& connection, const Work& work);
    void analyse(postgres::Connection& connection, const Work& work);
    void flush_analytics(postgres::Connection& connection);
    [[nodiscard]] Ids share(const Work& work, double share) const;

    const LimitOptions options_;
    std::mt19937_64 random_{1};
    std::discrete_distribution<int> product_;
    Gate gate_;
    Orders analysed_;  // collected by the analytics loop
    Publisher order_relay_, inventory_relay_, payment_relay_, shipping_relay_;
    // One connection for each loop of the services: the accept path, payment's results, and the
    // consumers of the five services.
    Loop accept_, orders_, inventory_, payment_, results_, shipping_, analytics_;
};

std::discrete_distribution<int> zipf(int products) {
    std::vector<double> weights;
    for (int rank = 1; rank <= products; ++rank) weights.push_back(1.0 / rank);
    return {weights.begin(), weights.end()};
}

std::string database(const std::string& name) {
    return "dbname=limit_" + name + " options='-c search_path=" + name + "'";
}

void sort_unique(std::vector<std::string>& texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

Limit::Limit(const LimitOptions& options)
    : options_(options),
      product_(zipf(options.products)),
      gate_(options.batches_under_way),
      order_relay_(options.brokers, Service::order),
      inventory_relay_(options.brokers, Service::inventory),
      payment_relay_(options.brokers, Service::payment),
      shipping_relay_(options.brokers, Service::shipping),
      accept_(database("orders")),
      orders_(database("orders")),
      inventory_(database("inventory")),
      payment_(database("payments")),
      results_(database("payments")),
      shipping_(database("shipping")),
      analytics_(database("analytics")) {}

double Limit::run() {
    // The warm-up opens connections, prepares statements and creates producers before the clock
    // starts.
    write_orders(warm_up_orders(), [] {});
    const auto begin = std::chrono::steady_clock::now();
    write_orders(options_.orders, [] { std::fputs("half\n", stderr); });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void Limit::write_orders(int orders, void (*half_way)()) {
    for (int made = 0; made < orders; made += options_.batch) {
        if (made < orders / 2 && made + options_.batch >= orders / 2) half_way();
        gate_.enter();
        hand(accept_, &Limit::place, make_batch(std::min(options_.batch, orders - made)));
    }
    // The gate has all its places free again when every batch has finished its last step.
    for (int i = 0; i < options_.batches_under_way; ++i) gate_.enter();
    Gate flushed(0);
    analytics_.push([&](postgres::Connection& connection) {
        flush_analytics(connection);
        flushed.leave();
    });
    flushed.enter();
    for (Publisher* relay : {&order_relay_, &inventory_relay_, &payment_relay_, &shipping_relay_}) {
        relay->wait_confirmed();
    }
    for (int i = 0; i < options_.batches_under_way; ++i) gate_.leave();
}

void Limit::hand(Loop& loop, Step step, const Work& work) {
    loop.push(
        [this, step, work](postgres::Connection& connection) { (this->*step)(connection, work); });
}

Work Limit::make_batch(int size) {
    static IdSource ids;
    const Instant now = system_now();
    std::uniform_int_distribution<int> customer(1, options_.customers);
    auto orders = std::make_shared<Orders>();
    for (int i = 0; i < size; ++i) {
        orders->ids.push_back(ids.next<OrderId>(now));
        char text[32];
        std::snprintf(text, sizeof text, "ITEM-%03d", product_(random_) + 1);
        orders->products.emplace_back(text);
        std::snprintf(text, sizeof text, "CUST-%06d", customer(random_));
        orders->customers.emplace_back(text);
    }
    std::sort(orders->ids.begin(), orders->ids.end());
    sort_unique(orders->products);
    sort_unique(orders->customers);
    return orders;
}

template <class Write>
void Limit::write(postgres::Connection& connection, const Work& work, EventKind kind,
                  Publisher& publisher, Write write_rows) {
    thread_local IdSource event_ids;
    postgres::Transaction transaction(connection);
    write_rows();
    Events rows = append_events(connection, kind, work->ids, event_ids);
    transaction.commit();
    publisher.push(std::move(rows));
}

// Returns the first part of a batch. With it, a batch can be written a fractional number of times:
// 2.5 times means two whole batches and half of one.
Ids Limit::share(const Work& work, double share) const {
    const auto size = static_cast<double>(work->ids.size());
    return Ids(work->ids).first(static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * size + 0.5));
}

void Limit::place(postgres::Connection& connection, const Work& work) {
    write(connection, work, EventKind::OrderPlaced, order_relay_,
          [&] { insert_orders(connection, work->ids); });
    hand(inventory_, &Limit::reserve, work);
}

void Limit::reserve(postgres::Connection& connection, const Work& work) {
    write(connection, work, EventKind::StockReserved, inventory_relay_, [&] {
        move_stock(connection, work->products, false);
        insert_reservations(connection, work->ids);
    });
    hand(orders_, &Limit::reserved, work);
    hand(payment_, &Limit::intend, work);
}

void Limit::reserved(postgres::Connection& connection, const Work& work) {
    postgres::Transaction transaction(connection);
    mark_reserved(connection, share(work, (options_.order_updates - 1) / 2));
    transaction.commit();
}

void Limit::intend(postgres::Connection& connection, const Work& work) {
    postgres::Transaction transaction(connection);
    insert_payments(connection, work->ids);
    transaction.commit();
    hand(results_, &Limit::capture, work);
}

void Limit::capture(postgres::Connection& connection, const Work& work) {
    write(connection, work, EventKind::PaymentCaptured, payment_relay_,
          [&] { capture_payments(connection, work->ids); });
    hand(orders_, &Limit::captured, work);
    hand(shipping_, &Limit::ship, work);
}

void Limit::captured(postgres::Connection& connection, const Work& work) {
    postgres::Transaction transaction(connection);
    mark_captured(connection, share(work, (options_.order_updates - 1) / 2));
    transaction.commit();
}

void Limit::ship(postgres::Connection& connection, const Work& work) {
    write(connection, work, EventKind::ShipmentScheduled, shipping_relay_,
          [&] { insert_shipments(connection, work->ids); });
    hand(orders_, &Limit::complete, work);
}

void Limit::complete(postgres::Connection& connection, const Work& work) {
    write(connection, work, EventKind::OrderCompleted, order_relay_,
          [&] { complete_orders(connection, work->ids); });
    hand(inventory_, &Limit::sell, work);
}

void Limit::sell(postgres::Connection& connection, const Work& work) {
    postgres::Transaction transaction(connection);
    move_stock(connection, work->products, true);
    sell_reservations(connection, work->ids);
    transaction.commit();
    hand(analytics_, &Limit::analyse, work);
}

void Limit::analyse(postgres::Connection& connection, const Work& work) {
    analysed_.ids.insert(analysed_.ids.end(), work->ids.begin(), work->ids.end());
    analysed_.customers.insert(analysed_.customers.end(), work->customers.begin(),
                               work->customers.end());
    if (analysed_.ids.size() >= static_cast<std::size_t>(options_.analytics_batch)) {
        flush_analytics(connection);
    }
    gate_.leave();
}

void Limit::flush_analytics(postgres::Connection& connection) {
    if (analysed_.ids.empty()) return;
    const auto work = std::make_shared<Orders>(std::exchange(analysed_, {}));
    sort_unique(work->customers);
    postgres::Transaction insert(connection);
    insert_timelines(connection, work->ids);
    count_orders(connection, static_cast<std::int64_t>(work->ids.size()));
    touch_customers(connection, work->customers);
    insert.commit();
    for (double left = options_.timeline_updates; left > 0; left -= 1) {
        postgres::Transaction update(connection);
        update_timelines(connection, share(work, left));
        count_orders(connection, static_cast<std::int64_t>(work->ids.size()));
        update.commit();
    }
}

int run(int argc, char** argv) {
    LimitOptions options;
    CLI::App app("bench-limit: the rows and messages of orders, without the services");
    app.option_defaults()->always_capture_default();
    app.add_option("--orders", options.orders, "orders to write")->check(CLI::PositiveNumber);
    app.add_option("--batch", options.batch, "orders per transaction")->check(CLI::Range(1, 4096));
    app.add_option("--analytics-batch", options.analytics_batch, "the same, of analytics");
    app.add_option("--under-way", options.batches_under_way, "batches between first and last step");
    app.add_option("--order-updates", options.order_updates, "updates of an order's row, 1 to 3")
        ->check(CLI::Range(1.0, 3.0));
    app.add_option("--timeline-updates", options.timeline_updates, "updates of a timeline, 0 to 4")
        ->check(CLI::Range(0.0, 4.0));
    app.add_option("--products", options.products, "ITEM-001, ..., chosen by Zipf's law");
    app.add_option("--customers", options.customers, "CUST-000001, ..., chosen evenly");
    app.add_option("--brokers", options.brokers, "Kafka, host:port,...");
    CLI11_PARSE(app, argc, argv);
    // stdout is reserved for the result.
    spdlog::set_default_logger(spdlog::stderr_logger_mt("bench-limit"));
    Limit limit(options);
    const double seconds = limit.run();
    std::printf(
        "{\"orders\":%d,\"written\":%d,\"batch\":%d,\"seconds\":%.3f,"
        "\"orders_per_s\":%.1f}\n",
        options.orders, options.orders + limit.warm_up_orders(), options.batch, seconds,
        options.orders / seconds);
    return 0;
}

}  // namespace
}  // namespace orderflow::bench

int main(int argc, char** argv) {
    try {
        return orderflow::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "bench-limit: " << error.what() << '\n';
        return 1;
    }
}
