"""The dashboard's figures are those of the events: exactly, whatever happened to the process, and soon."""

import threading
import time
import unittest
import uuid

from analytics_figures import MINUTE_US, PRODUCERS, Topics, figures, micros
from load import Load
from processes import Instance, kill
from records import has_read_all
from stack import Stack, SystemTest, eventually, request

BEHIND_S = 1.0


class Figures(SystemTest):
    def served(self, url=None):
        return request("GET", (url or self.stack.url("edge", "")) + "/api/analytics").json()

    def agree(self, url=None):
        """Whether what is served is what the events say; both at rest and within one minute."""
        def compare():
            before = time.time_ns() // 1000
            served = self.served(url)
            said = figures(topics.read().orders, before)
            if time.time_ns() // 1000 // MINUTE_US != before // MINUTE_US:
                return None
            self.seen = (served, said)
            return served == said
        topics = Topics(self.stack)
        if not eventually(30, compare, 0.3):
            self.assertEqual(*self.seen)

    def test_every_figure_is_that_of_the_events_after_kills(self):
        load = Load(self.stack, seed=11)
        origin = self.stack.url("edge", "")
        running = threading.Thread(target=load.run, args=([origin], 600, 60))
        running.start()
        for part in range(1, 5):
            self.assertTrue(eventually(30, lambda part=part: len(load.accepted) >= 100 * part), "orders are not accepted")
            kill(self.stack.pid("analytics"))
            self.stack.restart()
            self.stack = Stack()
        running.join()
        self.assertTrue(eventually(60, self.all_ended), "some orders are not final")
        self.agree()

    def all_ended(self):
        return self.stack.audit("orders", "SELECT count(*) AS n FROM audit_v1_orders"
                                " WHERE state NOT IN ('COMPLETED', 'CANCELLED')")[0]["n"] == 0

    def test_replay_from_the_beginning_counts_nothing_twice(self):
        Load(self.stack, seed=12).run([self.stack.url("edge", "")], 100, rate=100)
        self.assertTrue(eventually(60, self.all_ended), "some orders are not final")
        self.agree()
        kept = self.served()["orders"]
        group = f"replay-{uuid.uuid4()}"
        with Instance(self.stack, "analytics", {"--group-id": group}) as second:
            topics = [f"{name}-events" for name in PRODUCERS]
            self.assertTrue(eventually(60, lambda: has_read_all(self.stack.env, group, topics), 0.2),
                            "the second process has not read everything")
            self.assertEqual(self.served(second.url)["orders"], kept)
            self.agree(second.url)

    def test_an_order_that_ended_is_counted_within_a_second(self):
        lags = self.lags(lambda: Load(self.stack, seed=13).run([self.stack.url("edge", "")], 200, rate=20))
        self.assertGreater(len(lags), 190)
        self.assertLess(lags[len(lags) * 99 // 100], BEHIND_S)

    def lags(self, load):
        """How long after its end each order of the load was counted, s, sorted; asked for every 10 ms."""
        self.assertTrue(eventually(60, self.all_ended), "some orders are not final")
        self.agree()
        samples, stop = [], threading.Event()

        def ended():
            orders = self.served(self.stack.url("analytics", ""))["orders"]
            return orders["completed"] + orders["cancelled"]

        def watch():
            while not stop.wait(0.01):
                count = ended()
                samples.append((time.time(), count))

        first = ended()
        begin = self.stack.audit("orders", "SELECT now() AS now")[0]["now"]
        watching = threading.Thread(target=watch)
        watching.start()
        load()
        self.assertTrue(eventually(60, self.all_ended), "some orders are not final")
        rows = self.stack.audit("orders", "SELECT finished_at AT TIME ZONE 'UTC' AS at FROM audit_v1_orders"
                                f" WHERE finished_at > '{begin}' ORDER BY 1")
        eventually(10, lambda: samples[-1][1] >= first + len(rows))
        stop.set()
        watching.join()
        found, at = [], 0
        for i, row in enumerate(rows, first + 1):
            while at < len(samples) and samples[at][1] < i:
                at += 1
            self.assertLess(at, len(samples), "an order was never counted")
            found.append(samples[at][0] - micros(row["at"] + "+00:00") / 1e6)
        return sorted(found)


class Lists(SystemTest):
    """Below GET /api/analytics: the minutes, and the orders that wait longest."""

    def get(self, path):
        return request("GET", self.stack.url("edge", "/api/analytics/" + path))

    def test_minutes_add_up_and_none_is_left_out(self):
        self.final(self.place(self.order(self.product(), quantity=2)))

        def add_up():
            minutes = self.get("throughput?minutes=1440").json()["minutes"]
            orders = request("GET", self.stack.url("edge", "/api/analytics")).json()["orders"]
            return orders["open"] == 0 and [sum(minute[name] for minute in minutes) for name in (
                "placed", "completed", "cancelled", "revenue")] == [
                    orders["count"], orders["completed"], orders["cancelled"], orders["revenue"]]
        self.assertTrue(eventually(20, add_up, 0.2), "the minutes are not the whole")
        minutes = self.get("throughput").json()["minutes"]
        self.assertEqual(len(minutes), 60)
        times = [micros(minute["minute"]) for minute in minutes]
        self.assertEqual({later - earlier for earlier, later in zip(times, times[1:])}, {MINUTE_US})

    def test_an_order_is_listed_as_long_as_it_waits(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))

        def listed():
            return next((order for order in self.get("waiting?limit=200").json()["orders"]
                         if order["orderId"] == order_id), None)
        row = eventually(15, listed)
        self.assertIsNotNone(row, "the order is not listed")
        self.assertEqual((row["status"], row["customerId"], row["total"], row["currency"]),
                         ("PROCESSING", self.customer, 1500, "KRW"))
        self.assertEqual([waiting["service"] for waiting in row["waitingFor"]], ["payment-service"])
        self.assertLess(row["placedAt"], row["since"])
        request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
        self.final(order_id, 30)
        self.assertTrue(eventually(15, lambda: listed() is None), "the order is final and still listed")

    def test_parameters_that_are_none_are_refused(self):
        for path in ("throughput?minutes=0", "throughput?minutes=1441", "throughput?minutes=", "throughput?minutes=1.5",
                     "throughput?minutes=%zz", "throughput?minutes=5&minutes=5", "throughput?minutes=+5",
                     "throughput?minutes=99999999999999999999", "waiting?limit=0", "waiting?limit=201", "waiting?limit=x",
                     "waiting?limit=-1", "waiting?limit"):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual((answer.status, answer.headers.get_content_type()), (400, "application/problem+json"))
                self.assertEqual(answer.json()["type"], "/problems/query")


if __name__ == "__main__":
    unittest.main()
