"""GET /api/orders: a customer's orders, page by page, as they stand."""

import unittest
import urllib.parse

from stack import SystemTest, request


class Listing(SystemTest):
    def page(self, part="edge", **query):
        return request("GET", self.stack.url(part, "/api/orders?" + urllib.parse.urlencode(query)))

    def walk(self, **query):
        orders = []
        while True:
            answer = self.page(**query)
            self.assertEqual(answer.status, 200, answer.body)
            orders += answer.json()["orders"]
            cursor = answer.json().get("nextCursor")
            if cursor is None:
                return orders
            query["cursor"] = cursor

    def test_pages_hold_each_order_once_newest_first_as_it_stands(self):
        product = self.product()
        placed = [self.place(self.order(product)) for _ in range(7)]
        refused = self.place(self.order(product, price=1))
        for order in [*placed, refused]:
            self.final(order)

        orders = self.walk(customerId=self.customer, limit=3)
        self.assertEqual([order["orderId"] for order in orders], [refused, *reversed(placed)])
        self.assertEqual(orders[0]["status"], "CANCELLED")
        self.assertEqual(orders[0]["reason"], "PRICE_MISMATCH")
        self.assertEqual({order["status"] for order in orders[1:]}, {"COMPLETED"})
        for order in orders:
            self.assertEqual((order["customerId"], order["currency"]), (self.customer, "KRW"))
            self.assertEqual(order["finishedAt"], self.final(order["orderId"])["finishedAt"])

        cancelled = self.walk(customerId=self.customer, status="CANCELLED")
        self.assertEqual([order["orderId"] for order in cancelled], [refused])

    def test_without_a_customer_everybodys(self):
        order = self.place(self.order(self.product()))
        newest = self.page(limit=100).json()["orders"]
        self.assertIn(order, [found["orderId"] for found in newest])

    def test_customers_with_names_of_every_script_find_their_orders(self):
        product = self.product()
        self.customer = "\uac00" * 40 + "&=%+ ' \U0001f389"
        order = self.place(self.order(product))
        self.assertIn(order, [found["orderId"] for found in self.walk(customerId=self.customer)])

    def test_parameters_that_are_none(self):
        for query in ({"customerId": ""}, {"customerId": "\uac00" * 65}, {"status": "OPEN"}, {"limit": 0},
                      {"limit": 101}, {"limit": "ten"}, {"cursor": "yesterday"}, {"sort": "total"}):
            with self.subTest(query):
                answer = self.page(**query)
                self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/query"))
        answer = request("GET", self.stack.url("edge", "/api/orders?customerId=%FF"))
        self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/query"))


if __name__ == "__main__":
    unittest.main()
