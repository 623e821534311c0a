"""Each order that has ended is an OpenTelemetry trace: a span for each of its events, where the event stands in Kafka,
what undid which step; in the client's trace if it has one; and whatever the collector does, orders end."""

import unittest
import uuid

from collector import Collector, attributes
from processes import Instance, metric, settings
from stack import Stack, SystemTest, eventually, request

KINDS = {  # what the client orders, and what the order ends of
    "completed": ({}, None),
    "out of stock": ({"quantity": 5}, "OUT_OF_STOCK"),
    "declined": ({"token": "tok_declined"}, "CARD_DECLINED"),
    "refused by the carrier": ({"country": "AQ"}, "CARRIER_REFUSED"),
    "cancelled by the customer": ({"token": "tok_slow_60s"}, "CUSTOMER"),
}
REFUSALS = {"StockRejected", "PaymentDeclined", "ShipmentRefused"}
ERROR = 2  # Status.STATUS_CODE_ERROR
UNDONE = {"StockReleased": "StockReserved", "PaymentRefunded": "PaymentCaptured", "ShipmentVoided": "ShipmentScheduled"}
SENT_WITHIN_S = 30  # five seconds after its end, and once more if not all of it was seen then


class TracesTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.collector = Collector()
        self.addCleanup(self.collector.close)

    def trace(self, order_id):
        """[(service, span)] as soon as the order's trace is there."""
        spans = eventually(SENT_WITHIN_S, lambda: self.collector.spans(order_id), 0.2)
        self.assertTrue(spans, f"no trace of order {order_id}")
        return spans

    def root(self, spans):
        roots = [span for _, span in spans if span.name == "order"]
        self.assertEqual(len(roots), 1)
        return roots[0]

    def places(self, spans):
        """(type, service, topic, partition, offset) of each event, as the spans have it."""
        found = []
        for service, span in spans:
            what = attributes(span)
            if span.name != "order":
                self.assertEqual(what["messaging.system"], "kafka")
                found.append((span.name, service, what["messaging.destination.name"],
                              int(what["messaging.destination.partition.id"]), what["messaging.kafka.offset"]))
        return sorted(found)

    def audited(self, order_id):
        rows = self.stack.audit("analytics", f"SELECT * FROM audit_v1_timeline WHERE order_id = '{order_id}'")
        return sorted((row["type"], row["producer"], row["topic"], row["partition"], row["offset"]) for row in rows)


class Sent(TracesTest):
    """By the stack's own instance, while the class runs."""

    @classmethod
    def setUpClass(cls):
        cls.kept = Collector()
        cls.addClassCleanup(cls.kept.close)
        on = settings("analytics", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=cls.kept.endpoint)
        on.__enter__()
        cls.addClassCleanup(on.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.collector = self.kept
        self.collector.answers.clear()

    def order_of(self, kind):
        wishes, reason = KINDS[kind]
        order_id = self.place(self.order(self.product(stock=2), **wishes))
        if reason == "CUSTOMER":
            request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
        self.assertEqual(self.final(order_id, 30).get("reason"), reason)
        return order_id

    def test_an_order_of_each_kind_is_one_trace_with_a_span_for_each_event(self):
        for kind, order_id in [(kind, self.order_of(kind)) for kind in KINDS]:
            with self.subTest(kind):
                spans = self.trace(order_id)
                self.assertEqual({span.trace_id.hex() for _, span in spans}, {order_id.replace("-", "")})
                self.assertEqual(self.places(spans), self.audited(order_id))
                root = self.root(spans)
                self.assertEqual(root.parent_span_id, b"")
                self.assertEqual({span.parent_span_id for _, span in spans} - {b""}, {root.span_id})
                self.assertEqual(len({span.span_id for _, span in spans}), len(spans))
                for _, span in spans:
                    self.assertLessEqual(span.start_time_unix_nano, span.end_time_unix_nano)
                    self.assertNotIn(self.customer, str(span))
                self.check_errors(spans, KINDS[kind][1])
                self.check_links(spans)
        for _, path, content_type, _ in self.collector.calls:
            self.assertEqual((path, content_type), ("/v1/traces", "application/json"))

    def check_errors(self, spans, reason):
        failed = {span.name: span.status.message for _, span in spans if span.status.code == ERROR}
        names = {"order"} | {span.name for _, span in spans} & REFUSALS if reason else set()
        self.assertEqual(failed, dict.fromkeys(names, reason))

    def check_links(self, spans):
        by_name = {span.name: span for _, span in spans}
        for _, span in spans:
            undone = UNDONE.get(span.name)
            linked = [(link.trace_id, link.span_id) for link in span.links]
            self.assertEqual(linked, [(span.trace_id, by_name[undone].span_id)] if undone else [], span.name)

    def test_the_clients_trace_goes_on(self):
        trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
        client = f"00-{trace}-{parent}-01"
        order_id = self.place(self.order(self.product()), {"traceparent": client})
        self.final(order_id)
        spans = self.trace(order_id)
        self.assertEqual({span.trace_id.hex() for _, span in spans}, {trace})
        self.assertEqual(self.root(spans).parent_span_id.hex(), parent)
        row = self.stack.audit("analytics", "SELECT traceparent FROM audit_v1_timeline_orders"
                               f" WHERE order_id = '{order_id}'")
        self.assertEqual(row, [{"traceparent": client}])

    def test_a_trace_that_the_client_does_not_record_is_not_sent(self):
        before = metric(Stack().url("analytics", ""), "orderflow_traces_total", outcome="not_sampled")
        unsampled = self.place(self.order(self.product()), {"traceparent": f"00-{uuid.uuid4().hex}-{'1' * 16}-00"})
        self.final(unsampled)
        later = self.place(self.order(self.product()))
        self.final(later)
        self.trace(later)
        self.assertEqual(self.collector.spans(unsampled), [])
        self.assertEqual(metric(Stack().url("analytics", ""), "orderflow_traces_total", outcome="not_sampled"),
                         before + 1)

    def test_a_request_that_is_refused_for_now_is_sent_again_and_taken_once(self):
        self.collector.answers += [(503, {}), (429, {"Retry-After": "2"})]
        order_id = self.place(self.order(self.product()))
        self.final(order_id)
        spans = self.trace(order_id)
        self.assertEqual(len(spans), 6)
        tries = [status for status, _, _, body in self.collector.calls if order_id.encode() in body]
        self.assertEqual(tries, [503, 429, 200])

    def test_a_stop_in_good_order_sends_what_has_ended(self):
        with Instance(self.stack, "analytics") as second:
            order_ids = [self.place(self.order(self.product())) for _ in range(12)]
            for order_id in order_ids:
                self.final(order_id)
                self.assertTrue(eventually(10, lambda: len(self.audited(order_id)) == 5), "not all events have come")
            second.stop()
        for order_id in order_ids:
            self.assertEqual(len(self.trace(order_id)), 6)


class Not(TracesTest):
    """What does not depend on a collector."""

    def has_loop(self, url):
        return b'orderflow_loop_failures_total{loop="traces"}' in request("GET", url + "/metrics").body

    def test_nothing_is_sent_unless_it_is_asked_for(self):
        url = self.stack.url("analytics", "")
        order_id = self.place(self.order(self.product()))
        self.final(order_id)
        self.timeline(order_id, "OrderCompleted")
        self.assertEqual(metric(url, "orderflow_traces_total"), 0)
        self.assertEqual(metric(url, "orderflow_trace_requests_total"), 0)
        self.assertFalse(self.has_loop(url))  # that would send this one in some seconds

    def test_a_collector_that_is_away_holds_up_nothing(self):
        self.collector.close()
        with settings("analytics", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=self.collector.endpoint) as stack:
            url = stack.url("analytics", "")
            self.assertTrue(self.has_loop(url))
            order_ids = [self.place(self.order(self.product())) for _ in range(5)]
            for order_id in order_ids:
                self.final(order_id)
                self.timeline(order_id, "OrderCompleted")
            self.assertTrue(eventually(SENT_WITHIN_S, lambda: metric(
                url, "orderflow_trace_requests_total", outcome="failed") >= 2, 0.2), "nothing was tried")
            self.assertEqual(request("GET", url + "/readyz").status, 200)
            self.assertEqual(metric(url, "orderflow_traces_total", outcome="exported"), 0)
            after = self.place(self.order(self.product()))
            self.final(after)
            self.timeline(after, "OrderCompleted")


if __name__ == "__main__":
    unittest.main()
