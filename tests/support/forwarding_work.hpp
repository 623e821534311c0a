#pragma once
// A unit of work that forwards its calls to another one, which must outlive it. One thread.
#include "loops/batch.hpp"
#include "outbox/parking.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::test {

// Forwards every call. It is a base for classes that override one call.
class ForwardingWork : public outbox::UnitOfWork {
public:
    explicit ForwardingWork(UnitOfWork& inner) : inner_(inner) {}
    Instant begin() override { return inner_.begin(); }
    bool some_blocked() const override { return inner_.some_blocked(); }
    std::vector<std::string> blocked(std::span<const std::string_view> keys) override {
        return inner_.blocked(keys);
    }
    std::optional<outbox::DueRecord> take_due(Instant now) override { return inner_.take_due(now); }
    void park(std::span<const outbox::ParkedRecord> records) override { inner_.park(records); }
    bool retried(const outbox::Retried& retried) override { return inner_.retried(retried); }
    void commit(std::span<const outbox::OutgoingEvent> events) override { inner_.commit(events); }
    void rollback() noexcept override { inner_.rollback(); }

protected:
    UnitOfWork& inner_;
};

}  // namespace orderflow::test
