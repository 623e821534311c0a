"""Idempotency-Key over HTTP: however often and wherever a request is sent, it is carried out once."""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import subprocess
import threading
import time
import unittest
import urllib.parse
import uuid

from processes import Instance, kill
from stack import Stack, SystemTest, answer_of, eventually, request

KEYS, DOUBLES = 500, 20
CANCELLED = ("CANCELLING", "CANCELLED")


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


class Idempotency(SystemTest):
    def orders(self):
        rows = self.stack.audit("orders", f"SELECT order_id FROM audit_v1_orders WHERE customer_id = '{self.customer}'")
        return {row["order_id"] for row in rows}

    def post(self, body, headers, part="edge", path="/api/orders"):
        return request("POST", self.stack.url(part, path), body, headers)

    def refused(self, answer, status, problem):
        self.assertEqual((answer.status, answer.json()["type"]), (status, "/problems/" + problem), answer.body)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")

    def test_same_key_and_order_get_the_first_answer_again(self):
        order, headers = self.order(self.product()), key()
        first = self.post(order, headers)
        self.assertEqual(first.status, 202)
        self.final(first.json()["orderId"])
        again = self.post(json.dumps(order, indent=2), headers)

        self.assertEqual((again.status, again.body), (first.status, first.body))
        self.assertEqual(again.headers["Location"], first.headers["Location"])
        self.assertEqual(self.orders(), {first.json()["orderId"]})

    def test_same_key_and_another_request_are_refused(self):
        order, headers = self.order(self.product()), key()
        placed = self.post(order, headers).json()["orderId"]
        self.refused(self.post(order | {"customerId": self.customer + "x"}, headers), 422, "idempotency-mismatch")
        self.refused(self.post(b"", headers, path=f"/api/orders/{placed}/cancellations"), 422, "idempotency-mismatch")

    def test_keys_that_are_none(self):
        order = self.order(self.product())
        for bad in ("short", "x" * 129, "k\u00e9y-with-accent", "tab\tin-the-key"):
            with self.subTest(bad):
                self.refused(self.post(order, {"Idempotency-Key": bad.encode("latin-1")}), 400, "idempotency-key")
        origin = urllib.parse.urlsplit(self.stack.url("order", ""))
        connection = http.client.HTTPConnection(origin.netloc)
        with contextlib.closing(connection):
            connection.putrequest("POST", "/api/orders")
            body = json.dumps(order).encode()
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))),
                                ("Idempotency-Key", "key-number-1"), ("Idempotency-Key", "key-number-2")):
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.load(answer)["type"]), (400, "/problems/idempotency-key"))
        self.assertEqual(self.orders(), set())

    def test_cancellation_gets_its_first_answer_again(self):
        placed = self.place(self.order(self.product(), token="tok_slow_60s"))
        path, headers = f"/api/orders/{placed}/cancellations", key()
        first = self.post(b"", headers, path=path)
        self.assertEqual((first.status, first.json()["status"]), (202, "CANCELLING"))
        self.assertEqual(self.final(placed)["status"], "CANCELLED")

        again = self.post(b"", headers, path=path)
        self.assertEqual((again.status, again.body), (202, first.body))
        self.assertEqual(self.post(b"", key(), path=path).status, 200)

    def test_races_over_two_processes_place_one_order_per_key(self):
        with Instance(self.stack, "order") as second:
            origins = [urllib.parse.urlsplit(url).netloc for url in (self.stack.url("order", ""), second.url)]
            product = self.product(stock=100_000)
            orders = {str(uuid.uuid4()): json.dumps(self.order(product, quantity=1 + n % 9)) for n in range(KEYS)}
            answers = self.race(origins, orders)

        self.assertEqual(len(answers), KEYS)
        for name, heard in answers.items():
            self.assertEqual(sum(heard.values()), DOUBLES)
            self.assertEqual(len(heard), 1, f"{name}: {heard}")
            self.assertEqual(next(iter(heard))[0], 202)
        self.assertEqual(len(self.orders()), KEYS)

    def race(self, origins, orders):
        """Every order DOUBLES times, each key's all at once: {key: Counter of (status, body)}."""
        answers = {name: collections.Counter() for name in orders}
        together = threading.Barrier(DOUBLES, timeout=60)

        def send(nth):
            connection = http.client.HTTPConnection(origins[nth % len(origins)], timeout=30)
            heard = []
            for name, body in orders.items():
                together.wait()
                connection.request("POST", "/api/orders", body,
                                   {"Content-Type": "application/json", "Idempotency-Key": name})
                answer = answer_of(connection, "POST", "/api/orders", body)
                heard.append((name, answer.status, answer.body))
            connection.close()
            return heard
        with concurrent.futures.ThreadPoolExecutor(DOUBLES) as pool:
            for heard in pool.map(send, range(DOUBLES)):
                for name, status, body in heard:
                    answers[name][status, body] += 1
        return answers

    def test_request_whose_answer_was_lost_with_the_service_is_sent_again(self):
        order = self.order(self.product())
        # Once it is committed the answer may be on its way, or not; nobody hears it.
        for nth, committed in enumerate((True, True, False)):
            with self.subTest(committed=committed):
                before, headers = self.orders(), key()
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.stack.url("order", "")).netloc)
                connection.request("POST", "/api/orders", json.dumps(order),
                                   {"Content-Type": "application/json"} | headers)
                if committed:
                    self.assertTrue(eventually(10, lambda: len(self.orders()) > nth), "it is not placed")
                placed = self.orders() - before
                kill(Stack().pid("order"))
                connection.close()
                Stack().restart()
                ids = {self.post(order, headers).json()["orderId"] for _ in range(3)}
                self.assertEqual(len(ids), 1)
                if committed:
                    self.assertEqual(ids, placed)
        self.assertEqual(len(self.orders()), 3)

    @contextlib.contextmanager
    def in_use(self, name):
        """The key as if a request with it were under way in another process, for the length of the block."""
        psql = pathlib.Path(self.stack.env["POSTGRES_BIN"]) / "psql"
        session = subprocess.Popen([psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1",
                                    "-d", self.stack.env["ADMIN_DATABASE_URL"] + " dbname=orders"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write(f"BEGIN; SELECT pg_advisory_xact_lock(1, hashtext('{name}')); SELECT 'held';\n")
            session.stdin.flush()
            while (line := session.stdout.readline()) != "held\n":
                self.assertTrue(line, "psql has ended")
            yield
        finally:
            session.communicate(timeout=20)  # its end is the transaction's

    def standing(self, order_id):
        order = request("GET", self.stack.url("edge", f"/api/orders/{order_id}")).json()
        return self.orders(), order["status"]

    def test_key_of_a_request_under_way_is_refused_after_two_seconds_and_then_free(self):
        for part in ("order", "edge"):
            slow = self.place(self.order(self.product(), token="tok_slow_60s"))
            for path, body in (("/api/orders", self.order(self.product())),
                               (f"/api/orders/{slow}/cancellations", b"")):
                with self.subTest(path, part=part):
                    headers, before = key(), self.standing(slow)
                    with self.in_use(headers["Idempotency-Key"]):
                        begun = time.monotonic()
                        answer = self.post(body, headers, part, path)
                        self.assertGreaterEqual(time.monotonic() - begun, 2)
                        self.refused(answer, 409, "idempotency-in-progress")
                        self.assertEqual(answer.headers["Retry-After"], "1")
                        self.assertEqual(self.standing(slow), before)  # nothing was carried out
                        self.assertEqual(self.post(body, key(), part, path).status, 202)  # another is not held up
                    self.assertIn(self.post(body, headers, part, path).status, (200, 202))

    def test_answer_that_comes_within_the_two_seconds_is_waited_for(self):
        order = self.order(self.product())

        def attempt():
            headers = key()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                with self.in_use(headers["Idempotency-Key"]):
                    waiting = pool.submit(self.post, order, headers)
                    self.assertRaises(TimeoutError, waiting.result, 0.3)
                return waiting.result(20).status == 202
        # Where the test itself is held up for two seconds, it is too late once.
        self.assertTrue(any(attempt() for _ in range(5)))


if __name__ == "__main__":
    unittest.main()
