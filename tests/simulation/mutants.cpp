#include "simulation/mutants.hpp"

#include <algorithm>

#include "core/enums.hpp"
#include "kafka/producer.hpp"
#include "outbox/parking.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/forwarding_work.hpp"

namespace orderflow::simulation::mutants {
namespace {

// Each mutant of this port overrides one call.
using Work = test::ForwardingWork;

class EventsOutOfOrder final : public Work {
public:
    using Work::Work;
    void commit(std::span<const outbox::OutgoingEvent> events) override {
        const std::vector<outbox::OutgoingEvent> reversed(events.rbegin(), events.rend());
        inner_.commit(reversed);
    }
};

class ParkedDoNotBlock final : public Work {
public:
    using Work::Work;
    std::vector<std::string> blocked(std::span<const std::string_view> keys) override {
        inner_.blocked(keys);
        return {};
    }
};

class DroppedRecords final : public Work {
public:
    DroppedRecords(UnitOfWork& inner, outbox::Parking dropped) : Work(inner), dropped_(dropped) {}
    void park(std::span<const outbox::ParkedRecord> records) override {
        std::vector<outbox::ParkedRecord> kept(records.begin(), records.end());
        std::erase_if(kept, [this](const auto& record) { return record.why == dropped_; });
        inner_.park(kept);
    }

private:
    const outbox::Parking dropped_;
};

class FailedRetryUnparks final : public Work {
public:
    using Work::Work;
    bool retried(const outbox::Retried& retried) override {
        return inner_.retried({retried.due, "", std::nullopt});
    }
};

class LedgerPort : public outbox::Ledger {
public:
    explicit LedgerPort(Ledger& inner) : inner_(inner) {}
    bool lead() override { return inner_.lead(); }
    std::int64_t checkpoint() override { return inner_.checkpoint(); }
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override {
        return inner_.read(after, limit);
    }
    void move_checkpoint(std::int64_t from, std::int64_t to) override {
        inner_.move_checkpoint(from, to);
    }
    std::string topic_id() override { return inner_.topic_id(); }
    void set_topic_id(const std::string& id, std::int64_t checkpoint) override {
        inner_.set_topic_id(id, checkpoint);
    }
    bool held() const override { return inner_.held(); }
    void release() noexcept override { inner_.release(); }

protected:
    Ledger& inner_;
};

class CheckpointAboveUnreportedEvent final : public LedgerPort {
public:
    using LedgerPort::LedgerPort;
    std::int64_t checkpoint() override { return read_ = saved_ = inner_.checkpoint(); }
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override {
        auto rows = inner_.read(after, limit);
        if (!rows.empty()) read_ = rows.back().seq;
        return rows;
    }
    void move_checkpoint(std::int64_t, std::int64_t) override {
        inner_.move_checkpoint(saved_, read_);
        saved_ = read_;
    }

private:
    std::int64_t read_ = 0;
    std::int64_t saved_ = 0;
};

class AnnouncementsInTheSagasLane final : public LedgerPort {
public:
    using LedgerPort::LedgerPort;
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override {
        auto rows = inner_.read(after, limit);
        for (auto& row : rows) row.elsewhere = false;
        return rows;
    }
};

class HoldOverlooked final : public LedgerPort {
public:
    using LedgerPort::LedgerPort;
    bool held() const override { return false; }
};

class OffsetsBeforeTransaction final : public kafka::RecordSource {
public:
    explicit OffsetsBeforeTransaction(std::unique_ptr<RecordSource> inner)
        : inner_(std::move(inner)) {}
    std::vector<kafka::Record> poll(Gathering& gathering, std::chrono::milliseconds idle) override {
        auto records = inner_->poll(gathering, idle);
        if (!records.empty()) inner_->processed(records);
        return records;
    }
    void processed(const std::vector<kafka::Record>&) override {}
    bool hold(std::chrono::milliseconds time, std::stop_token stop) override {
        return inner_->hold(time, std::move(stop));
    }
    void close() override { inner_->close(); }

private:
    const std::unique_ptr<RecordSource> inner_;
};

class ConfirmsBeforeReport final : public kafka::Producer {
public:
    explicit ConfirmsBeforeReport(std::unique_ptr<Producer> inner) : inner_(std::move(inner)) {}
    bool produce(const kafka::Message& row, std::uint64_t token) override {
        if (!inner_->produce(row, token)) return false;
        confirmed_.push_back({token, true});
        return true;
    }
    std::vector<Report> reports() override {
        inner_->reports();
        return std::exchange(confirmed_, {});
    }
    void flush(std::chrono::milliseconds at_most) override { inner_->flush(at_most); }

private:
    const std::unique_ptr<Producer> inner_;
    std::vector<Report> confirmed_;
};

// Takes an unclear answer of one kind for a clear "no".
class HastyGateway final : public payment::Gateway {
public:
    HastyGateway(Gateway& inner, std::string unclear) : inner_(inner), unclear_(unclear) {}

    boost::asio::awaitable<payment::ChargeResult> charge(payment::Call call) override {
        payment::ChargeResult result = co_await inner_.charge(std::move(call));
        if (means_no(result)) {
            result = payment::Declined{events::PaymentRejection::CARD_DECLINED};
        }
        co_return result;
    }
    boost::asio::awaitable<payment::CancelResult> cancel(OrderId id) override {
        payment::CancelResult result = co_await inner_.cancel(id);
        if (means_no(result)) result = payment::NothingTaken{};
        co_return result;
    }

private:
    template <class Result>
    bool means_no(const Result& result) const {
        const auto* unclear = std::get_if<payment::Unclear>(&result);
        return unclear && (unclear_.empty() || unclear->detail == unclear_);
    }

    Gateway& inner_;
    const std::string unclear_;
};

class PlainGateway final : public payment::Gateway {
public:
    explicit PlainGateway(Gateway& inner) : inner_(inner) {}
    boost::asio::awaitable<payment::ChargeResult> charge(payment::Call call) override {
        return inner_.charge(std::move(call));
    }
    boost::asio::awaitable<payment::CancelResult> cancel(OrderId id) override {
        return inner_.cancel(id);
    }

private:
    Gateway& inner_;
};

}  // namespace

std::vector<std::pair<Mutant, std::string>> all() {
    return {
        {Mutant::save_ignores_version, "a save overwrites what another member has written"},
        {Mutant::not_found_means_not_charged, "the gateway's 404 counts as a clear no"},
        {Mutant::timeout_means_declined, "an exchange without an answer counts as a clear no"},
        {Mutant::refusal_leaves_no_row, "REJECTED and REFUSED are not stored"},
        {Mutant::no_tombstone, "a cancellation that comes first is not stored"},
        {Mutant::batch_decides_against_loaded_state,
         "each record of a batch is decided against the rows as they were loaded"},
        {Mutant::relay_confirms_before_report, "the relay confirms what it has only produced"},
        {Mutant::checkpoint_above_unreported_event,
         "the checkpoint is where the relay has read to, not what was reported"},
        {Mutant::cancelled_after_two_answers, "an order is CANCELLED after two answers"},
        {Mutant::charge_before_intent, "calls are handed out before the intent is committed"},
        {Mutant::calls_lost_without_recovery,
         "calls are not handed out, and nobody looks for them in the table"},
        {Mutant::offsets_before_transaction, "offsets are committed before the transaction"},
        {Mutant::events_out_of_order, "a transaction's events are appended in reverse"},
        {Mutant::parked_do_not_block, "later records of a key pass the one that is parked"},
        {Mutant::failed_record_dropped, "a record that fails is not parked"},
        {Mutant::failed_retry_unparks, "a parked record is removed although its retry failed"},
        {Mutant::orphan_dropped, "a record of an order that nobody knows is not parked"},
        {Mutant::whole_batch_parked, "a batch that fails is parked whole"},
        {Mutant::inventory_without_tombstone,
         "inventory does not store a cancellation that comes first"},
        {Mutant::recent_payments_overlooked,
         "lost calls are looked for only by the slow walk over the whole table"},
        {Mutant::markers_count_as_lag, "a position does not step over the markers of transactions"},
        {Mutant::reset_position_not_committed,
         "where a position was reset to, as its records were deleted, is not committed"},
        {Mutant::offsets_outlive_their_log,
         "the greatest offset is committed, also of a topic that was made anew since"},
        {Mutant::deadline_knows_old_partitions,
         "the deadline computes with the partitions that topics are made with"},
        {Mutant::create_overwrites_stock,
         "a product that is created again has its free pieces set again"},
        {Mutant::adjustment_made_again,
         "what an adjustment's key came to is forgotten before it is sent again"},
        {Mutant::hold_overlooked, "a relay that leads goes on when it is held"},
        {Mutant::announcements_share_the_sagas_lane,
         "the saga's lane sends announcements, too, and waits for their topics"},
    };
}

std::string name_of(Mutant mutant) {
    std::string name(orderflow::name_of(mutant));
    std::ranges::replace(name, '_', '-');
    return name;
}

std::unique_ptr<outbox::UnitOfWork> unit_of_work(Mutant mutant, outbox::UnitOfWork& work) {
    if (mutant == Mutant::events_out_of_order) return std::make_unique<EventsOutOfOrder>(work);
    if (mutant == Mutant::parked_do_not_block) return std::make_unique<ParkedDoNotBlock>(work);
    if (mutant == Mutant::failed_record_dropped) {
        return std::make_unique<DroppedRecords>(work, outbox::Parking::failed);
    }
    if (mutant == Mutant::orphan_dropped) {
        return std::make_unique<DroppedRecords>(work, outbox::Parking::orphan);
    }
    if (mutant == Mutant::failed_retry_unparks) return std::make_unique<FailedRetryUnparks>(work);
    return std::make_unique<Work>(work);
}

std::unique_ptr<outbox::Ledger> ledger(Mutant mutant, outbox::Ledger& ledger) {
    if (mutant == Mutant::checkpoint_above_unreported_event) {
        return std::make_unique<CheckpointAboveUnreportedEvent>(ledger);
    }
    if (mutant == Mutant::announcements_share_the_sagas_lane) {
        return std::make_unique<AnnouncementsInTheSagasLane>(ledger);
    }
    if (mutant == Mutant::hold_overlooked) return std::make_unique<HoldOverlooked>(ledger);
    return std::make_unique<LedgerPort>(ledger);
}

std::unique_ptr<kafka::RecordSource> record_source(Mutant mutant,
                                                   std::unique_ptr<kafka::RecordSource> source) {
    if (mutant != Mutant::offsets_before_transaction) return source;
    return std::make_unique<OffsetsBeforeTransaction>(std::move(source));
}

std::unique_ptr<kafka::Producer> producer(Mutant mutant,
                                          std::unique_ptr<kafka::Producer> producer) {
    if (mutant != Mutant::relay_confirms_before_report) return producer;
    return std::make_unique<ConfirmsBeforeReport>(std::move(producer));
}

std::unique_ptr<payment::Gateway> gateway(Mutant mutant, payment::Gateway& gateway) {
    if (mutant == Mutant::not_found_means_not_charged) {
        return std::make_unique<HastyGateway>(gateway, "status 404");
    }
    if (mutant == Mutant::timeout_means_declined) {
        return std::make_unique<HastyGateway>(gateway, "timeout");
    }
    return std::make_unique<PlainGateway>(gateway);
}

}  // namespace orderflow::simulation::mutants
