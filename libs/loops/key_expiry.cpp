#include "loops/key_expiry.hpp"

#include <memory>

#include <spdlog/spdlog.h>

namespace orderflow::loops {
namespace {

constexpr std::chrono::seconds kExpireEvery{1};

}  // namespace

KeyExpiry::KeyExpiry(outbox::RequestKeys& keys, std::chrono::seconds kept,
                     prometheus::Registry& registry)
    : keys_(keys),
      age_(kept),
      difference_(prometheus::BuildGauge()
                      .Name("orderflow_clock_difference_seconds")
                      .Help("Seconds by which the database's clock is ahead of the process's clock")
                      .Register(registry)
                      .Add({})) {}

void KeyExpiry::step(Instant process_now, SafeAge::Steady steady_now) {
    const auto limit = age_.look(keys_.clock(), process_now, steady_now);
    const double difference = std::chrono::duration<double>(age_.difference()).count();
    difference_.Set(difference);
    if (agreed_ != age_.clocks_agree()) {
        agreed_ = !agreed_;
        spdlog::warn("the database's clock differs by {:+.0f} s from this process's clock: {}",
                     difference,
                     agreed_ ? "old idempotency keys are deleted again"
                             : "no idempotency key is deleted until the clocks agree");
    }
    if (limit) keys_.expire(*limit);
}

Ticker key_expiry_ticker(const Context& context, std::chrono::seconds kept) {
    auto make_step = [context, kept](postgres::Connection& connection) -> Ticker::Step {
        std::shared_ptr<outbox::RequestKeys> keys = outbox::make_request_keys(connection);
        auto expiry = std::make_shared<KeyExpiry>(*keys, kept, context.registry);
        return [keys, expiry] {
            expiry->step(system_now(), std::chrono::steady_clock::now());
            return std::nullopt;
        };
    };
    return {context, "key-expiry", kExpireEvery, std::move(make_step)};
}

}  // namespace orderflow::loops
