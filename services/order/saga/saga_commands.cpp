#include "order/saga/saga_commands.hpp"

#include <map>

#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include "core/digest.hpp"
#include "core/pause.hpp"
#include "events/codec.hpp"
#include "loops/failures.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

using outbox::BatchOutput;

namespace {

constexpr std::chrono::seconds kExpireEvery{1};

// The keys of a set of requests, each once.
template <class Request>
Claims claim_keys(KeyStore& keys, std::span<const Request> requests) {
    std::vector<std::string_view> wanted;
    for (const Request& request : requests) wanted.push_back(request.key);
    wanted = outbox::distinct_keys(std::move(wanted));
    return wanted.empty() ? Claims{} : keys.claim(wanted);
}

// The content of the request, independent of its notation.
Digest request_of(const Placement& placement) {
    events::Order asked = placement.order;
    asked.placed_at = {};
    if (placement.default_payment) asked.payment = {};
    std::string text;
    events::encode(asked, text);
    return digest_of(text);
}

PlaceOutcome replay(const Digest& request, const KeptAnswer& kept) {
    return {kept.request == request ? Outcome::done : Outcome::mismatch, kept.order_id};
}

CancelOutcome replay(const Cancellation& cancellation, const KeptAnswer& kept) {
    const bool same = kept.answer && kept.order_id == cancellation.id;
    if (!same) return {Outcome::mismatch, std::nullopt};
    return {Outcome::done, kept.answer};
}

bool insert_orders(SagaStore& store, std::span<Placement* const> placements, Instant now,
                   BatchOutput& out) {
    std::vector<NewOrder> orders;
    orders.reserve(placements.size());
    for (Placement* placement : placements) {
        placement->order.placed_at = now;
        Decision decision = place(placement->id, placement->order);
        orders.push_back({placement->id, std::move(*decision.next), &placement->order});
        for (auto& event : decision.events) out.emit(std::move(event), placement->traceparent);
    }
    return store.insert(orders);
}

bool cancel_all(SagaStore& store, std::span<const Cancellation* const> cancellations, Instant now,
                BatchOutput& out, std::vector<std::optional<State>>& states) {
    const auto ids = outbox::distinct_ids(
        cancellations, [](const Cancellation* cancellation) { return &cancellation->id; });
    Sagas sagas = store.load(ids);
    states.clear();
    for (const Cancellation* cancellation : cancellations) {
        const Saga* saga = sagas.find(cancellation->id);
        if (!saga) {
            states.push_back(std::nullopt);
            continue;
        }
        Decision decision = cancel(cancellation->id, *saga, events::Reason::CUSTOMER, now);
        for (auto& event : decision.events) out.emit(std::move(event), cancellation->traceparent);
        if (decision.next) sagas.put(cancellation->id, std::move(*decision.next));
        states.push_back(sagas.find(cancellation->id)->state);
    }
    return store.update(sagas);
}

}  // namespace

bool place_orders(SagaStore& store, KeyStore& keys, std::span<Placement> placements, Instant now,
                  BatchOutput& out, std::vector<PlaceOutcome>& outcomes) {
    const Claims claims = claim_keys(keys, std::span<const Placement>(placements));
    std::vector<Placement*> fresh;
    std::vector<KeptKey> kept;
    std::map<std::string_view, KeptAnswer> first;  // with each new key
    outcomes.clear();
    for (Placement& placement : placements) {
        PlaceOutcome& outcome = outcomes.emplace_back(PlaceOutcome{Outcome::done, placement.id});
        if (!placement.key.empty()) {
            const Claim& claim = claims.at(placement.key);
            if (claim.busy) {
                outcome.what = Outcome::busy;
                continue;
            }
            const KeptAnswer answer{placement.id, std::nullopt, request_of(placement)};
            const auto [leader, is_first] = first.try_emplace(placement.key, answer);
            if (claim.kept || !is_first) {  // or a double of one in the same batch
                outcome = replay(*answer.request, claim.kept.value_or(leader->second));
                continue;
            }
            kept.push_back({placement.key, answer});
        }
        fresh.push_back(&placement);
    }
    keys.keep(kept, now);
    return insert_orders(store, fresh, now, out);
}

bool cancel_orders(SagaStore& store, KeyStore& keys, std::span<const Cancellation> cancellations,
                   Instant now, BatchOutput& out, std::vector<CancelOutcome>& outcomes) {
    const Claims claims = claim_keys(keys, cancellations);
    outcomes.assign(cancellations.size(), {Outcome::done, std::nullopt});
    std::vector<const Cancellation*> fresh;
    std::vector<std::size_t> where;             // each of `fresh` in `cancellations`
    std::map<std::string_view, OrderId> first;  // with each new key
    for (std::size_t i = 0; i < cancellations.size(); ++i) {
        const Cancellation& cancellation = cancellations[i];
        if (!cancellation.key.empty()) {
            const Claim& claim = claims.at(cancellation.key);
            if (claim.busy) {
                outcomes[i].what = Outcome::busy;
                continue;
            }
            if (claim.kept) {
                outcomes[i] = replay(cancellation, *claim.kept);
                continue;
            }
            const auto leader = first.try_emplace(cancellation.key, cancellation.id).first;
            if (leader->second != cancellation.id) {
                outcomes[i].what = Outcome::mismatch;
                continue;
            }
        }
        fresh.push_back(&cancellation);
        where.push_back(i);
    }
    std::vector<std::optional<State>> states;
    const bool saved = cancel_all(store, fresh, now, out, states);
    std::vector<KeptKey> kept;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        outcomes[where[i]].state = states[i];
        // Only the first of equal keys in one batch; an unknown order may still be placed.
        if (states[i] && first.erase(fresh[i]->key) > 0) {
            kept.push_back({fresh[i]->key, {fresh[i]->id, states[i], std::nullopt}});
        }
    }
    if (saved) keys.keep(kept, now);
    return saved;
}

namespace {

class AcceptWorker final : public AcceptLoop::Worker {
public:
    AcceptWorker(postgres::Connection& connection, const Admission& admission)
        : connection_(connection),
          store_(make_saga_store(connection)),
          keys_(make_key_store(connection)),
          admission_(admission) {}

    void run(outbox::UnitOfWork& work, std::span<Placement> batch) override {
        std::vector<PlaceOutcome> outcomes;
        outbox::run_transaction(work, [&](Instant now, BatchOutput& out) {
            return place_orders(*store_, *keys_, batch, now, out, outcomes);
        });
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(outcomes[i]);
        std::this_thread::sleep_for(admission_.pause(Admission::Clock::now()));
    }

    void fail(std::span<Placement> batch) noexcept override {
        Sagas placed;
        try {
            const auto ids = outbox::distinct_ids(
                batch, [](const Placement& placement) { return &placement.id; });
            placed = store_->load(ids);
        } catch (const std::exception&) {  // still unavailable: the outcome stays unknown
            loops::report_failure("accept", connection_);
        }
        for (const Placement& placement : batch) {
            const bool found = placed.find(placement.id) != nullptr;
            placement.done({found ? Outcome::done : Outcome::unknown, placement.id});
        }
    }

private:
    postgres::Connection& connection_;
    const std::unique_ptr<SagaStore> store_;
    const std::unique_ptr<KeyStore> keys_;
    const Admission& admission_;
};

class CancelWorker final : public CancelLoop::Worker {
public:
    explicit CancelWorker(postgres::Connection& connection)
        : store_(make_saga_store(connection)), keys_(make_key_store(connection)) {}

    void run(outbox::UnitOfWork& work, std::span<Cancellation> batch) override {
        std::vector<CancelOutcome> outcomes;
        outbox::run_transaction(work, [&](Instant now, BatchOutput& out) {
            return cancel_orders(*store_, *keys_, batch, now, out, outcomes);
        });
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(outcomes[i]);
    }

    // A cancellation may be requested again.
    void fail(std::span<Cancellation> batch) noexcept override {
        for (const Cancellation& cancellation : batch) cancellation.done({});
    }

private:
    const std::unique_ptr<SagaStore> store_;
    const std::unique_ptr<KeyStore> keys_;
};

}  // namespace

AcceptLoop::MakeWorker accept_worker(const Admission& admission) {
    return [&admission](postgres::Connection& connection) {
        return std::make_unique<AcceptWorker>(connection, admission);
    };
}

CancelLoop::MakeWorker cancel_worker() {
    return
        [](postgres::Connection& connection) { return std::make_unique<CancelWorker>(connection); };
}

KeyExpiry::KeyExpiry(KeyStore& keys, std::chrono::seconds kept, prometheus::Registry& registry)
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

loops::Ticker key_expiry_ticker(const loops::Context& context, std::chrono::seconds kept) {
    auto make_step = [context, kept](postgres::Connection& connection) -> loops::Ticker::Step {
        std::shared_ptr<KeyStore> keys = make_key_store(connection);
        auto expiry = std::make_shared<KeyExpiry>(*keys, kept, context.registry);
        return [keys, expiry] {
            expiry->step(system_now(), std::chrono::steady_clock::now());
            return std::nullopt;
        };
    };
    return {context, "key-expiry", kExpireEvery, std::move(make_step)};
}

}  // namespace orderflow::order
