"""What clients get wrong is refused with an exact status and problem type, and leaves nothing behind."""

import json
import unittest

import openapi
from stack import SystemTest, request

UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"


class BadInput(SystemTest):
    def refused(self, answer, status, problem, pointer=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")
        body = answer.json()
        self.assertEqual((body["type"], body["status"]), ("/problems/" + problem, status))
        if pointer is not None:
            self.assertEqual([error["pointer"] for error in body["errors"]], [pointer])

    def variants(self):
        """(name, body, status, problem type, pointer)"""
        good = self.order("ITEM-001")

        def line(**change):
            return good | {"items": [good["items"][0] | change]}

        text = json.dumps(good)
        address = {"line1": "a", "city": "b", "postalCode": "c", "country": "KR"}
        return [
            ("no body", b"", 400, "body-required", None),
            ("half a body", text[:-1], 400, "json-syntax", None),
            ("something behind it", text + "x", 400, "json-syntax", None),
            ("not UTF-8", text.encode().replace(b"Laptop", b"\xff"), 400, "json-syntax", None),
            ("deep nesting", text.replace('"Laptop"', "[" * 40 + "]" * 40), 400, "json-limits", None),
            ("a member twice", '{"customerId":"a",' + text[1:], 400, "json-duplicate-key", None),
            ("an unknown member", good | {"discount": 5}, 400, "unknown-field", None),
            ("a fraction", text.replace("1500", "1500.5"), 400, "json-number", None),
            ("a number beyond 64 bits", text.replace("1500", "15" + "0" * 18), 400, "json-number", None),
            ("no customer", {"items": good["items"]}, 422, "validation", "/customerId"),
            ("an empty customer", good | {"customerId": ""}, 422, "validation", "/customerId"),
            ("a long customer", good | {"customerId": "x" * 65}, 422, "validation", "/customerId"),
            ("no lines", good | {"items": []}, 422, "validation", "/items"),
            ("101 lines", good | {"items": good["items"] * 101}, 422, "validation", "/items"),
            ("no quantity", line(quantity=0), 422, "validation", "/items/0/quantity"),
            ("too many", line(quantity=101), 422, "validation", "/items/0/quantity"),
            ("a negative price", line(price=-1), 422, "validation", "/items/0/price"),
            ("a price as text", line(price="1500"), 422, "validation", "/items/0/price"),
            ("another payment method", good | {"payment": {"method": "cash", "token": "x"}}, 422, "validation",
             "/payment/method"),
            ("a country in small letters",
             good | {"shipment": {"recipient": "x", "address": address | {"country": "kr"}}}, 422, "validation",
             "/shipment/address/country"),
            ("a currency that is none", good | {"currency": "won"}, 422, "validation", "/currency"),
            ("an order that is none", "[]", 422, "validation", None),
        ]

    def test_bodies_that_are_no_order(self):
        for part in ("edge", "order"):
            for name, body, status, problem, pointer in self.variants():
                with self.subTest(name, part=part):
                    answer = request("POST", self.stack.url(part, "/api/orders"), body)
                    self.refused(answer, status, problem, pointer)
        rows = self.stack.audit("orders", "SELECT order_id FROM audit_v1_orders"
                                f" WHERE customer_id = '{self.customer}'")
        self.assertEqual(rows, [])

    def test_media_type_and_size(self):
        url = self.stack.url("order", "/api/orders")
        order = json.dumps(self.order("ITEM-001"))
        self.refused(request("POST", url, order, {"Content-Type": "text/plain"}), 415, "media-type")
        self.refused(request("POST", url, order, {"Content-Encoding": "gzip"}), 415, "media-type")
        large = order[:-1] + " " * 65536 + "}"
        self.refused(request("POST", url, large), 413, "body-too-large")
        self.refused(request("POST", self.stack.url("edge", "/api/orders"), large), 413, "body-too-large")

    def test_what_does_not_exist(self):
        for path in (f"/api/orders/{UNKNOWN}", "/api/orders/42", f"/api/orders/{UNKNOWN}/timeline",
                     f"/api/payments/{UNKNOWN}", f"/api/shipments/{UNKNOWN}", "/api/shipments/x",
                     f"/api/products/{self.customer}", "/api/nothing", "/api/orders/../etc"):
            with self.subTest(path):
                self.refused(request("GET", self.stack.url("edge", path)), 404, "not-found")

    def test_methods_that_a_resource_has_not(self):
        answer = request("DELETE", self.stack.url("edge", "/api/orders"))
        self.assertEqual(answer.status, 405)
        self.assertIn("POST", answer.headers["Allow"])
        answer = request("PUT", self.stack.url("edge", "/api/products/ITEM-001"), {"name": "x", "price": 1, "stock": 1})
        self.assertEqual(answer.status, 405, "the catalogue is changed on inventory's own port")
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")

    def test_products_that_are_none(self):
        good = {"name": "Laptop", "price": 1500, "stock": 5}
        for name, body, status, problem, pointer in (
                ("no stock", {"name": "x", "price": 1}, 422, "stock-required", "/stock"),
                ("negative stock", good | {"stock": -1}, 422, "validation", "/stock"),
                ("no name", good | {"name": ""}, 422, "validation", "/name"),
                ("an unknown member", good | {"colour": "red"}, 400, "unknown-field", None)):
            with self.subTest(name):
                url = self.stack.url("inventory", f"/api/products/{self.customer}")
                self.refused(request("PUT", url, body), status, problem, pointer)
        self.refused(request("GET", self.stack.url("edge", f"/api/products/{self.customer}")), 404, "not-found")


class Probes(SystemTest):
    def test_every_service_is_alive_ready_and_counted(self):
        for service in ("order", "payment", "inventory", "shipping", "analytics"):
            with self.subTest(service):
                for path in ("/livez", "/readyz"):
                    self.assertEqual(request("GET", self.stack.url(service, path)).status, 200)
                metrics = request("GET", self.stack.url(service, "/metrics"))
                self.assertEqual(metrics.headers.get_content_type(), "text/plain")
                self.assertIn(b"orderflow_batches_total", metrics.body)

    def test_every_service_describes_the_interface(self):
        described = openapi.PATH.read_bytes()
        for part in ("edge", "order", "payment", "inventory", "shipping", "analytics"):
            with self.subTest(part):
                answer = request("GET", self.stack.url(part, "/openapi.yaml"))
                self.assertEqual((answer.headers.get_content_type(), answer.body), ("application/yaml", described))


if __name__ == "__main__":
    unittest.main()
