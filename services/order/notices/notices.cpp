#include "order/notices/notices.hpp"

#include <algorithm>
#include <charconv>

#include <boost/describe.hpp>

#include "core/enums.hpp"
#include "events/catalog.hpp"
#include "json/json.hpp"

namespace orderflow::order {

struct Frame {
    std::string type;
    std::string topic;
    OrderId order_id;
    std::int64_t seq = 0;
    std::string epoch;
    std::string step;
    std::string service;
    State status = State::PROCESSING;
    Instant timestamp{};
    std::string title;
    std::string message;
    std::optional<events::Reason> reason;
    std::optional<std::vector<events::Compensation>> undone;
    std::optional<ShipmentId> shipment_id;
};
BOOST_DESCRIBE_STRUCT(Frame, (),
                      (type, topic, order_id, seq, epoch, step, service, status, timestamp, title,
                       message, reason, undone, shipment_id))

namespace {

using events::EventKind;

constexpr std::string_view kTopicPrefix = "/topic/order/";

struct Words {
    const char* title;
    const char* message;
};

Words words_of(EventKind kind) {
    switch (kind) {
        case EventKind::OrderPlaced: return {"주문 접수", "주문이 접수되었습니다."};
        case EventKind::StockReserved: return {"재고 확보", "상품 재고를 확보했습니다."};
        case EventKind::PaymentCaptured: return {"결제 완료", "결제가 승인되었습니다."};
        case EventKind::OrderCompleted:
            return {"🎉 주문 완료!", "주문 및 결제가 성공적으로 완료되었습니다!"};
        case EventKind::CancellationStarted: return {"주문 취소 중", "주문을 취소하고 있습니다."};
        case EventKind::StockReleased: return {"재고 반환", "확보한 재고를 되돌렸습니다."};
        case EventKind::PaymentRefunded: return {"환불 완료", "결제 금액을 환불했습니다."};
        case EventKind::ShipmentVoided: return {"배송 취소", "배송을 취소했습니다."};
        case EventKind::NothingToCompensate:
            return {"취소 확인", "이 단계에서 되돌릴 것이 없습니다."};
        case EventKind::OrderCancelled: return {"주문 취소", "주문이 취소되었습니다."};
        case EventKind::StockRejected:
        case EventKind::StockAdjusted:
        case EventKind::PaymentDeclined:
        case EventKind::ShipmentScheduled:
        case EventKind::ShipmentRefused: break;  // not in an order's history
    }
    throw std::logic_error("no step of an order");
}

const char* type_of(EventKind kind) {
    if (kind == EventKind::OrderCompleted) return "ORDER_COMPLETED";
    if (kind == EventKind::OrderCancelled) return "ORDER_CANCELLED";
    return "ORDER_STATUS";
}

}  // namespace

std::string epoch_of(const Saga& saga) {
    const auto since = saga.recreated_at.value_or(saga.placed_at).time_since_epoch().count();
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, since, 16).ptr;
    return {digits, end};
}

std::string topic_of(const OrderId& id) { return std::string(kTopicPrefix) + id.to_string(); }

std::optional<OrderId> order_of_topic(std::string_view topic) {
    if (!topic.starts_with(kTopicPrefix)) return std::nullopt;
    return OrderId::parse(topic.substr(kTopicPrefix.size()));
}

std::vector<std::string> frames(const OrderId& id, const Saga& saga, std::int64_t since) {
    std::vector<std::string> list;
    const auto past = history(saga);
    Frame frame;
    frame.topic = topic_of(id);
    frame.order_id = id;
    frame.epoch = epoch_of(saga);
    for (std::int64_t seq = std::max<std::int64_t>(since, 0) + 1; seq <= std::ssize(past); ++seq) {
        const HistoryEntry& entry = past[static_cast<std::size_t>(seq - 1)];
        const Words words = words_of(entry.kind);
        frame.type = type_of(entry.kind);
        frame.seq = seq;
        const std::string_view step = events::type_name(entry.kind);
        frame.step = step.substr(0, step.rfind(".v"));
        frame.service = events::names_of(entry.service).name;
        frame.status = entry.state;
        frame.timestamp = entry.at;
        frame.title = words.title;
        frame.message = words.message;
        if (entry.state != State::PROCESSING) frame.reason = saga.reason;
        if (entry.kind == EventKind::OrderCancelled) frame.undone = compensations(saga.undone);
        if (entry.kind == EventKind::OrderCompleted) frame.shipment_id = saga.shipment_id;
        list.push_back(json::to_json(frame));
    }
    return list;
}

}  // namespace orderflow::order
