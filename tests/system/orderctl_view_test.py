"""What orderctl shows of a running stack: who waits for whom and why, how far everybody is, one order's way."""

import os
import pathlib
import subprocess
import unittest
import uuid

from orderctl_test import OrderctlTest
from records import kafka_clients
from stack import eventually, request


class OrderctlView(OrderctlTest):
    def text(self, *arguments):
        """(exit code, text)"""
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], *arguments],
                              capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout

    def stuck(self, order_id):
        """What `stuck` says of the order; None: nothing."""
        code, document = self.ctl("stuck", "--older-than", "0", "--limit", "500")
        self.assertEqual(code, 1 if document["orders"] else 0, document)
        mine = [order for order in document["orders"] if order["orderId"] == order_id]
        return mine[0] if mine else None

    def stuck_because(self, order_id, why):
        """The wait, once `stuck` gives this reason."""
        def look():
            order = self.stuck(order_id)
            return [wait for wait in (order or {}).get("waitsFor", []) if why in wait["why"]]
        waits = eventually(20, look, 0.3)
        self.assertTrue(waits, (why, self.stuck(order_id)))
        return waits[0]


class Stuck(OrderctlView):
    def test_an_unclear_charge_is_named_with_its_tries_and_ends_by_the_command_that_is_proposed(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        wait = self.stuck_because(order_id, "charge UNKNOWN")
        self.assertEqual(wait["whom"], "payment")
        self.assertRegex(wait["why"], r"\d+ tr(y|ies) without a clear outcome, next try (about|due since) 20")
        self.assertEqual(self.stuck(order_id)["lastEvent"]["type"], "StockReserved")
        code, text = self.text("stuck", "--older-than", "0", "--limit", "500")
        self.assertEqual(code, 1)
        self.assertIn(order_id, text)
        self.assertNotIn("\033", text)
        subprocess.run(wait["mend"], shell=True, check=True, capture_output=True, timeout=10)
        self.assertEqual(self.final(order_id)["status"], "CANCELLED")
        self.assertIsNone(self.stuck(order_id))

    def test_a_service_that_is_not_there_is_named_and_its_lag_is_counted(self):
        product = self.product()
        self.stack.stop("shipping")
        try:
            order_id = self.place(self.order(product))
            wait = self.stuck_because(order_id, "shipping-service is not running")
            self.assertEqual(wait["whom"], "shipping")
            code, lag = self.ctl("lag", "--max-lag", "0")
            self.assertEqual(code, 1)
            behind = [p for p in lag["partitions"] if p["service"] == "shipping" and p["lag"] > 0]
            self.assertIn("payment-events", {p["topic"] for p in behind}, lag)
            for partition in behind:
                self.assertEqual(partition["lag"], partition["end"] - partition["committed"])
            self.assertFalse(next(s for s in lag["services"] if s["service"] == "shipping")["consuming"])
        finally:
            self.stack.restart()
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")

    def test_what_is_beyond_the_limit_is_counted_and_pages_hide_nothing(self):
        product = self.product()
        placed = [self.place(self.order(product, token="tok_slow_60s")) for _ in range(3)]

        def all_there():
            code, document = self.ctl("stuck", "--older-than", "0", "--limit", "500")
            there = [order["orderId"] for order in document["orders"]]
            return there if set(placed) <= set(there) else None
        self.assertTrue(eventually(20, all_there, 0.3))
        for page in ("3", "100"):
            with self.subTest(page=page):
                document = self.ctl("stuck", "--older-than", "0", "--limit", "500", "--page", page)[1]
                ids = [order["orderId"] for order in document["orders"]]
                self.assertLessEqual(set(placed), set(ids))
                self.assertEqual((document["found"], document["more"], len(set(ids))), (len(ids), 0, len(ids)))
                since = [order["since"] for order in document["orders"]]
                self.assertEqual(since, sorted(since))
                mine = [order["since"] for order in document["orders"] if order["orderId"] in placed]
        code, document = self.ctl("stuck", "--older-than", "0", "--limit", "1", "--page", "3")
        self.assertEqual((code, len(document["orders"])), (1, 1))
        self.assertGreaterEqual(document["found"], 3)
        self.assertEqual(document["more"], document["found"] - 1)
        self.assertLessEqual(document["orders"][0]["since"], min(mine))  # the longest wait
        code, text = self.text("stuck", "--older-than", "0", "--limit", "1")
        self.assertRegex(text, r"\n\d+ orders have been waiting for more than 0 s; \d+ waits? less long and are not")
        for order_id in placed:
            request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
            self.final(order_id)

    def test_young_waits_are_left_out(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        code, document = self.ctl("stuck", "--older-than", "3600")
        self.assertEqual((code, document["orders"]), (0, []))
        request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
        self.final(order_id)


class Lag(OrderctlView):
    def test_a_quiet_stack_lags_nowhere(self):
        self.final(self.place(self.order(self.product())))

        def quiet():
            code, lag = self.ctl("lag", "--max-lag", "0")
            return lag if code == 0 else None
        lag = eventually(20, quiet, 0.3)
        self.assertIsNotNone(lag, self.ctl("lag"))
        self.assertEqual((lag["maxLag"], lag["maxUnsent"]), (0, 0))
        self.assertEqual(len(lag["partitions"]), 12 * 6)  # topics of each consumer, six partitions each
        for service in lag["services"]:
            self.assertTrue(service["consuming"], service)
            self.assertEqual((service["members"], service["idle"], service["partitions"]), (1, 0, 6), service)
            rows = self.stack.audit({"order": "orders", "payment": "payments"}.get(service["service"],
                                                                                  service["service"]),
                                    "SELECT checkpoint FROM audit_v1_relay")
            self.assertEqual(service["checkpoint"], rows[0]["checkpoint"])
            self.assertEqual(service["checkpoint"], service["end"])

    def test_a_group_of_a_further_subscription_is_shown_with_its_lag(self):
        product = self.product()
        service, topic = self.stack.env["PAYMENT_GROUP"], "order-events"
        group = f"{service}-{uuid.uuid4()}"
        self.assertEqual(self.final(self.place(self.order(product)))["status"], "COMPLETED")
        ends = kafka_clients.ends(self.stack.env, topic)
        kafka_clients.commit(self.stack.env, group, topic, {place: max(0, end - 1) for place, end in ends.items()})
        self.addCleanup(kafka_clients.delete_groups, self.stack.env, [group])
        code, lag = self.ctl("lag", "--max-lag", "0")
        self.assertEqual(code, 1, lag)
        mine = [p for p in lag["partitions"] if p["group"] == group]
        self.assertEqual([(p["service"], p["topic"], p["partition"]) for p in mine],
                         [("payment", topic, partition) for partition in sorted(ends)])
        for partition in mine:
            self.assertEqual(partition["lag"], partition["end"] - partition["committed"])
        own = [p["group"] for p in lag["partitions"] if p["service"] == "payment" and p["group"] != group]
        self.assertEqual(set(own), {service})
        entry = next(g for g in lag["groups"] if g["group"] == group)
        self.assertEqual((entry["service"], entry["own"], entry["consuming"]), ("payment", False, False))
        self.assertEqual(sum(g["own"] for g in lag["groups"]), 5)
        self.assertIn(f"group {group}: no member", self.text("lag")[1])

    def test_every_partition_can_be_listed(self):
        code, text = self.text("lag", "--partitions")
        self.assertEqual(code, 0)
        self.assertEqual(sum(line.split()[1:2] == ["order-events"] for line in text.splitlines()), 4 * 6)


class Order(OrderctlView):
    def test_an_orders_way_is_shown_with_its_places_in_kafka(self):
        order_id = self.place_every_kind()["CARRIER_REFUSED"]
        places = {event["type"]: event for event in self.timeline(order_id, "OrderCancelled")["events"]}
        self.check()  # quiet: the relays have confirmed everything
        code, order = self.ctl("order", order_id)
        self.assertEqual(code, 0)
        for event in order["events"]:
            if event["type"] == "NothingToCompensate":
                continue
            place = places[event["type"]]
            self.assertEqual((event["topic"], event["partition"], event["offset"]),
                             (place["topic"], place["partition"], place["offset"]))
        code, text = self.text("order", order_id)
        lines = text.splitlines()
        self.assertTrue(any("PaymentCaptured" in line and "◄─ PaymentRefunded" in line for line in lines), text)
        self.assertTrue(any("✘" in line and "CARRIER_REFUSED" in line for line in lines), text)
        self.assertIn("waits for nothing: it is final", text)

    def test_what_a_customer_writes_does_nothing_to_a_terminal(self):
        self.customer += "\x1b]0;mine\x07\x1b[2J\x9b31m\n\u202eor"
        order_id = self.place(self.order(self.product()))
        self.final(order_id)
        code, text = self.text("order", order_id)
        self.assertEqual(code, 0)
        self.assertEqual([c for c in text if c != "\n" and not c.isprintable()], [])
        self.assertIn("\ufffd]0;mine\ufffd\ufffd[2J\ufffd31m \ufffdor\n", text.splitlines(keepends=True)[0])
        rows = self.ctl("order", order_id)[1]["rows"]
        self.assertIn(self.customer, [row.get("customer_id") for row in rows])

    def test_who_settled_a_payment_is_said(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        self.stack.stop("gateway")
        try:
            answer = request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
            self.assertEqual(answer.status, 202)
            wait = self.stuck_because(order_id, "gateway has not answered the cancel")
            self.assertIn(f" payment settle {order_id}", wait["mend"])
            code, _ = self.text("payment", "settle", order_id, "--as", "never-charged", "--by", "kim")
            self.assertEqual(code, 0)
            self.assertEqual(self.final(order_id)["status"], "CANCELLED")
            self.assertIn("settled as NEVER_CHARGED by kim", self.text("order", order_id)[1])
        finally:
            self.stack.restart()


if __name__ == "__main__":
    unittest.main()
