// The mutants that make a mistake in the handling of a batch.
#include <set>
#include <stdexcept>

#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "simulation/mutants.hpp"

namespace orderflow::simulation::mutants {
namespace {

using kafka::Delivery;
using outbox::BatchOutput;

class PlainHandler : public loops::BatchHandler {
public:
    explicit PlainHandler(BatchHandler& inner) : inner_(inner) {}
    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        return inner_.handle(now, batch, out);
    }
    void committed() override { inner_.committed(); }

protected:
    BatchHandler& inner_;
};

// Once a batch has failed, each of its records fails, too.
class WholeBatchParked final : public PlainHandler {
public:
    using PlainHandler::PlainHandler;
    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        bool failed = false;
        for (const Delivery& delivery : batch) {
            failed = failed_.contains(delivery.id) || failed;
            if (batch.size() == 1) failed_.erase(delivery.id);
        }
        if (failed) throw std::runtime_error(what_);
        try {
            return inner_.handle(now, batch, out);
        } catch (const std::exception& error) {
            if (outbox::is_unavailable(error) || batch.size() == 1) throw;
            what_ = error.what();
            for (const Delivery& delivery : batch) failed_.insert(delivery.id);
            throw;
        }
    }

private:
    std::set<EventId> failed_;
    std::string what_;
};

class DecidesAgainstLoadedState final : public loops::BatchHandler {
public:
    explicit DecidesAgainstLoadedState(std::unique_ptr<BatchHandler> inner)
        : inner_(std::move(inner)) {}
    // Handles the records one by one; the writes of an earlier record are not visible before the
    // commit.
    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (!inner_->handle(now, batch.subspan(i, 1), out)) return false;
        }
        return true;
    }
    void committed() override { inner_->committed(); }

private:
    const std::unique_ptr<BatchHandler> inner_;
};

class ActsBeforeCommit final : public loops::BatchHandler {
public:
    explicit ActsBeforeCommit(std::unique_ptr<BatchHandler> inner) : inner_(std::move(inner)) {}
    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        const bool handled = inner_->handle(now, batch, out);
        inner_->committed();
        return handled;
    }

private:
    const std::unique_ptr<BatchHandler> inner_;
};

class ForgetsWhatWasCommitted final : public loops::BatchHandler {
public:
    explicit ForgetsWhatWasCommitted(std::unique_ptr<BatchHandler> inner)
        : inner_(std::move(inner)) {}
    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        return inner_->handle(now, batch, out);
    }

private:
    const std::unique_ptr<BatchHandler> inner_;
};

}  // namespace

std::unique_ptr<loops::BatchHandler> batch_handler(Mutant mutant, loops::BatchHandler& handler) {
    if (mutant == Mutant::whole_batch_parked) return std::make_unique<WholeBatchParked>(handler);
    return std::make_unique<PlainHandler>(handler);
}

std::unique_ptr<loops::BatchHandler> handler(Mutant mutant,
                                             std::unique_ptr<loops::BatchHandler> handler) {
    if (mutant == Mutant::batch_decides_against_loaded_state) {
        return std::make_unique<DecidesAgainstLoadedState>(std::move(handler));
    }
    if (mutant == Mutant::charge_before_intent) {
        return std::make_unique<ActsBeforeCommit>(std::move(handler));
    }
    if (mutant == Mutant::calls_lost_without_recovery) {
        return std::make_unique<ForgetsWhatWasCommitted>(std::move(handler));
    }
    return handler;
}

}  // namespace orderflow::simulation::mutants
