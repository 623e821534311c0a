"""While the database is away, clients are told to come again: soon, and without a word of what is behind it. When it is
back, so are the services, with nobody starting them again."""

import asyncio
import collections
import concurrent.futures
import contextlib
import itertools
import re
import threading
import time
import unittest

from stack import SERVICES, Stack, SystemTest, eventually, request
from websocket_test import Client, topic

UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"
PATIENCE_S = 5
# What an answer must not say: libpq's and PostgreSQL's words, hosts, files, statements.
INTERNAL = re.compile(rb"postgres|libpq|socket|server|connection|127\.|localhost|/var|/tmp|/run|select|insert|sqlstate|"
                      rb"exception|errno|refused|terminat", re.I)


class DatabaseAway(SystemTest):
    @contextlib.contextmanager
    def database_away(self):
        """The services stay as they are, before, meanwhile and afterwards."""
        before = [self.stack.pid(service) for service in SERVICES]
        try:
            self.stack.stop("postgres")
            yield
        finally:
            Stack().restart()
        self.stack = Stack()
        self.assertEqual([self.stack.pid(service) for service in SERVICES], before)

    def routes(self, order, product):
        """(parts, method, path, body, status while the database is there)"""
        offer, pieces = {"name": "Laptop", "price": 1500, "stock": 1000}, {"change": 1, "reason": "counted"}
        return [
            (("order", "edge"), "POST", "/api/orders", self.order(product), 202),
            (("order", "edge"), "GET", f"/api/orders?customerId={self.customer}", None, 200),
            (("order", "edge"), "GET", f"/api/orders/{order}", None, 200),
            (("order", "edge"), "GET", f"/api/orders/{UNKNOWN}", None, 404),
            (("order", "edge"), "POST", f"/api/orders/{order}/cancellations", None, 409),
            (("analytics", "edge"), "GET", f"/api/orders/{order}/timeline", None, 200),
            (("analytics", "edge"), "GET", "/api/analytics", None, 200),
            (("analytics", "edge"), "GET", "/api/analytics/throughput", None, 200),
            (("payment", "edge"), "GET", f"/api/payments/{order}", None, 200),
            (("shipping", "edge"), "GET", f"/api/shipments/{order}", None, 200),
            (("inventory", "edge"), "GET", f"/api/products/{product}", None, 200),
            (("inventory",), "PUT", f"/api/products/{product}", offer, 428),
            (("inventory",), "POST", f"/api/products/{product}/adjustments", pieces, 200),
            *(((service,), "GET", "/readyz", None, 200) for service in SERVICES),
        ]

    def ask(self, part, method, path, body=None, headers=None):
        begun = time.monotonic()
        if path.endswith("/adjustments"):
            headers = {"Idempotency-Key": f"{self.customer}-adjustment"}
        answer = request(method, self.stack.url(part, path), body, headers, timeout=20)
        self.assertLess(time.monotonic() - begun, PATIENCE_S, f"{method} {path}")
        return answer

    def check_unavailable(self, answer):
        self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/unavailable"), answer.body)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertNotRegex(answer.body, INTERNAL)
        for port in (value for name, value in self.stack.env.items() if name.endswith("_PORT")):
            self.assertNotRegex(answer.body, rf"\b{port}\b".encode())

    def test_each_route_that_reads_or_writes_says_so_and_answers_again_by_itself(self):
        product = self.product()
        order = self.place(self.order(product))
        self.final(order)
        self.timeline(order, "OrderCompleted")
        routes = self.routes(order, product)
        with self.database_away():
            for _ in range(2):  # the first find a connection that breaks, the others none
                for parts, method, path, body, _ in routes:
                    for part in parts:
                        with self.subTest(f"{method} {path}", part=part):
                            self.check_unavailable(self.ask(part, method, path, body))
            for part, path in [(service, "/livez") for service in SERVICES] + [("edge", "/api/analytics/waiting")]:
                self.assertEqual(self.ask(part, "GET", path).status, 200)  # from memory
        for parts, method, path, body, status in routes:
            for part in parts:
                with self.subTest(f"{method} {path}, again", part=part):
                    answers = lambda: self.ask(part, method, path, body).status == status
                    self.assertTrue(eventually(10, answers), self.ask(part, method, path, body).body)

    def test_orders_that_the_outage_met_are_sent_again_and_each_is_placed_once(self):
        """Answered 503 or not, placed or not: the key decides."""
        order, gone = self.order(self.product()), threading.Event()
        answers = {}  # key → the first answer

        def client(part):
            for nth in itertools.count():
                last = gone.is_set()
                name = f"{self.customer}-{nth}-{threading.get_ident()}"
                answers[name] = self.ask(part, "POST", "/api/orders", order, {"Idempotency-Key": name})
                if last:
                    return
        with concurrent.futures.ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as ending:
            ending.callback(gone.set)
            clients = [pool.submit(client, part) for part in ("edge", "edge", "order", "order")]
            self.assertTrue(eventually(10, lambda: len(answers) > 20))
            with self.database_away():
                gone.set()
                for done in clients:
                    done.result()
        statuses = collections.Counter(answer.status for answer in answers.values())
        self.assertEqual(set(statuses), {202, 503}, statuses)

        def placed(name):
            answer = self.ask("edge", "POST", "/api/orders", order, {"Idempotency-Key": name})
            return answer.json()["orderId"] if answer.status == 202 else None
        ids = {name: eventually(10, lambda name=name: placed(name)) for name in answers}
        for name, answer in answers.items():
            if answer.status == 202:
                self.assertEqual(answer.json()["orderId"], ids[name])
            else:
                self.check_unavailable(answer)
        rows = self.stack.audit("orders", f"SELECT order_id FROM audit_v1_orders WHERE customer_id = '{self.customer}'")
        self.assertEqual(sorted(row["order_id"] for row in rows), sorted(ids.values()))
        self.assertEqual(self.final(ids.popitem()[1])["status"], "COMPLETED")

    def test_a_subscription_meanwhile_is_answered_when_the_database_is_back(self):
        order = self.place(self.order(self.product()))
        last = self.final(order)["seq"]

        async def run():
            async with Client.to(self.stack.url("edge", "")) as client:
                with self.database_away():
                    await client.send({"subscribe": topic(order)})
                return await client.receive(), await client.until_final()
        subscribed, frames = asyncio.run(run())
        self.assertEqual((subscribed["type"], subscribed["seq"]), ("SUBSCRIBED", last))
        self.assertEqual([frame["seq"] for frame in frames], list(range(1, last + 1)))


class ServiceAway(SystemTest):
    def test_people_get_a_page_and_programs_a_problem(self):
        self.addCleanup(lambda: Stack().restart())
        self.stack.stop("analytics")
        for path in ("/", "/customers"):
            page = request("GET", self.stack.url("edge", path), headers={"Accept": "text/html,*/*;q=0.8"})
            self.assertEqual((page.status, page.headers["Content-Type"]), (503, "text/html; charset=utf-8"))
            self.assertIn(b"unavailable", page.body)
        problem = request("GET", self.stack.url("edge", "/api/analytics"))
        self.assertEqual((problem.status, problem.json()["type"]), (503, "/problems/unavailable"))
        self.assertEqual(request("GET", self.stack.url("edge", f"/api/orders/{UNKNOWN}")).status, 404)


if __name__ == "__main__":
    unittest.main()
