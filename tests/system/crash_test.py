"""kill -9 of each service while orders run: after a restart every order is final, and nothing happened twice."""

import concurrent.futures
import os
import queue
import signal
import threading
import time
import unittest

from stack import Stack, SystemTest, eventually, request

ORDERS = 300
QUANTITY = 2
PRICE = 1500
STOCK = 10_000


class KilledService(SystemTest):
    """300 orders over the edge by eight clients; the service dies when a third of them is placed."""

    def test_order_service(self):
        self.kill_while_orders_run("order")

    def test_payment_service(self):
        self.kill_while_orders_run("payment")

    def test_inventory_service(self):
        self.kill_while_orders_run("inventory")

    def test_shipping_service(self):
        self.kill_while_orders_run("shipping")

    def test_analytics_service(self):
        self.kill_while_orders_run("analytics")

    def kill_while_orders_run(self, service):
        product = self.product(stock=STOCK, price=PRICE)
        accepted = self.place_and_kill(service, self.order(product, quantity=QUANTITY))
        self.stack = Stack()

        self.assertTrue(eventually(60, lambda: self.count("state NOT IN ('COMPLETED', 'CANCELLED')") == 0),
                        "some orders are not final")
        orders = {row["order_id"]: row["state"] for row in self.stack.audit(
            "orders", f"SELECT order_id, state FROM audit_v1_orders WHERE customer_id = '{self.customer}'")}
        self.assertLessEqual(accepted, set(orders), "an order that was answered with 202 is gone")
        self.assertEqual(set(orders.values()), {"COMPLETED"})
        self.check_money(orders)
        self.check_stock(product, len(orders))
        self.check_events(orders)

    def place_and_kill(self, service, order):
        """Ids of the orders that were answered with 202, as many as there are clients' wishes."""
        accepted, third = queue.SimpleQueue(), threading.Event()
        url = self.stack.url("edge", "/api/orders")

        def place(_):
            """Orders until one is accepted; what came to no answer may be an order as well."""
            for _ in range(200):
                try:
                    answer = request("POST", url, order)
                    if answer.status == 202:
                        accepted.put(answer.json()["orderId"])
                        if accepted.qsize() >= ORDERS // 3:
                            third.set()
                        return
                    self.assertEqual(answer.status, 503)
                except OSError:
                    pass
                self.assertEqual(service, "order", "only the order service is needed to accept an order")
                time.sleep(0.1)

        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            placing = [clients.submit(place, i) for i in range(ORDERS)]
            self.assertTrue(third.wait(30), "orders are not accepted")
            os.kill(self.stack.pid(service), signal.SIGKILL)
            self.stack.restart()
            for done in placing:
                done.result()
        self.assertEqual(accepted.qsize(), ORDERS)
        return {accepted.get() for _ in range(ORDERS)}

    def count(self, condition):
        return self.stack.audit("orders", "SELECT count(*) AS n FROM audit_v1_orders"
                                f" WHERE customer_id = '{self.customer}' AND {condition}")[0]["n"]

    def check_money(self, orders):
        ledger = self.stack.ledger()
        for order_id in orders:
            lines = [(line["kind"], line["amount"]) for line in ledger.get(f"charge:{order_id}", [])]
            self.assertEqual(lines, [("charge", PRICE * QUANTITY)], order_id)

    def check_stock(self, product, orders):
        expected = (STOCK - orders * QUANTITY, 0, orders * QUANTITY)
        self.assertTrue(eventually(20, lambda: self.stock(product) == expected), (self.stock(product), expected))

    def check_events(self, orders):
        """Each service decided once for each order, and analytics has seen it all."""
        ids = ",".join(f"'{order_id}'" for order_id in orders)
        for database, types in (("orders", ["OrderCompleted.v1", "OrderPlaced.v1"]),
                                ("inventory", ["StockReserved.v1"]), ("payments", ["PaymentCaptured.v1"]),
                                ("shipping", ["ShipmentScheduled.v1"])):
            rows = self.stack.audit(database, f"SELECT type, count(*) AS n FROM audit_v1_outbox"
                                    f" WHERE order_id IN ({ids}) GROUP BY 1 ORDER BY 1")
            self.assertEqual(rows, [{"type": name, "n": len(orders)} for name in types])
            parked = f"SELECT id FROM audit_v1_parked WHERE order_id IN ({ids})"
            self.assertEqual(self.stack.audit(database, parked), [])

        def seen():
            return self.stack.audit("analytics", "SELECT count(*) AS n FROM audit_v1_timeline"
                                    f" WHERE order_id IN ({ids})")[0]["n"]
        self.assertTrue(eventually(20, lambda: seen() == 5 * len(orders)), f"{seen()} of {5 * len(orders)}")


if __name__ == "__main__":
    unittest.main()
