"""Clients of all kinds: of HTTP/1.0, with empty lists, with bodies of no byte, with traces of a later version, and
browsers on pages of somebody else. Service and edge answer them alike."""

import json
import unittest

import bad_bodies
from processes import Instance
from raw import Connection, judged
from stack import SERVICES, SystemTest, request

ALL = SERVICES + ("edge",)
UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"
JSON = "Content-Type: application/json\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
SOCKETS = (("order", "/ws"), ("analytics", "/ws/analytics"), ("edge", "/ws"), ("edge", "/ws/analytics"))
IDS = "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
UPGRADE = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def host_of(url):
    return url.removeprefix("http://")


class ClientTest(SystemTest):
    def send(self, url, line, fields="", body="", version="1.1", host=None):
        """The answer to one request on a connection of its own, judged if it is known to whom it went."""
        part = next((part for part in ALL if self.stack.url(part, "") == url), None)
        with Connection(url) as connection:
            connection.send(f"{line} HTTP/{version}\r\nHost: {host or host_of(url)}\r\n{fields}\r\n{body}".encode())
            method, path = line.split()[:2]
            answer = connection.answer(method)
            self.assertIsNotNone(answer, "closed without an answer")
            return judged(part, method, path, b"", answer) if part and answer.status != 422 else answer

    def check_type(self, answer, status, problem):
        self.assertEqual((answer.status, json.loads(answer.body)["type"]), (status, "/problems/" + problem))


class Connections(ClientTest):
    def test_one_of_http_1_0_is_kept_and_said_to_be_or_closed(self):
        for part in ALL + ("gateway",):
            for keep in (True, False):
                for line in ("GET /openapi.yaml", "GET /nothing", "DELETE /openapi.yaml", "HEAD /openapi.yaml"):
                    with self.subTest(line, part=part, keep=keep):
                        self.check_persistence(self.stack.url(part, ""), line, keep)

    def check_persistence(self, url, line, keep):
        field = "Connection: Keep-Alive\r\n" if keep else ""
        data = f"{line} HTTP/1.0\r\nHost: {host_of(url)}\r\n{field}\r\n".encode()
        with Connection(url) as connection:
            connection.send(data)
            first = connection.answer(line.split()[0])
            self.assertEqual(first.headers.get("Connection", "").lower(), "keep-alive" if keep else "close")
            if not keep:
                self.assertTrue(connection.closed())
                return
            connection.send(data)
            self.assertEqual(connection.answer(line.split()[0]).status, first.status)

    def test_one_of_http_1_0_needs_no_host(self):
        for part in ALL:
            with self.subTest(part), Connection(self.stack.url(part, "")) as connection:
                connection.send(b"GET /openapi.yaml HTTP/1.0\r\n\r\n")
                self.assertEqual(connection.answer().status, 200)
                self.assertTrue(connection.closed())


class Headers(ClientTest):
    def test_an_accept_without_a_range_refuses_nothing(self):
        for part, path in (("order", "/api/orders"), ("analytics", "/api/analytics"), ("edge", "/api/orders"),
                           ("edge", "/api/analytics")):
            for fields in ("Accept:\r\n", "Accept: \t \r\n", "Accept: ,\r\n", "Accept: , ,\r\n",
                           "Accept:\r\nAccept:\r\n", "Accept: ,application/json,\r\n"):
                with self.subTest(repr(fields), part=part):
                    self.assertEqual(self.send(self.stack.url(part, ""), f"GET {path}", fields).status, 200)
            with self.subTest("another type beside nothing", part=part):
                answer = self.send(self.stack.url(part, ""), f"GET {path}", "Accept:\r\nAccept: ,text/html,\r\n")
                self.check_type(answer, 406, "not-acceptable")

    def test_a_trace_of_a_later_version_is_carried_on(self):
        for version, more in (("01", ""), ("cc", "-what-the-future-brings"), ("00", "")):
            with self.subTest(version):
                url = self.stack.url("edge", "/api/orders")
                answer = request("POST", url, self.order(self.product()), {"traceparent": version + IDS + "09" + more})
                self.assertEqual(answer.headers["traceparent"], "00" + IDS + "01")
                order_id = answer.json()["orderId"]
                self.final(order_id)
                for database in ("orders", "inventory", "payments", "shipping"):
                    for row in self.stack.audit(database, "SELECT headers FROM audit_v1_outbox"
                                                f" WHERE order_id = '{order_id}'"):
                        self.assertIn("00" + IDS + "01", row["headers"], database)

    def test_a_trace_that_is_none_is_dropped(self):
        for value in ("ff" + IDS + "01", "00" + IDS + "01-x", "01" + IDS + "01.x", "01" + IDS + "0"):
            with self.subTest(value):
                answer = request("GET", self.stack.url("edge", "/api/orders"), None, {"traceparent": value})
                self.assertIsNone(answer.headers["traceparent"])


class Nothing(ClientTest):
    """Bodies of no byte, and bodies that say nothing."""

    def test_a_body_without_a_byte_is_none(self):
        cancel = f"POST /api/orders/{UNKNOWN}/cancellations"
        framings = (("", ""), ("Content-Length: 0\r\n", ""), (CHUNKED, "0\r\n\r\n"), (CHUNKED, "00;x=y\r\n\r\n"))
        for fields, body in framings:
            for kind in ("", JSON, "Content-Type: text/plain\r\n", "Content-Encoding: gzip\r\n"):
                for part, line, expected in (
                        ("order", cancel, (404, "not-found")), ("edge", cancel, (404, "not-found")),
                        ("order", "POST /api/orders", (400, "body-required")),
                        ("edge", "POST /api/orders", (400, "body-required")),
                        ("order", f"GET /api/orders/{UNKNOWN}", (404, "not-found")),
                        ("edge", f"GET /api/orders/{UNKNOWN}", (404, "not-found")),
                        ("order", "DELETE /api/orders", (405, "method"))):
                    with self.subTest(line, part=part, framing=fields + body, kind=kind):
                        self.check_type(self.send(self.stack.url(part, ""), line, kind + fields, body), *expected)

    def test_a_body_of_one_byte_has_a_media_type(self):
        for part in ("order", "edge"):
            for line in (f"POST /api/orders/{UNKNOWN}/cancellations", "POST /api/orders", f"GET /api/orders/{UNKNOWN}"):
                for fields, body in (("Content-Length: 1\r\n", " "), (CHUNKED, "1\r\n \r\n0\r\n\r\n")):
                    with self.subTest(line, part=part, framing=fields):
                        self.check_type(self.send(self.stack.url(part, ""), line, fields, body), 415, "media-type")

    def test_a_websocket_wants_no_byte_before_its_answer(self):
        for part, path in SOCKETS:
            for fields, body, status in (("Content-Length: 0\r\n", "", 101), (CHUNKED, "0\r\n\r\n", 101),
                                         ("Content-Length: 2\r\n", "{}", 400),
                                         (CHUNKED, "2\r\n{}\r\n0\r\n\r\n", 400)):
                with self.subTest(path, part=part, framing=fields + body):
                    answer = self.send(self.stack.url(part, ""), f"GET {path}", UPGRADE + JSON + fields, body)
                    self.assertEqual(answer.status, status)

    def test_a_cancellation_says_nothing_however_it_is_spelled(self):
        order_id = self.place(self.order(self.product(), quantity=1, token="tok_insufficient"))
        self.assertEqual(self.final(order_id)["status"], "CANCELLED")
        for part in ("order", "edge"):
            url = self.stack.url(part, f"/api/orders/{order_id}/cancellations")
            for body in (None, b"", b"{}", b"{ }", b"{}\n", b"\r\n\t {\n}\n ", b"{\t}"):
                with self.subTest(body, part=part):
                    self.assertEqual(request("POST", url, body).status, 200)
            for body, status, problem in (
                    (b" ", 400, "json-syntax"), (b"\n", 400, "json-syntax"), (b"{", 400, "json-syntax"),
                    (b"{}{}", 400, "json-syntax"), (b"{}x", 400, "json-syntax"), (b"{}\0", 400, "json-syntax"),
                    (b"\xef\xbb\xbf{}", 400, "json-syntax"), ("{}".encode("utf-16"), 400, "json-syntax"),
                    (b'{"reason":"x"}', 400, "unknown-field"), (b'{"":1}', 400, "unknown-field"),
                    (b"null", 422, "validation"), (b"[]", 422, "validation"), (b'"{}"', 422, "validation"),
                    (b"0", 422, "validation")):
                with self.subTest(body, part=part):
                    self.check_type(request("POST", url, body), status, problem)


class Faults(ClientTest):
    def test_all_faults_of_a_body_are_listed(self):
        order = self.order("ITEM-001") | {"customerId": "", "currency": "won"}
        line = order["items"][0]
        order["items"] = [line | {"quantity": 0, "price": -1}, {"productId": "x"}]
        wrong = ["/customerId", "/items/0/price", "/items/0/quantity", "/items/1/name", "/items/1/price",
                 "/items/1/quantity", "/currency"]
        for part in ("order", "edge"):
            with self.subTest(part):
                answer = request("POST", self.stack.url(part, "/api/orders"), order)
                self.check_type(answer, 422, "validation")
                self.assertEqual([error["pointer"] for error in answer.json()["errors"]], wrong)
                answer = request("POST", self.stack.url(part, "/api/orders"), order | {"discount": 1})
                self.check_type(answer, 400, "unknown-field")
                self.assertEqual([(error["pointer"], error["code"]) for error in answer.json()["errors"]],
                                 [(pointer, "validation") for pointer in wrong] + [("", "unknown-field")])

    def test_no_more_than_twenty(self):
        answer = request("POST", self.stack.url("edge", "/api/orders"), self.order("ITEM-001") | {"items": [0] * 100})
        self.check_type(answer, 422, "validation")
        self.assertEqual([error["pointer"] for error in answer.json()["errors"]], [f"/items/{i}" for i in range(20)])

    def test_every_problem_of_the_edge_has_all_members(self):
        path = "/" + "x" * 9000
        for line, fields, body, status in (
                ("GET /metrics", "", "", 404), ("GET /readyz", "", "", 404),
                ("PUT /api/products/ITEM-001", "", "", 405), ("TRACE /api/orders", "", "", 405),
                (f"TRACE /api/orders/{UNKNOWN}/cancellations", "", "", 405), ("TRACE /ws", "", "", 405),
                ("POST /api/orders", "Content-Length: 70000\r\n", "", 413), (f"GET {path}", "", "", 414),
                ("GET /api/orders", f"X: {'y' * 33000}\r\n", "", 431), ("GET /%", "", "", 400),
                ("POST /api/orders", "Transfer-Encoding: gzip\r\n", "", 400)):
            with self.subTest(line[:40]), Connection(self.stack.url("edge", "")) as connection:
                connection.send(f"{line} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}".encode())
                answer = connection.answer()
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers.get("Content-Type"), "application/problem+json")
                problem = json.loads(answer.body)
                self.assertEqual(problem["status"], status)
                self.assertEqual(problem.keys(), {"type", "title", "status", "detail"})
                if status == 405:
                    allowed = "POST" if "cancellations" in line else "GET" if "/ws" in line else "GET, HEAD"
                    allowed += ", POST" if line == "TRACE /api/orders" else ""
                    self.assertEqual(answer.headers.get("Allow"), allowed)
                    self.assertIn(allowed, problem["detail"])


class Origins(ClientTest):
    CHANGES = (("order", "POST /api/orders"), ("order", f"POST /api/orders/{UNKNOWN}/cancellations"),
               ("inventory", "PUT /api/products/ITEM-001"), ("payment", f"DELETE /api/payments/{UNKNOWN}"),
               ("shipping", f"PATCH /api/shipments/{UNKNOWN}"), ("analytics", "POST /api/analytics"),
               ("edge", "POST /api/orders"), ("edge", f"POST /api/orders/{UNKNOWN}/cancellations"))

    def foreign(self, host):
        """Fields of a browser on a page of somebody else."""
        name, port = host.split(":")
        for origin in ("null", "http://evil.example", f"http://evil.example:{port}", f"http://{name}",
                       f"http://{name}:{int(port) + 1}", f"http://{name}.evil.example:{port}",
                       f"http://localhost:{port}", f"http://{host}/", "", f"file://{host}"):
            yield f"Origin: {origin}\r\n"
        yield "Sec-Fetch-Site: cross-site\r\n"
        yield "Sec-Fetch-Site: same-site\r\n"
        yield f"Origin: http://{host}\r\nSec-Fetch-Site: cross-site\r\n"
        yield f"Origin: http://{host}\r\nOrigin: http://{host}\r\n"

    def test_a_foreign_page_changes_nothing(self):
        order_id = self.place(self.order(self.product()))
        rows = self.CHANGES + (("edge", f"POST /api/orders/{order_id}/cancellations"),)
        for part, line in rows:
            url = self.stack.url(part, "")
            for fields in self.foreign(host_of(url)):
                with self.subTest(line, part=part, fields=fields):
                    answer = self.send(url, line, JSON + fields + f"Content-Length: {len(bad_bodies.ORDER)}\r\n",
                                       bad_bodies.ORDER)
                    self.check_type(answer, 403, "foreign-origin")
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")

    def test_a_foreign_page_opens_no_websocket(self):
        for part, path in SOCKETS:
            url = self.stack.url(part, "")
            for fields in self.foreign(host_of(url)):
                with self.subTest(path, part=part, fields=fields):
                    self.check_type(self.send(url, f"GET {path}", UPGRADE + fields), 403, "foreign-origin")

    def test_a_page_from_here_and_who_is_no_page_may(self):
        for part, path in SOCKETS:
            url = self.stack.url(part, "")
            for host, fields in ((None, ""), (None, f"Origin: {url}\r\n"), (None, "Sec-Fetch-Site: same-origin\r\n"),
                                 (None, f"Origin: {url}\r\nSec-Fetch-Site: same-origin\r\n"),
                                 ("Shop.example", "Origin: http://shop.example\r\nSec-Fetch-Site: same-origin\r\n"),
                                 ("shop.example", "Origin: https://shop.example:443\r\n"),
                                 ("[::1]:3000", "Origin: http://[::1]:3000\r\n")):
                with self.subTest(path, part=part, fields=fields):
                    self.assertEqual(self.send(url, f"GET {path}", UPGRADE + fields, host=host).status, 101)
                    cancel = f"POST /api/orders/{UNKNOWN}/cancellations"
                    if part == "order" or path == "/ws":
                        self.check_type(self.send(url, cancel, fields, host=host), 404, "not-found")

    def test_reading_is_for_everybody(self):
        for part in ALL:
            for method in ("GET", "HEAD"):
                fields = "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
                answer = self.send(self.stack.url(part, ""), f"{method} /openapi.yaml", fields)
                self.assertEqual(answer.status, 200, part)

    def test_origins_that_are_allowed_are_so_exactly(self):
        allowed = {"--allowed-origins": "https://shop.example,http://localhost:8080"}
        for service, path in (("order", "/ws"), ("analytics", "/ws/analytics")):
            with Instance(self.stack, service, allowed) as instance:
                for origin, status in (("https://shop.example", 101), ("http://localhost:8080", 101),
                                       (instance.url, 101), ("http://shop.example", 403),
                                       ("https://shop.example:8443", 403), ("https://a.shop.example", 403),
                                       ("https://shop.example.evil.example", 403), ("http://localhost", 403)):
                    with self.subTest(origin, service=service):
                        fields = f"Origin: {origin}\r\n"
                        self.assertEqual(self.send(instance.url, f"GET {path}", UPGRADE + fields).status, status)
                        answer = self.send(instance.url, f"POST /api/orders/{UNKNOWN}/cancellations", fields)
                        self.assertEqual(answer.status == 403, status == 403)

    def test_what_is_no_origin_cannot_be_allowed(self):
        for text in ("*", "null", "shop.example", "https://shop.example/", "https://*.example"):
            with self.subTest(text), self.assertRaises(AssertionError):
                Instance(self.stack, "shipping", {"--allowed-origins": text}).stop()


if __name__ == "__main__":
    unittest.main()
