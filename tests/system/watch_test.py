"""`orderctl check --every`, as it runs beside a stack for good. On a stack of its own: on the common one other tests leave
behind what it would end of."""

import re
import socket
import subprocess
import threading
import time
import unittest

from beside import Servers
from processes import frozen, with_children
from stack import eventually, request

ORDER = {"customerId": "CUST-001",
         "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}
LAST_COMPLETE = "orderflow_check_last_complete_timestamp_seconds"


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers("--no-demo")
        cls.addClassCleanup(cls.servers.close)
        edge = cls.servers.env["EDGE_URL"]
        cls.order = request("POST", f"{edge}/api/orders", ORDER).json()["orderId"]
        if not eventually(30, lambda: request("GET", f"{edge}/api/orders/{cls.order}").json()["status"] == "COMPLETED"):
            raise AssertionError("the order does not end")

    def watch(self, *options):
        """The process, and the lines that it has said."""
        watch = subprocess.Popen([self.servers.bin / "orderctl", "--stack-env", f"{self.servers.state}/stack.env", "check",
                                  "--every", "1", *options], stdout=subprocess.PIPE, text=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(watch.stdout.readline, "")))
        reader.start()
        for cleanup in (watch.stdout.close, reader.join, watch.wait, watch.kill):
            self.addCleanup(cleanup)
        return watch, lines

    def finds_comparable(self, lines, times):
        """Whether it has printed so often that the order is comparable."""
        return eventually(60, lambda: sum("1 comparable" in line for line in lines) >= times)

    def test_it_goes_on_until_it_is_told_to_end(self):
        watch, lines = self.watch()
        self.assertTrue(self.finds_comparable(lines, 3), lines)
        watch.terminate()
        self.assertEqual(watch.wait(10), 0, lines)

    def test_it_goes_on_when_a_database_was_away_and_says_since_when(self):
        address, metrics = self.metrics()
        watch, lines = self.watch("--metrics", address)
        self.assertTrue(self.finds_comparable(lines, 1), lines)
        def in_vain():
            return sum(line.startswith("not judged: ") for line in lines)
        with frozen(*with_children(int(self.servers.env["POSTGRES_PID"]))):
            frozen_at = time.time()
            self.assertTrue(eventually(60, lambda: in_vain() == 2), lines)
            last = metrics()[LAST_COMPLETE]
            self.assertLess(last, frozen_at)
        self.assertTrue(eventually(30, lambda: metrics()[LAST_COMPLETE] > last), lines)
        watch.terminate()
        self.assertEqual(watch.wait(10), 0, lines)

    def test_it_tells_of_what_is_violated_for_as_long_as_it_is(self):
        address, metrics = self.metrics()
        _, lines = self.watch("--metrics", address)
        self.assertTrue(self.finds_comparable(lines, 1), lines)
        self.assertEqual(set(violated(metrics())), set())
        change = "UPDATE payments.payments SET amount = amount {} 1 WHERE order_id = '" + self.order + "'"
        self.servers.psql(change.format("+"), "payments")
        try:
            self.assertTrue(eventually(60, lambda: violated(metrics())), lines)
            self.assertIn("I8", violated(metrics()))
        finally:
            self.servers.psql(change.format("-"), "payments")
        self.assertTrue(eventually(10, lambda: any(self.order in line for line in lines)), lines)
        self.assertTrue(eventually(60, lambda: not violated(metrics())), lines)

    def test_two_cannot_be_asked_at_one_port(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            watch, lines = self.watch("--metrics", f"127.0.0.1:{taken.getsockname()[1]}")
            self.assertEqual(watch.wait(10), 2, lines)

    def metrics(self):
        """An address, and what is measured there: {name: value}"""
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"

        def measured():
            text = request("GET", f"http://{address}/metrics").body.decode()
            return {name: float(value) for name, value in re.findall(r"^(orderflow_\S+) (\S+)$", text, re.M)}
        return address, measured


def violated(metrics):
    """{invariant: violations}, of those that have any"""
    found = {re.fullmatch(r'orderflow_check_violations\{invariant="(I\d+)"\}', name): value for name, value in metrics.items()}
    return {name[1]: value for name, value in found.items() if name and value}


if __name__ == "__main__":
    unittest.main()
