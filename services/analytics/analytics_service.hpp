#pragma once
// Folds every event of the catalog into the order's view and the counters; emits nothing. Runs on a
// consumer loop's thread.
#include <string>

#include "analytics/analytics_store.hpp"
#include "messaging/batch.hpp"

namespace orderflow::analytics {

class AnalyticsService final : public messaging::BatchHandler {
public:
    explicit AnalyticsService(AnalyticsStore& store) : store_(store) {}

    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;

private:
    AnalyticsStore& store_;
};

}  // namespace orderflow::analytics
