#pragma once
// An order as an OpenTelemetry trace, in the JSON encoding of OTLP (opentelemetry.io/docs/specs/
// otlp, 1.x): one span for the order, and below it one for each of its events. Pure; used by
// analytics_traces.
//
// The spans of an order are the same whenever, and by whomever, they are made: their ids follow
// from the order's id, so that what is sent twice stands in a trace once. They name no customer.
#include <optional>
#include <span>
#include <string>

#include "analytics/timeline/timeline.hpp"

namespace orderflow::analytics {

// Whether all that leads to the order's end is in its view. Its events come by four topics, and the
// end may overtake what was before it; of one topic, they come in order.
bool is_whole(const OrderView& view);

// False: whoever placed the order does not record its trace, and says so in its traceparent.
bool is_sampled(const OrderView& view);

// 32 hex digits: the client's trace, or the order's id.
std::string trace_id_of(const KnownOrder& order);
// 16 hex digits: the span of the event in this slot; nullopt: of the order.
std::string span_id_of(const OrderId& id, std::optional<Slot> slot);

// The body of an ExportTraceServiceRequest with all of the orders, each of which has ended.
// `environment`: the name that the process was given for where it runs.
std::string traces_json(std::span<const KnownOrder> orders, const std::string& environment);

}  // namespace orderflow::analytics
