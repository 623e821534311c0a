#include "order/notices/order_changes.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <prometheus/counter.h>

#include "core/backoff.hpp"
#include "core/pause.hpp"
#include "loops/failures.hpp"
#include "postgres/connection.hpp"

namespace orderflow::order {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kListenTick{200};  // how late a stop may be noticed
constexpr std::chrono::milliseconds kProbeEvery{1'000};

}  // namespace

ChangeListener::ChangeListener(postgres::Url database_url, asio::io_context& io,
                               Notifications& notifications, prometheus::Counter& failures,
                               const Gate* database)
    : io_(io),
      notifications_(notifications),
      failures_(failures),
      thread_([this, url = std::move(database_url), database](std::stop_token stop) {
          if (!database || database->wait(stop)) run(stop, url);
      }) {}

void ChangeListener::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void ChangeListener::run(std::stop_token stop, const postgres::Url& database_url) {
    using Clock = std::chrono::steady_clock;
    postgres::Connection connection(database_url);
    Backoff backoff;
    while (!stop.stop_requested()) {
        try {
            connection.listen("order_changed");
            // A frozen listener would block the server's queue of notifications.
            connection.script("SET idle_session_timeout = '10s'");
            // Notifications of commits before this LISTEN did not reach this connection.
            asio::post(io_, [this] { notifications_.changed(); });
            backoff.reset();
            for (auto probe = Clock::now() + kProbeEvery; !stop.stop_requested();) {
                std::vector<OrderId> orders;
                for (const std::string& payload : connection.notifications(kListenTick)) {
                    for (std::size_t at = 0; at < payload.size(); at += 37) {
                        const auto id = OrderId::parse(std::string_view(payload).substr(at, 36));
                        if (id) orders.push_back(*id);
                    }
                }
                if (!orders.empty()) {
                    asio::post(io_, [this, orders] { notifications_.changed(orders); });
                }
                if (Clock::now() < probe) continue;
                connection.ping();
                probe = Clock::now() + kProbeEvery;
            }
        } catch (const std::exception&) {
            failures_.Increment();
            loops::report_failure("notifications", connection);
            pause(stop, backoff.next());
        }
    }
}

}  // namespace orderflow::order
