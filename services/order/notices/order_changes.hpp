#pragma once
// Receives the ids of orders whose rows have changed, in any process: the database sends a
// notification after each commit (SagaStore::update). The ids go to the clients' subscriptions.
#include <string>
#include <thread>

#include "core/gate.hpp"
#include "order/notices/notifications.hpp"

namespace orderflow::order {

// Runs on a thread and a connection of its own; calls `notifications` on the io thread.
class ChangeListener {
public:
    // `failures` counts broken connections. It begins when `database` is open; null: at once.
    ChangeListener(postgres::Url database_url, boost::asio::io_context& io,
                   Notifications& notifications, prometheus::Counter& failures,
                   const Gate* database = nullptr);
    void request_stop() { thread_.request_stop(); }
    void stop();  // blocks

private:
    void run(std::stop_token stop, const postgres::Url& database_url);

    boost::asio::io_context& io_;
    Notifications& notifications_;
    prometheus::Counter& failures_;
    std::jthread thread_;
};

}  // namespace orderflow::order
