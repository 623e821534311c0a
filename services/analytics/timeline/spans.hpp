#pragma once
// An order as an OpenTelemetry trace, in the JSON encoding of OTLP
// (opentelemetry.io/docs/specs/otlp, 1.x): one span for the order, and below it one for each of its
// events. Pure; used by trace_export.cpp.
//
// The spans of an order are always the same, whichever process makes them: their ids follow from
// the order's id, so spans that are sent twice are in a trace once. They name no customer.
#include <optional>
#include <span>
#include <string>

#include "analytics/timeline/timeline.hpp"

namespace orderflow::analytics {

// Returns whether the timeline has all events that lead to the order's end. The events come by four
// topics, and the end may overtake earlier events; within one topic, they come in order.
bool is_whole(const Timeline& timeline);

// False: the client does not record the trace of its order, as its traceparent shows.
bool is_sampled(const Timeline& timeline);

// 32 hex digits: the client's trace, or the order's id.
std::string trace_id_of(const KnownOrder& order);
// 16 hex digits: the span of the event in this slot; nullopt: of the order.
std::string span_id_of(const OrderId& id, std::optional<Slot> slot);

// The body of an ExportTraceServiceRequest with all of the orders, each of which has ended.
// `environment`: the name that the process was given for where it runs.
std::string traces_json(std::span<const KnownOrder> orders, const std::string& environment);

}  // namespace orderflow::analytics
