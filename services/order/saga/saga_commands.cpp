#include "order/saga/saga_commands.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "core/digest.hpp"
#include "core/enums.hpp"
#include "events/codec.hpp"
#include "order/saga/order_ids.hpp"
#include "outbox/aggregates.hpp"

namespace orderflow::order {
namespace {

using outbox::Answer;
using outbox::BatchOutput;
using outbox::KeptAnswer;
using CancelAnswer = Answer<std::optional<State>>;

// The content of the request, independent of its notation.
Digest request_of(const Placement& placement) {
    events::Order asked = placement.order;
    asked.placed_at = {};
    if (placement.default_payment) asked.payment = {};
    std::string text;
    events::encode(asked, text);
    return digest_of(text);
}

// A cancellation asks for nothing but its order.
Digest request_of(const Cancellation& cancellation) { return Digest{cancellation.id.bytes}; }

template <class Command>
std::string_view key_of(const Command& command) {
    return command.key;
}

template <class Command>
bool same_request(const Command& command, const KeptAnswer& kept) {
    return request_of(command) == kept.request;
}

constexpr outbox::KeyCodec<Placement, OrderId, KeptAnswer> kPlacementCodec{
    .key = key_of<Placement>,
    .same = same_request<Placement>,
    .keep = [](const Placement& placement, const OrderId& id) -> std::optional<KeptAnswer> {
        return KeptAnswer{request_of(placement), id.to_string()};
    },
    .outcome = [](const KeptAnswer& kept) { return OrderId::parse(kept.answer).value(); }};

// Nothing is stored of an unknown order: it may still be placed.
constexpr outbox::KeyCodec<Cancellation, std::optional<State>, KeptAnswer> kCancellationCodec{
    .key = key_of<Cancellation>,
    .same = same_request<Cancellation>,
    .keep = [](const Cancellation& cancellation,
               const std::optional<State>& state) -> std::optional<KeptAnswer> {
        if (!state) return std::nullopt;
        return KeptAnswer{request_of(cancellation), std::string(name_of(*state))};
    },
    .outcome = [](const KeptAnswer& kept) { return std::optional(enum_of<State>(kept.answer)); }};

bool place_all(const std::shared_ptr<SagaStore>& store, std::span<Placement* const> placements,
               Instant now, BatchOutput& out, std::span<Answer<OrderId>> answers) {
    std::vector<NewOrder> orders;
    orders.reserve(placements.size());
    for (std::size_t i = 0; i < placements.size(); ++i) {
        Placement& placement = *placements[i];
        placement.order.placed_at = now;
        Decision decision = place(placement.id, placement.order);
        orders.push_back({placement.id, std::move(*decision.next), &placement.order});
        for (auto& event : decision.events) out.emit(std::move(event), placement.traceparent);
        answers[i].outcome = placement.id;
    }
    return store->insert(orders);
}

bool cancel_all(const std::shared_ptr<SagaStore>& store,
                std::span<Cancellation* const> cancellations, Instant now, BatchOutput& out,
                std::span<CancelAnswer> answers) {
    const auto ids = outbox::distinct_ids(
        cancellations, [](const Cancellation* cancellation) { return &cancellation->id; });
    Sagas sagas = store->load(ids);
    for (std::size_t i = 0; i < cancellations.size(); ++i) {
        const Cancellation& cancellation = *cancellations[i];
        const Saga* saga = sagas.find(cancellation.id);
        if (!saga) continue;
        Decision decision = cancel(cancellation.id, *saga, events::Reason::CUSTOMER, now);
        for (auto& event : decision.events) out.emit(std::move(event), cancellation.traceparent);
        if (decision.next) sagas.put(cancellation.id, std::move(*decision.next));
        answers[i].outcome = sagas.find(cancellation.id)->state;
    }
    return store->update(sagas);
}

// Those that have an id were tried before, and not committed: in a larger batch, for example.
void give_ids(std::span<Placement* const> placements, OrderIds& ids, Instant now) {
    const auto has_none = [](const Placement* placement) { return placement->id == OrderId{}; };
    const auto missing = static_cast<std::size_t>(std::ranges::count_if(placements, has_none));
    const std::vector<OrderId> drawn = ids.next(missing, now);
    auto next = drawn.begin();
    for (Placement* placement : placements) {
        if (has_none(placement)) placement->id = *next++;
    }
}

void look_up(const std::shared_ptr<SagaStore>& store, std::span<Placement* const> placements,
             std::span<Answer<OrderId>> answers) {
    const auto ids =
        outbox::distinct_ids(placements, [](const Placement* placement) { return &placement->id; });
    const Sagas placed = store->load(ids);
    for (std::size_t i = 0; i < placements.size(); ++i) {
        const OrderId& id = placements[i]->id;
        if (placed.find(id)) answers[i] = {outbox::Fate::done, id};
    }
}

}  // namespace

// In the transaction of a CommandLoop: outbox::idempotent claims the keys of all commands with one
// statement, passes the commands whose keys are new to place_all, and stores their outcomes.
outbox::Apply<Placement, OrderId> place_orders(std::shared_ptr<SagaStore> store,
                                               std::shared_ptr<outbox::RequestKeys> keys) {
    outbox::Apply<Placement, OrderId> apply = std::bind_front(place_all, std::move(store));
    return outbox::idempotent(std::move(keys), kPlacementCodec, std::move(apply));
}

outbox::Apply<Cancellation, std::optional<State>> cancel_orders(
    std::shared_ptr<SagaStore> store, std::shared_ptr<outbox::RequestKeys> keys) {
    outbox::Apply<Cancellation, std::optional<State>> apply =
        std::bind_front(cancel_all, std::move(store));
    return outbox::idempotent(std::move(keys), kCancellationCodec, std::move(apply));
}

AcceptLoop::MakeSteps accept_steps(const Admission& admission) {
    return [&admission](postgres::Connection& connection) {
        const std::shared_ptr<SagaStore> store = make_saga_store(connection);
        AcceptLoop::Steps steps;
        steps.apply = [ids = std::make_shared<OrderIds>(),
                       place = place_orders(store, outbox::make_request_keys(connection))](
                          std::span<Placement* const> placements, Instant now, BatchOutput& out,
                          std::span<Answer<OrderId>> answers) {
            give_ids(placements, *ids, now);
            return place(placements, now, out, answers);
        };
        steps.look_up = std::bind_front(look_up, store);
        steps.pause = [&admission] { return admission.pause(Admission::Clock::now()); };
        return steps;
    };
}

CancelLoop::MakeSteps cancel_steps() {
    return [](postgres::Connection& connection) {
        CancelLoop::Steps steps;
        steps.apply =
            cancel_orders(make_saga_store(connection), outbox::make_request_keys(connection));
        return steps;
    };
}

}  // namespace orderflow::order
