"""Topics that change under a running stack. The partitions that are added stay: run it last."""

import json
import os
import pathlib
import struct
import subprocess
import unittest

import kafka_protocol as protocol
from processes import settings
from stack import SystemTest, eventually, request
from transactions import open_transaction

SAGA = ("order-events", "inventory-events", "payment-events", "shipping-events")
PARTITIONS = 12


def add_partitions(brokers, topics, count):
    body = struct.pack(">i", len(topics))
    for topic in topics:
        body += protocol._text(topic) + struct.pack(">ii", count, -1)
    reader = protocol._ask(protocol._first(brokers), 37, 0, body + struct.pack(">i?", 30000, False))
    reader.number("i")  # throttle time
    answers = reader.array(lambda: (reader.text(), reader.number("h"), reader.text()))
    assert all(error == 0 for _, error, _ in answers), answers


class Grown(SystemTest):
    def lag(self):
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], "lag", "--json"],
                              capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout)

    def is_settled(self, count):
        """All of every group's topics have so many partitions, each assigned to a member."""
        partitions = self.lag()["partitions"]
        return (all(p["assigned"] for p in partitions) and
                {p["partition"] for p in partitions} == set(range(count)))

    def place_held(self, product, partition):
        """Orders, until three of them have this partition; all and those."""
        orders, held = [], []
        while len(held) < 3:
            orders.append(self.place(self.order(product)))
            first = self.timeline(orders[-1], "OrderPlaced")["events"][0]
            if first["partition"] == partition:
                held.append(orders[-1])
        return orders, held

    def test_deadline_spares_orders_whose_partition_is_held_up(self):
        brokers = self.stack.env["KAFKA_BROKERS"]
        product = self.product()
        before = [self.place(self.order(product)) for _ in range(6)]
        # One topic first: while they differ, the deadline pauses, and says so.
        with settings("order", ORDER_DEADLINE_S="5", ORDER_DEADLINE_CALM_S="1") as self.stack:
            add_partitions(brokers, SAGA[:1], PARTITIONS)
            self.assertTrue(eventually(20, lambda: self.metric("orderflow_deadline_paused", 'why="topics_differ"') == 1))
            differing = self.lag()["differing"]
            self.assertEqual([(t["topic"], t["partitions"], t["catalog"]) for t in differing], [(SAGA[0], PARTITIONS, 6)])
            add_partitions(brokers, SAGA[1:], PARTITIONS)
            self.assertTrue(eventually(30, lambda: self.is_settled(PARTITIONS)), "partitions are assigned to nobody")
            self.assertTrue(eventually(20, lambda: self.metric("orderflow_deadline_paused", 'why="topics_differ"') == 0))

            with open_transaction(brokers, "shipping-events", [8]):
                orders, held = self.place_held(product, 8)
                for order_id in set(orders) - set(held):
                    self.assertEqual(self.final(order_id)["status"], "COMPLETED")
                late = self.place(self.order(product, token="tok_slow_60s"))
                while self.timeline(late, "OrderPlaced")["events"][0]["partition"] == 8:
                    late = self.place(self.order(product, token="tok_slow_60s"))
                # The deadline works, for others: what was held is older.
                self.assertEqual(self.final(late, 60)["reason"], "DEADLINE")
                for order_id in held:
                    events = self.events_of(order_id)
                    self.assertEqual(events["shipping"], ["ShipmentScheduled"], order_id)
                    self.assertEqual(events["orders"], ["OrderPlaced"], order_id)
                self.assertIn("an open transaction hides what follows", json.dumps(self.lag()))
            for order_id in before + orders:
                self.assertEqual(self.final(order_id)["status"], "COMPLETED", order_id)

    def metric(self, name, labels):
        for line in request("GET", self.stack.url("order", "/metrics")).body.decode().splitlines():
            if line.startswith(name + "{") and labels in line:
                return float(line.rsplit(" ", 1)[1])
        return None


if __name__ == "__main__":
    unittest.main()
