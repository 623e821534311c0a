"""Whatever a client sends is answered with an exact status and problem type, by every service and by the edge: never
with a 500, never by a crash. The tables of what is sent are in bad_requests.py and bad_bodies.py."""

import concurrent.futures
import json
import re
import time
import unittest

import bad_bodies
import openapi
from bad_requests import ROWS, SAME
from raw import Connection, judged
from stack import SERVICES, Stack, SystemTest, request

ALL = SERVICES + ("edge",)
UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"
PATIENCE_S = 25  # of a client that does not go on: more than the servers have, on a busy machine too


def failures(stack):
    """{service: answers with 5xx so far}"""
    found = {}
    for service in SERVICES:
        text = request("GET", stack.url(service, "/metrics")).body.decode()
        found[service] = sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                             if line.startswith("orderflow_http_requests_total") and 'status="5' in line)
    return found


class BadInputTest(SystemTest):
    """Nothing that it sends makes a service fail."""

    def setUp(self):
        super().setUp()
        self.before = failures(self.stack), [self.stack.pid(part) for part in ALL]
        self.addCleanup(self.check_nothing_failed)

    def check_nothing_failed(self):
        stack = Stack()
        self.assertEqual((failures(stack), [stack.pid(part) for part in ALL]), self.before)

    def check_refused(self, answer, status, problem):
        self.assertIsNotNone(answer, "closed without an answer")
        self.assertEqual((answer.status, json.loads(answer.body)["type"]), (status, "/problems/" + problem))


class Framing(BadInputTest):
    def test_every_row_of_the_table(self):
        for name, text, status, problem, by_edge in ROWS:
            for part in ALL:
                expected = by_edge if part == "edge" and by_edge != SAME else (status, problem)
                with self.subTest(name, part=part):
                    self.one(part, text.encode("latin-1"), *expected)

    def one(self, part, data, status, problem):
        with Connection(self.stack.url(part, "/")) as connection:
            connection.send(data)
            answer = connection.answer()
            if status is None:
                self.assertIsNone(answer)
                return
            if problem is None:
                self.assertEqual(answer.status, status)
            else:
                self.check_refused(answer, status, problem)
                judged(part, "POST", "/api/orders", b"{}", answer)
            if part != "edge" or status == 400:
                self.assertTrue(connection.closed(), f"not closed, or answered twice: {connection.buffer}")
            self.assertEqual(connection.buffer, b"")


class Resources(BadInputTest):
    """What is not there, and methods that are not there: from api/openapi.yaml."""

    def allowed(self, part, path, item):
        """{the methods that the path has at this part}"""
        found = {method.upper() for method in openapi.methods(part, item)}
        return found | {"HEAD"} if "GET" in found and not path.startswith("/ws") else found

    def test_every_other_method_of_every_path_is_405_and_says_which_are_allowed(self):
        for path, item in openapi.DOCUMENT["paths"].items():
            filled = re.sub("{.*}", "style.css" if path.startswith("/pages/") else UNKNOWN, path)
            for part in ALL:
                allowed = self.allowed(part, path, item)
                for method in {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND"} - allowed:
                    with self.subTest(f"{method} {path}", part=part):
                        answer = request(method, self.stack.url(part, filled))
                        if not allowed:
                            self.check_refused(answer, 404, "not-found")
                            continue
                        self.check_refused(answer, 405, "method")
                        self.assertEqual(set(answer.headers["Allow"].split(", ")), allowed)

    def test_head_is_get_without_the_body(self):
        for part in ALL:
            for path in ("/openapi.yaml",) if part == "edge" else ("/livez", "/readyz", "/metrics", "/openapi.yaml"):
                with self.subTest(path, part=part):
                    answer = request("HEAD", self.stack.url(part, path))
                    self.assertEqual((answer.status, answer.body), (200, b""))
                    self.assertGreater(int(answer.headers["Content-Length"]), 10)

    def test_a_websocket_wants_an_upgrade_and_a_key(self):
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        for path, parts in (("/ws", ("order", "edge")), ("/ws/analytics", ("analytics", "edge"))):
            for name, fields, expected in (
                    ("no upgrade", "", (426, "upgrade-required")),
                    ("another version", upgrade.replace("13", "8") + key, (426, "upgrade-required")),
                    ("another protocol", upgrade.replace("websocket", "h2c") + key, (426, "upgrade-required")),
                    ("no key", upgrade, (400, "websocket-handshake")),
                    ("a short key", upgrade + "Sec-WebSocket-Key: eA==\r\n", (400, "websocket-handshake")),
                    ("two keys", upgrade + key + key, (400, "websocket-handshake"))):
                for part in parts:
                    with self.subTest(name, path=path, part=part), Connection(self.stack.url(part, "/")) as connection:
                        connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
                        self.check_refused(connection.answer(), *expected)

    def test_what_is_no_id_and_what_is_no_path_is_404(self):
        ids = (UNKNOWN, UNKNOWN.upper(), UNKNOWN[:-1], "0", "-1", "%00", "%ff%fe", "%", "%zz", "..", "%2e%2e", "a%2Fb",
               "'%20OR%201=1--", "%F0%9F%98%80", "x" * 500)
        for part, path in (("order", "/api/orders/{}"), ("analytics", "/api/orders/{}/timeline"),
                           ("payment", "/api/payments/{}"), ("shipping", "/api/shipments/{}"),
                           ("inventory", "/api/products/{}")):
            for one in ids:
                for target in (part, "edge"):
                    with self.subTest(path.format(one), part=target):
                        self.one(target, path.format(one), one)
        for path in ("/api", "/api/", "/api/orders/", "/api/nothing", "/API/orders", "//livez", "/livez/", "/livez/x"):
            for part in ALL:
                with self.subTest(path, part=part):
                    self.one(part, path)

    def one(self, part, path, one=""):
        with Connection(self.stack.url(part, "/")) as connection:  # no library would send some of them
            connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = connection.answer()
        bad_escape = part == "edge" and one in ("%00", "%", "%zz")  # the edge decodes before it looks for a route
        self.check_refused(answer, *((400, "malformed-request") if bad_escape else (404, "not-found")))


class Bodies(BadInputTest):
    def parts(self, path):
        return ("order", "edge") if path == "/api/orders" else ("inventory",)

    def test_every_row_of_the_table(self):
        for path, (method, rows) in bad_bodies.ROWS.items():
            for name, body, status, problem, pointer in rows:
                for part in self.parts(path):
                    with self.subTest(name, part=part):
                        answer = request(method, self.stack.url(part, path), body)
                        self.check_refused(answer, status, problem)
                        if pointer is not None:
                            self.assertEqual([error["pointer"] for error in answer.json()["errors"]], [pointer])

    def test_media_types(self):
        for path, (method, _) in bad_bodies.ROWS.items():
            for part in self.parts(path):
                for headers in [{"Content-Type": value} for value in (
                        "text/plain", "", "application/jsonx", "application/json; charset=latin1",
                        "application/xml")] + [{"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}]:
                    with self.subTest(str(headers), part=part):
                        answer = request(method, self.stack.url(part, path), bad_bodies.ORDER, headers)
                        self.check_refused(answer, 415, "media-type")

    def test_accept_that_excludes_json(self):
        for part, method, path in (
                ("order", "POST", "/api/orders"), ("edge", "GET", "/api/analytics"),
                ("payment", "GET", f"/api/payments/{UNKNOWN}"), ("inventory", "GET", "/api/products/x"),
                ("shipping", "GET", f"/api/shipments/{UNKNOWN}"), ("analytics", "GET", "/api/analytics")):
            for accept in ("text/html", "application/xml;q=0.9, text/*", "*/*, application/json;q=0", "nonsense"):
                with self.subTest(accept, part=part):
                    body = bad_bodies.ORDER if method == "POST" else None
                    answer = request(method, self.stack.url(part, path), body, {"Accept": accept})
                    self.check_refused(answer, 406, "not-acceptable")

    def test_sizes(self):
        large = bad_bodies.ORDER[:-1] + " " * 65536 + "}"
        for part, path in (("order", "/api/orders"), ("edge", "/api/orders"), ("inventory", "/api/products/ITEM-BAD")):
            method = bad_bodies.ROWS[path][0]
            with self.subTest(part):
                self.check_refused(request(method, self.stack.url(part, path), large), 413, "body-too-large")
                self.check_refused(request(method, self.stack.url(part, path), b""), 400, "body-required")

    def test_strange_text_is_kept_as_it_is(self):
        texts = ("'; DROP TABLE orders; --", "%s%n%x{0}${x}", "😀🎉", "שלום\u202eabc", "é̂", "\U0010ffff",
                 "\x7f\u0085\u2028", "\\ \" /", "<script>alert(1)</script>", "\\x", "null", "   ")
        product = self.product()
        for text in texts:
            with self.subTest(text):
                order = self.order(product, price=1)
                order["items"][0]["name"] = text
                answer = request("GET", self.stack.url("edge", f"/api/orders/{self.place(order)}"))
                self.assertEqual(answer.json()["items"][0]["name"], text)

    def test_a_completed_order_cannot_be_cancelled(self):
        order_id = self.place(self.order(self.product()))
        self.final(order_id)
        for part in ("order", "edge"):
            self.check_refused(request("POST", self.stack.url(part, f"/api/orders/{order_id}/cancellations")),
                               409, "conflict-state")
            answer = request("POST", self.stack.url(part, f"/api/orders/{order_id}/cancellations"), b"[]")
            self.check_refused(answer, 422, "validation")


class Parameters(BadInputTest):
    def test_query_parameters(self):
        rows = [("/api/orders", query) for query in (
            "limit=0", "limit=101", "limit=1000000000", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=%31%30x",
            "limit=1&limit=1", "cursor=x", "cursor=", f"cursor={UNKNOWN.upper()}", f"cursor={UNKNOWN}x", "status=DONE",
            "status=", "status=completed", "customerId=", "customerId=" + "x" * 65, "customerId=%zz", "customerId=%00",
            "customerId=%ff", "sort=total", "order=desc", "customerId=a&customerId=b")]
        rows += [("/api/analytics/throughput", "minutes=" + value)
                 for value in ("0", "1441", "-1", "x", "", "1&minutes=1")]
        rows += [("/api/analytics/waiting", "limit=" + value) for value in ("0", "201", "1e1", "")]
        for path, query in rows:
            for part in ("edge", "order" if path == "/api/orders" else "analytics"):
                with self.subTest(f"{path}?{query}", part=part):
                    self.check_refused(request("GET", self.stack.url(part, f"{path}?{query}")), 400, "query")

    def test_idempotency_keys(self):
        order_id = self.place(self.order(self.product()))
        keys = {"too short": b"1234567", "too long": b"x" * 129, "empty": b"", "not ASCII": "schlüssel".encode(),
                "a tab in it": b"1234\t5678", "twice": b"12345678\r\nIdempotency-Key: 12345678"}
        for path, body in (("/api/orders", bad_bodies.ORDER), (f"/api/orders/{order_id}/cancellations", "")):
            for name, key in keys.items():
                for part in ("order", "edge"):
                    with self.subTest(name, path=path, part=part), Connection(self.stack.url(part, "/")) as connection:
                        connection.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                        f"Content-Length: {len(body)}\r\nIdempotency-Key: ".encode() + key
                                        + f"\r\n\r\n{body}".encode())
                        self.check_refused(connection.answer(), 400, "idempotency-key")

    def test_orders_have_no_etag_that_a_condition_could_name(self):
        order_id = self.place(self.order(self.product()))
        for path, body in (("/api/orders", bad_bodies.ORDER), (f"/api/orders/{order_id}/cancellations", "")):
            for field in ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"):
                for part in ("order", "edge"):
                    with self.subTest(field, path=path, part=part):
                        answer = request("POST", self.stack.url(part, path), body, {field: "*"})
                        self.check_refused(answer, 400, "precondition")

    def test_a_key_stands_for_one_request(self):
        key, url = {"Idempotency-Key": self.customer}, self.stack.url("edge", "/api/orders")
        order = self.order(self.product())
        first, again = request("POST", url, order, key), request("POST", url, order, key)
        self.assertEqual((first.status, first.body, first.headers["Location"]),
                         (again.status, again.body, again.headers["Location"]))
        self.check_refused(request("POST", url, order | {"warehouseStorage": True}, key), 422, "idempotency-mismatch")
        place = self.stack.url("order", first.headers["Location"] + "/cancellations")
        self.check_refused(request("POST", place, None, key), 422, "idempotency-mismatch")


class Slow(BadInputTest):
    """Clients that begin and do not go on. All at once, because each takes its time."""

    def wait_for(self, part, data, trickle=b""):
        """(answer, seconds, closed); TimeoutError if the server waits as long as the client likes."""
        begun = time.monotonic()
        with Connection(self.stack.url(part, "/"), timeout=PATIENCE_S) as connection:
            connection.send(data)
            if not trickle:
                return connection.answer(), time.monotonic() - begun, connection.closed()
            connection.socket.settimeout(1)
            while time.monotonic() < begun + PATIENCE_S:
                try:
                    return connection.answer(), time.monotonic() - begun, connection.closed()
                except TimeoutError:  # a byte now and then does not help
                    connection.send(trickle)
        raise TimeoutError(f"{part} is patient")

    def test_who_does_not_go_on_is_told_so_and_closed(self):
        head = "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        body = head + "Content-Length: 100\r\n\r\n"
        rows = [("a request line", b"POST /ap", b"", 5), ("half a header", head.encode(), b"", 5),
                ("a header byte by byte", head.encode() + b"X: ", b"y", 5),
                ("half a body", body.encode() + b"{", b"", 10),
                ("a body byte by byte", body.encode(), b" ", 10),
                ("half a chunk", head.encode() + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{", b"", 10)]
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            waits = {(name, part, limit): pool.submit(self.wait_for, part, data, trickle)
                     for name, data, trickle, limit in rows for part in ALL
                     # The edge waits as long as something comes, and holds up nobody but itself.
                     if (name, part) != ("a body byte by byte", "edge")}
            for (name, part, limit), wait in waits.items():
                with self.subTest(name, part=part):
                    answer, seconds, closed = wait.result()
                    self.assertTrue(closed)
                    if part == "edge":  # closes without a word, after 10 s
                        self.assertIsNone(answer)
                        continue
                    self.check_refused(answer, 408, "timeout")
                    self.assertGreaterEqual(seconds, limit)


if __name__ == "__main__":
    unittest.main()
