#include "analytics/timeline/spans.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/enums.hpp"
#include "json/json.hpp"
#include "events/saga_order.hpp"

namespace orderflow::analytics {
namespace {

using events::EventKind;
using events::Reason;
using events::Service;
using json::Writer;

// The numbers of OTLP's trace.proto.
enum SpanKind { kInternal = 1, kProducer = 4 };
constexpr int kStatusError = 2;

constexpr std::array kProducers{Service::order, Service::inventory, Service::payment,
                                Service::shipping};
constexpr std::string_view kRootName = "order";

// The event at which the time of a step begins. OrderPlaced and CancellationStarted follow a
// request or a time-out, which has no event; OrderCancelled follows the last answer.
// In the order of Slot.
constexpr auto kCauses = std::to_array<std::optional<Slot>>({
    {},                          // order_placed
    Slot::order_placed,          // stock_reserved
    Slot::order_placed,          // stock_rejected
    Slot::stock_reserved,        // payment_captured
    Slot::stock_reserved,        // payment_declined
    Slot::payment_captured,      // shipment_scheduled
    Slot::payment_captured,      // shipment_refused
    {},                          // cancellation_started
    Slot::cancellation_started,  // stock_released
    Slot::cancellation_started,  // inventory_nothing
    Slot::cancellation_started,  // payment_refunded
    Slot::cancellation_started,  // payment_nothing
    Slot::cancellation_started,  // shipment_voided
    Slot::cancellation_started,  // shipping_nothing
    Slot::shipment_scheduled,    // order_completed
    {},                          // order_cancelled
});
static_assert(kCauses.size() == kSlots);

Slot slot_at(std::size_t index) { return static_cast<Slot>(index); }

bool is_answer(Slot slot) {
    return events::saga_rank(info(slot).kind) == events::saga_rank(EventKind::NothingToCompensate);
}

// The refusal that caused a cancellation with this reason.
std::optional<Slot> refusal_of(Reason reason) {
    switch (reason) {
        case Reason::OUT_OF_STOCK:
        case Reason::UNKNOWN_PRODUCT:
        case Reason::PRICE_MISMATCH: return Slot::stock_rejected;
        case Reason::CARD_DECLINED:
        case Reason::CARD_TOKEN_UNKNOWN: return Slot::payment_declined;
        case Reason::CARRIER_REFUSED:
        case Reason::STORAGE_FULL: return Slot::shipment_refused;
        case Reason::CUSTOMER:
        case Reason::DEADLINE: return std::nullopt;
    }
    return std::nullopt;
}

bool is_refusal(Slot slot) {
    return slot == Slot::stock_rejected || slot == Slot::payment_declined ||
           slot == Slot::shipment_refused;
}

// The step that a compensating event undid, if it was seen: a charge may be undone although no
// capture was reported.
std::optional<Slot> undone_by(const Timeline& timeline, Slot slot) {
    if (!info(slot).compensates) return std::nullopt;
    for (std::size_t i = 0; i < kSlots; ++i) {
        if (timeline.marks[i] && info(slot_at(i)).kind == *info(slot).compensates)
            return slot_at(i);
    }
    return std::nullopt;
}

// Never after the event itself, whatever the services' clocks show.
Instant begin_of(const Timeline& timeline, Slot slot) {
    const Instant end = timeline[slot]->time;
    Instant begin = end;
    if (slot == Slot::cancellation_started && timeline.reason) {
        const auto refusal = refusal_of(*timeline.reason);
        if (refusal && timeline[*refusal]) begin = timeline[*refusal]->time;
    } else if (slot == Slot::order_cancelled) {
        std::optional<Instant> last;
        for (std::size_t i = 0; i < kSlots; ++i) {
            if (!timeline.marks[i] || !is_answer(slot_at(i))) continue;
            last = std::max(last.value_or(timeline.marks[i]->time), timeline.marks[i]->time);
        }
        begin = last.value_or(end);
    } else if (const auto cause = kCauses[static_cast<std::size_t>(slot)];
               cause && timeline[*cause]) {
        begin = timeline[*cause]->time;
    }
    return std::min(begin, end);
}

bool emitted(const Timeline& timeline, Service producer) {
    for (std::size_t i = 0; i < kSlots; ++i) {
        if (timeline.marks[i] && info(slot_at(i)).producer == producer) return true;
    }
    return false;
}

std::string hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

class SpanWriter {
public:
    explicit SpanWriter(std::string& out) : sink_{out}, writer_(sink_) {}

    void write(std::span<const KnownOrder> orders, const std::string& environment) {
        writer_.StartObject();
        writer_.Key("resourceSpans");
        writer_.StartArray();
        for (const Service producer : kProducers) {
            const bool took_part = std::ranges::any_of(
                orders, [&](const KnownOrder& order) { return emitted(order.timeline, producer); });
            if (took_part) write_resource(producer, orders, environment);
        }
        writer_.EndArray();
        writer_.EndObject();
    }

private:
    void text(const char* key, std::string_view value) {
        writer_.Key(key);
        json::write_text(writer_, value);
    }

    // 64-bit integers are strings in protobuf's JSON.
    void time(const char* key, Instant instant) {
        text(key, std::to_string(instant.time_since_epoch().count() * 1'000));
    }

    void attribute(std::string_view key, std::string_view value, const char* type = "stringValue") {
        writer_.StartObject();
        text("key", key);
        writer_.Key("value");
        writer_.StartObject();
        text(type, value);
        writer_.EndObject();
        writer_.EndObject();
    }

    // The service that did the steps, not the one that sends the spans.
    void write_resource(Service producer, std::span<const KnownOrder> orders,
                        const std::string& environment) {
        writer_.StartObject();
        writer_.Key("resource");
        writer_.StartObject();
        writer_.Key("attributes");
        writer_.StartArray();
        attribute("service.name", events::names_of(producer).name);
        attribute("service.namespace", "orderflow");
        attribute("deployment.environment.name", environment);
        writer_.EndArray();
        writer_.EndObject();
        writer_.Key("scopeSpans");
        writer_.StartArray();
        writer_.StartObject();
        writer_.Key("scope");
        writer_.StartObject();
        text("name", "orderflow.analytics");
        writer_.EndObject();
        writer_.Key("spans");
        writer_.StartArray();
        for (const KnownOrder& order : orders) {
            if (producer == Service::order) write_root(order);
            for (std::size_t i = 0; i < kSlots; ++i) {
                const Slot slot = slot_at(i);
                if (order.timeline[slot] && info(slot).producer == producer)
                    write_step(order, slot);
            }
        }
        writer_.EndArray();
        writer_.EndObject();
        writer_.EndArray();
        writer_.EndObject();
    }

    void write_root(const KnownOrder& order) {
        const Timeline& timeline = order.timeline;
        const Instant end = end_of(timeline)->time;
        const auto& placed = timeline[Slot::order_placed];
        writer_.StartObject();
        text("traceId", trace_id_of(order));
        text("spanId", span_id_of(order.id, std::nullopt));
        if (!timeline.traceparent.empty())
            text("parentSpanId", timeline.traceparent.substr(36, 16));
        text("name", kRootName);
        writer_.Key("kind");
        writer_.Int(kInternal);
        time("startTimeUnixNano", placed ? std::min(placed->time, end) : end);
        time("endTimeUnixNano", end);
        const bool cancelled = timeline[Slot::order_cancelled] && timeline.reason;
        writer_.Key("attributes");
        writer_.StartArray();
        attribute("orderflow.order.id", order.id.to_string());
        attribute("orderflow.order.status", name_of(status_of(timeline)));
        if (cancelled) attribute("error.type", name_of(*timeline.reason));
        writer_.EndArray();
        if (cancelled) write_error(name_of(*timeline.reason));
        writer_.EndObject();
    }

    void write_step(const KnownOrder& order, Slot slot) {
        const Timeline& timeline = order.timeline;
        const Mark& mark = *timeline[slot];
        const SlotInfo& what = info(slot);
        const std::string_view type = events::type_name(what.kind);
        writer_.StartObject();
        text("traceId", trace_id_of(order));
        text("spanId", span_id_of(order.id, slot));
        text("parentSpanId", span_id_of(order.id, std::nullopt));
        text("name", type.substr(0, type.rfind(".v")));
        writer_.Key("kind");
        writer_.Int(kProducer);
        time("startTimeUnixNano", begin_of(timeline, slot));
        time("endTimeUnixNano", mark.time);
        // The reason of the refusal, if the order was cancelled for it; otherwise analytics does
        // not have it.
        const bool is_reason = timeline.reason && refusal_of(*timeline.reason) == slot;
        writer_.Key("attributes");
        writer_.StartArray();
        attribute("messaging.system", "kafka");
        attribute("messaging.operation.name", "send");
        attribute("messaging.operation.type", "send");
        attribute("messaging.destination.name", events::topic_of(what.producer));
        attribute("messaging.destination.partition.id", std::to_string(mark.partition));
        attribute("messaging.kafka.offset", std::to_string(mark.offset), "intValue");
        attribute("orderflow.order.id", order.id.to_string());
        if (is_reason) attribute("error.type", name_of(*timeline.reason));
        writer_.EndArray();
        if (const auto undone = undone_by(timeline, slot)) write_link(order, *undone);
        if (is_refusal(slot)) write_error(is_reason ? name_of(*timeline.reason) : "");
        writer_.EndObject();
    }

    void write_link(const KnownOrder& order, Slot undone) {
        writer_.Key("links");
        writer_.StartArray();
        writer_.StartObject();
        text("traceId", trace_id_of(order));
        text("spanId", span_id_of(order.id, undone));
        writer_.EndObject();
        writer_.EndArray();
    }

    void write_error(std::string_view message) {
        writer_.Key("status");
        writer_.StartObject();
        writer_.Key("code");
        writer_.Int(kStatusError);
        if (!message.empty()) text("message", message);
        writer_.EndObject();
    }

    json::StringSink sink_;
    Writer writer_;
};

}  // namespace

bool is_whole(const Timeline& timeline) {
    if (!timeline[Slot::order_placed]) return false;
    if (timeline[Slot::order_completed]) {
        return timeline[Slot::stock_reserved] && timeline[Slot::payment_captured] &&
               timeline[Slot::shipment_scheduled];
    }
    const auto answered = [&](Service participant) {
        for (std::size_t i = 0; i < kSlots; ++i) {
            const Slot slot = slot_at(i);
            if (timeline[slot] && is_answer(slot) && info(slot).producer == participant)
                return true;
        }
        return false;
    };
    return timeline[Slot::cancellation_started] && timeline[Slot::order_cancelled] &&
           answered(Service::inventory) && answered(Service::payment) &&
           answered(Service::shipping);
}

bool is_sampled(const Timeline& timeline) { return !timeline.traceparent.ends_with("-00"); }

std::string trace_id_of(const KnownOrder& order) {
    if (!order.timeline.traceparent.empty()) return order.timeline.traceparent.substr(3, 32);
    return hex(order.id.bytes);
}

// The last eight bytes of the order's id; each slot changes the last five bits in its own way. The
// first bit of these bytes is 1 in a UUIDv7. It is set for other ids, too, since OTLP forbids a
// span id of zero.
std::string span_id_of(const OrderId& id, std::optional<Slot> slot) {
    std::array<std::uint8_t, 8> bytes{};
    std::copy_n(id.bytes.begin() + 8, bytes.size(), bytes.begin());
    bytes[0] |= 0x80;
    if (slot) bytes[7] = static_cast<std::uint8_t>(bytes[7] ^ (static_cast<unsigned>(*slot) + 1));
    return hex(bytes);
}

std::string traces_json(std::span<const KnownOrder> orders, const std::string& environment) {
    constexpr std::size_t kOrderBytes = 5'000;
    std::string body;
    body.reserve(orders.size() * kOrderBytes);
    SpanWriter(body).write(orders, environment);
    return body;
}

}  // namespace orderflow::analytics
