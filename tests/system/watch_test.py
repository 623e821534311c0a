"""`orderctl check --every`, as it runs beside a stack for good. On a stack of its own: on the common one other tests leave
behind what it would end of."""

import subprocess
import threading
import unittest

from beside import Servers
from processes import frozen, with_children
from stack import eventually, request

ORDER = {"customerId": "CUST-001",
         "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers("--no-demo")
        cls.addClassCleanup(cls.servers.close)
        edge = cls.servers.env["EDGE_URL"]
        cls.order = request("POST", f"{edge}/api/orders", ORDER).json()["orderId"]
        if not eventually(30, lambda: request("GET", f"{edge}/api/orders/{cls.order}").json()["status"] == "COMPLETED"):
            raise AssertionError("the order does not end")

    def watch(self):
        """The process, and the lines that it has said."""
        watch = subprocess.Popen([self.servers.bin / "orderctl", "--stack-env", f"{self.servers.state}/stack.env", "check",
                                  "--every", "1"], stdout=subprocess.PIPE, text=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(watch.stdout.readline, "")))
        reader.start()
        for cleanup in (watch.stdout.close, reader.join, watch.wait, watch.kill):
            self.addCleanup(cleanup)
        return watch, lines

    def settled(self, lines, times):
        """Whether it has said so often that the order is settled."""
        return eventually(60, lambda: sum("settled" in line for line in lines) >= times)

    def test_it_goes_on_until_it_is_told_to_end(self):
        watch, lines = self.watch()
        self.assertTrue(self.settled(lines, 3), lines)
        watch.terminate()
        self.assertEqual(watch.wait(10), 0, lines)

    def test_it_goes_on_when_a_database_was_away(self):
        watch, lines = self.watch()
        self.assertTrue(self.settled(lines, 1), lines)
        with frozen(*with_children(int(self.servers.env["POSTGRES_PID"]))):
            self.assertTrue(eventually(30, lambda: any("not judged" in line for line in lines)), lines)
        said = len(lines)
        self.assertTrue(eventually(30, lambda: any("settled" in line for line in lines[said:])), lines)
        watch.terminate()
        self.assertEqual(watch.wait(10), 0, lines)

    def test_it_ends_when_something_is_violated(self):
        watch, lines = self.watch()
        self.assertTrue(self.settled(lines, 1), lines)
        change = "UPDATE payments.payments SET amount = amount {} 1 WHERE order_id = '" + self.order + "'"
        self.servers.psql(change.format("+"), "payments")
        try:
            self.assertEqual(watch.wait(60), 1, lines)
        finally:
            self.servers.psql(change.format("-"), "payments")
        self.assertTrue(eventually(5, lambda: any(self.order in line for line in lines)), lines)


if __name__ == "__main__":
    unittest.main()
