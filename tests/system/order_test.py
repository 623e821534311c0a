"""An order's way through the whole stack: what the client sees, what every service keeps, what the gateway did."""

import unittest

from stack import SystemTest, eventually, request

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class CompletedOrder(SystemTest):
    def test_accepted_order_is_answered_with_its_place_and_state(self):
        answer = request("POST", self.stack.url("edge", "/api/orders"), self.order(self.product()))

        self.assertEqual(answer.status, 202)
        order_id = answer.json()["orderId"]
        self.assertEqual(answer.json()["status"], "PROCESSING")
        self.assertEqual(answer.json()["websocketTopic"], f"/topic/order/{order_id}")
        self.assertEqual(answer.headers["Location"], f"/api/orders/{order_id}")
        self.final(order_id)

    def test_completed_order_has_the_same_end_in_every_service(self):
        product = self.product(stock=10)
        order_id = self.place(self.order(product, quantity=3, country="KR"))
        order = self.final(order_id)

        self.assertEqual(order["status"], "COMPLETED")
        self.assertEqual(order["total"], 4500)
        self.assertEqual([step["status"] for step in order["steps"]], ["done", "done", "done"])
        self.assertEqual(order.get("waitingFor", []), [])
        self.assertEqual(self.events_of(order_id), {
            "orders": ["OrderPlaced", "OrderCompleted"], "inventory": ["StockReserved"],
            "payments": ["PaymentCaptured"], "shipping": ["ShipmentScheduled"]})
        self.assertEqual(self.charges(order_id), ["charge"])
        self.assertEqual(self.stack.ledger()[f"charge:{order_id}"][0]["amount"], 4500)
        self.assertTrue(eventually(10, lambda: self.stock(product) == (7, 0, 3)), self.stock(product))
        self.check_rows(order_id, order["shipmentId"])
        self.check_apis(order_id, order["shipmentId"])

    def check_rows(self, order_id, shipment_id):
        where = f" WHERE order_id = '{order_id}'"
        audit = self.stack.audit
        self.assertEqual(audit("orders", "SELECT state, reason, answers, total, currency, shipment_id"
                               " FROM audit_v1_orders" + where),
                         [{"state": "COMPLETED", "reason": None, "answers": 0, "total": 4500, "currency": "KRW",
                           "shipment_id": shipment_id}])
        self.assertEqual(audit("inventory", "SELECT state FROM audit_v1_reservations" + where), [{"state": "SOLD"}])
        self.assertEqual(audit("payments", "SELECT state, amount, currency FROM audit_v1_payments" + where),
                         [{"state": "CAPTURED", "amount": 4500, "currency": "KRW"}])
        self.assertEqual(audit("shipping", "SELECT state, shipment_id, storage_booked FROM audit_v1_shipments" + where),
                         [{"state": "SCHEDULED", "shipment_id": shipment_id, "storage_booked": False}])
        self.timeline(order_id, "OrderCompleted")
        self.assertEqual(len(audit("analytics", "SELECT type FROM audit_v1_timeline" + where)), 5)
        for database in ("orders", "inventory", "payments", "shipping"):
            self.assertEqual(audit(database, "SELECT id FROM audit_v1_parked" + where), [])

    def check_apis(self, order_id, shipment_id):
        payment = request("GET", self.stack.url("edge", f"/api/payments/{order_id}")).json()
        self.assertEqual((payment["status"], payment["amount"]), ("CAPTURED", 4500))
        shipment = request("GET", self.stack.url("edge", f"/api/shipments/{order_id}")).json()
        self.assertEqual((shipment["status"], shipment["shipmentId"]), ("SCHEDULED", shipment_id))
        self.assertEqual(shipment["destination"]["address"]["country"], "KR")

    def test_timeline_tells_five_events_with_their_records(self):
        order_id = self.place(self.order(self.product()))
        self.final(order_id)
        timeline = self.timeline(order_id, "OrderCompleted")

        events = timeline["events"]
        self.assertEqual(timeline["status"], "COMPLETED")
        self.assertEqual([(event["type"], event["service"], event["topic"]) for event in events], [
            ("OrderPlaced", "order-service", "order-events"),
            ("StockReserved", "inventory-service", "inventory-events"),
            ("PaymentCaptured", "payment-service", "payment-events"),
            ("ShipmentScheduled", "shipping-service", "shipping-events"),
            ("OrderCompleted", "order-service", "order-events")])
        self.assertEqual([event["time"] for event in events], sorted(event["time"] for event in events))
        self.assertEqual({event["partition"] for event in events}, {events[0]["partition"]},
                         "one key, six partitions everywhere: the same partition")
        self.assertGreater(events[4]["offset"], events[0]["offset"])
        self.assertTrue(all(event["latencyMs"] >= 0 for event in events[1:]))

    def test_trace_of_the_call_is_carried_by_every_event(self):
        order_id = self.place(self.order(self.product()), {"traceparent": TRACE})
        self.final(order_id)
        for database in ("orders", "inventory", "payments", "shipping"):
            for row in self.stack.audit(database, "SELECT headers FROM audit_v1_outbox"
                                        f" WHERE order_id = '{order_id}'"):
                self.assertIn(TRACE, row["headers"], database)

    def test_order_for_the_warehouse_books_a_slot(self):
        used = "SELECT used FROM audit_v1_storage"
        before = self.stack.audit("shipping", used)[0]["used"]
        order_id = self.place(self.order(self.product(), warehouseStorage=True))

        self.assertEqual(self.final(order_id)["status"], "COMPLETED")
        self.assertEqual(self.stack.audit("shipping", used)[0]["used"], before + 1)
        shipment = request("GET", self.stack.url("edge", f"/api/shipments/{order_id}")).json()
        self.assertTrue(shipment["storageBooked"])

    def test_hundred_lines_are_one_order(self):
        product = self.product()
        order = self.order(product)
        order["items"] *= 100
        self.assertEqual(self.final(self.place(order))["total"], 150_000)
        self.assertTrue(eventually(10, lambda: self.stock(product) == (900, 0, 100)), self.stock(product))


class Analytics(SystemTest):
    def test_counters_agree_with_the_orders(self):
        self.final(self.place(self.order(self.product(), quantity=2)))
        self.final(self.place(self.order(self.product(stock=0))))

        def expected():
            rows = self.stack.audit("orders", "SELECT state, reason, count(*) AS n, sum(total) AS total,"
                                    " count(DISTINCT customer_id) AS customers FROM audit_v1_orders GROUP BY 1, 2")
            count = {}
            for row in rows:
                count[row["state"]] = count.get(row["state"], 0) + row["n"]
            return {"count": sum(count.values()), "completed": count.get("COMPLETED", 0),
                    "cancelled": count.get("CANCELLED", 0),
                    "open": count.get("PROCESSING", 0) + count.get("CANCELLING", 0),
                    "revenue": sum(row["total"] for row in rows if row["state"] == "COMPLETED"),
                    "byReason": {row["reason"]: row["n"] for row in rows if row["state"] == "CANCELLED"}}

        def seen():
            orders = request("GET", self.stack.url("edge", "/api/analytics")).json()["orders"]
            by_reason = {reason: n for reason, n in orders["byReason"].items() if n}
            return {name: orders[name] for name in ("count", "completed", "cancelled", "open", "revenue")} | {
                "byReason": by_reason}

        eventually(10, lambda: seen() == expected())
        self.assertEqual(seen(), expected())

    def test_a_new_customer_is_counted_within_a_second_or_so(self):
        def seen():
            users = request("GET", self.stack.url("edge", "/api/analytics")).json()["users"]
            return users["active"], users["new"]

        def placed():
            row = self.stack.audit("orders", "SELECT count(DISTINCT customer_id) AS n FROM audit_v1_orders")[0]
            return row["n"], row["n"]

        self.assertTrue(eventually(10, lambda: seen() == placed()), (seen(), placed()))
        active, new = seen()
        self.final(self.place(self.order(self.product())))
        self.assertTrue(eventually(10, lambda: seen() == (active + 1, new + 1)), (seen(), active, new))

    def test_response_time_and_steps_are_measured(self):
        self.final(self.place(self.order(self.product())))
        answer = eventually(10, lambda: request("GET", self.stack.url("edge", "/api/analytics")).json())
        performance = answer["performance"]
        self.assertGreater(performance["avgResponseTime"], 0)
        self.assertEqual(list(performance["steps"]), ["reserve", "charge", "ship", "complete"])
        for step in performance["steps"].values():
            self.assertLessEqual(step["p50"], step["p99"])


if __name__ == "__main__":
    unittest.main()
