// Part of facts_readers.hpp: reads everything, in the order that is given there.
#include <algorithm>
#include <cstdio>
#include <thread>

#include <unistd.h>

#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::chrono::milliseconds kLookEvery{300};

// Looks again for orders that were unknown in the snapshots: placed meanwhile, or never.
void look_again(AuditDatabase& orders, Facts& facts) {
    std::vector<OrderId> unknown;
    for (const OrderFacts& order : facts.orders) {
        if (!order.table.order) unknown.push_back(order.id);
    }
    if (unknown.empty()) return;
    for (const OrderId& id : orders.existing(unknown)) facts.orders[facts.order(id)].late = true;
}

}  // namespace

Facts gather(const Endpoints& endpoints, GatherWhat what,
             const std::function<void(const std::string&)>& progress) {
    Facts facts;
    AuditDatabases databases = open_databases(endpoints);
    for (const auto& database : databases) {
        const auto service = static_cast<std::size_t>(database->service());
        facts.checkpoints[service] = database->checkpoint();
        facts.announced[service] = database->announced();
        facts.fewest_partitions = std::min(
            facts.fewest_partitions, database->grown_from().value_or(facts.fewest_partitions));
    }
    TopicsReader topics(endpoints);
    topics.describe(facts);
    for (const auto& database : databases) database->open_snapshot();
    for (const auto& database : databases) {
        progress("database " + std::string(schema_of(database->service())));
        database->read_ledger(facts);
        database->read_tables(facts);
        database->read_parked(facts);
        database->close_snapshot();
    }
    facts.mark_parked();
    progress("topics");
    topics.read(facts);
    if (what.gateway) {
        progress("the gateway's ledger");
        try {
            read_gateway(endpoints, facts);
        } catch (const std::exception& error) {  // the rest is judged without it
            facts.gateway_error = error.what();
        }
    }
    look_again(database_of(databases, Service::order), facts);
    return facts;
}

void say_progress(const std::string& what) {
    if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\033[Kreading %s", what.c_str());
}

void end_progress() {
    if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\033[K");
}

std::string Unrest::text() const {
    return std::to_string(in_flight) + " orders in flight, " + std::to_string(behind) +
           " ledger rows not relayed, " + std::to_string(lag) + " records not consumed";
}

Unrest quiesce(const Endpoints& endpoints, std::chrono::seconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    AuditDatabases databases = open_databases(endpoints);
    for (;;) {
        Unrest unrest;
        unrest.in_flight = database_of(databases, Service::order).orders_in_flight();
        for (const auto& database : databases) unrest.behind += database->behind();
        if (unrest.in_flight == 0 && unrest.behind == 0) unrest.lag = TopicsReader(endpoints).lag();
        if (unrest.quiet() || std::chrono::steady_clock::now() >= deadline) return unrest;
        std::this_thread::sleep_for(kLookEvery);
    }
}

}  // namespace orderflow::orderctl
