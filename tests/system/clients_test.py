"""Clients of all kinds. Service and edge answer them alike."""

import json
import unittest

from raw import Connection
from stack import SERVICES, SystemTest

ALL = SERVICES + ("edge",)
UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"


class Connections(SystemTest):
    def test_one_of_http_1_0_needs_no_host(self):
        for part in ALL:
            with self.subTest(part), Connection(self.stack.url(part, "")) as connection:
                connection.send(b"GET /openapi.yaml HTTP/1.0\r\n\r\n")
                self.assertEqual(connection.answer().status, 200)
                self.assertTrue(connection.closed())


class Faults(SystemTest):
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


if __name__ == "__main__":
    unittest.main()
