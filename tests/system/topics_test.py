"""Topics that vanish, are made anew and grow under a running stack. What they leave behind stays: run them last."""

import json
import os
import pathlib
import subprocess
import unittest
import uuid

from load import Load
from poison_test import headers_of
from processes import kill, metric, settings
from records import ends, kafka_clients, produce
from stack import SystemTest, eventually, request
from transactions import open_transaction

SAGA = ("order-events", "inventory-events", "payment-events", "shipping-events")
DEAD_LETTERS = "dead-letter-queue"
PARTITIONS = 12


class TopicsTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.env = self.stack.env

    def make_topics(self):
        """As the catalog says, which no service does."""
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], "topics", "apply"], capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode == 0 or done.stderr + done.stdout

    def lag(self):
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], "lag", "--json"],
                              capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout)

    def caught_up(self):
        return eventually(30, lambda: self.lag()["maxLag"] == 0, 0.3)

    def all_complete(self, orders, deadline_s=30):
        for order_id in orders:
            self.assertEqual(self.final(order_id, deadline_s)["status"], "COMPLETED", order_id)


class Vanished(TopicsTest):
    def test_dead_letters_without_a_topic_hold_up_no_order_and_are_told_later(self):
        """Nothing of the saga is sent twice, either."""
        load = Load(self.stack, seed=21)
        kafka_clients.delete_topics(self.env, [DEAD_LETTERS])
        before = self.sent()
        for partition in range(len(ends(self.env, SAGA[0]))):
            key = str(uuid.uuid4()).encode()
            produce(self.env, SAGA[0], partition, key, b"{",
                    list(headers_of("OrderPlaced.v1", "/order-service", key).items()))
        load.run([self.stack.url("edge", "")], 600, rate=100)
        for order_id in load.accepted:
            self.final(order_id, 30)
        self.assertNotIn(DEAD_LETTERS, kafka_clients.end_offsets(self.env))  # nobody has made it meanwhile
        self.assertEqual(eventually(10, self.make_topics, 0.5), True)
        self.assertTrue(eventually(45, lambda: sum(ends(self.env, DEAD_LETTERS).values()) > 0, 0.5),
                        "nothing is announced in the topic that is there again")
        self.assertTrue(self.caught_up())
        self.assertEqual(self.sent(), before)

    def sent(self):
        """By producer: what stands in its topic beyond its ledger."""
        return {topic: sum(ends(self.env, topic).values()) -
                self.stack.audit(database, "SELECT count(*) AS n FROM audit_v1_outbox WHERE topic"
                                 f" = '{topic}'")[0]["n"]
                for topic, database in zip(SAGA[1:], ("inventory", "payments", "shipping"))}


class MadeAnew(TopicsTest):
    def test_orders_go_on_in_a_topic_that_is_another_one(self):
        product = self.product()
        self.all_complete([self.place(self.order(product)) for _ in range(12)])
        kafka_clients.delete_topics(self.env, ["payment-events"])
        made = lambda: self.make_topics() is True and "payment-events" in kafka_clients.end_offsets(self.env)
        self.assertTrue(eventually(10, made), "the topic cannot be made again")
        self.all_complete([self.place(self.order(product)) for _ in range(12)])
        kill(self.stack.pid("shipping"))
        orders = [self.place(self.order(product)) for _ in range(40)]
        self.stack.restart()
        self.all_complete(orders)
        self.assertTrue(self.caught_up())


class Grown(TopicsTest):
    def test_deadline_spares_orders_whose_partition_is_held_up(self):
        product = self.product()
        before = [self.place(self.order(product)) for _ in range(6)]
        with settings("order", ORDER_DEADLINE_S="5", ORDER_DEADLINE_CALM_S="1") as self.stack:
            # One topic first: while they differ, the deadline pauses, and says so.
            usual = len(ends(self.env, SAGA[0]))
            kafka_clients.add_partitions(self.env, SAGA[:1], PARTITIONS)
            self.assertTrue(eventually(20, self.is_paused, 0.3))
            differing = self.lag()["differing"]
            self.assertEqual([(t["topic"], t["partitions"], t["catalog"]) for t in differing],
                             [(SAGA[0], PARTITIONS, usual)])
            kafka_clients.add_partitions(self.env, SAGA[1:], PARTITIONS)
            self.assertTrue(eventually(30, self.is_assigned, 0.3), "partitions are assigned to nobody")
            self.assertTrue(eventually(20, lambda: not self.is_paused(), 0.3))

            with open_transaction(self.env, "shipping-events", [8]):
                orders, held = self.place_held(product, 8)
                self.all_complete(set(orders) - set(held))
                # The deadline works, for others: what was held is older. It also spares those that would have been in
                # the held partition while there were fewer partitions, if that one was not read to its end before.
                late = [self.place(self.order(product, token="tok_slow_60s")) for _ in range(6)]
                self.assertTrue(eventually(60, lambda: "DEADLINE" in map(self.reason, late), 0.5))
                for order_id in held:
                    events = self.events_of(order_id)
                    self.assertEqual(events["shipping"], ["ShipmentScheduled"], order_id)
                    self.assertEqual(events["orders"], ["OrderPlaced"], order_id)
            self.all_complete(before + orders)

    def is_paused(self):
        return metric(self.stack.url("order", ""), "orderflow_deadline_paused", why="topics_differ") == 1

    def is_assigned(self):
        """All of every group's topics have so many partitions, each assigned to a member."""
        partitions = self.lag()["partitions"]
        return (all(p["assigned"] for p in partitions) and
                {p["partition"] for p in partitions} == set(range(PARTITIONS)))

    def reason(self, order_id):
        return request("GET", self.stack.url("edge", f"/api/orders/{order_id}")).json().get("reason")

    def partition(self, order_id):
        return self.timeline(order_id, "OrderPlaced")["events"][0]["partition"]

    def place_held(self, product, partition):
        """Orders, until three of them have this partition; all and those."""
        orders, held = [], []
        while len(held) < 3:
            orders.append(self.place(self.order(product)))
            if self.partition(orders[-1]) == partition:
                held.append(orders[-1])
        return orders, held


if __name__ == "__main__":
    unittest.main()
