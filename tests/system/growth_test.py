"""Partitions are added under load, from three to six to twelve: hold, grow, release. On servers of its own."""

import os
import pathlib
import threading
import unittest

from beside import Servers
from load import Load
from processes import metric
from records import kafka_clients
from stack import Stack, eventually, request

SAGA = ("order-events", "inventory-events", "payment-events", "shipping-events")


class Growth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        kafka_clients.create_topics(cls.servers.env, dict.fromkeys(SAGA, 3))
        cls.servers.script("up", "--no-build", "--no-demo", "--build-dir", cls.servers.bin.parent)
        cls.servers.read()
        cls.environment = pathlib.Path(cls.servers.state) / "stack.env"
        cls.origin = cls.servers.env["EDGE_URL"]

    def held(self):
        return metric(self.servers.env["ORDER_URL"], "orderflow_relay_held") == 1

    def partitions(self):
        return {len(self.ends()[topic]) for topic in SAGA}

    def ends(self):
        return {topic: kafka_clients.ends(self.servers.env, topic) for topic in SAGA}

    def grow(self, load, partitions):
        code, said = self.servers.ctl("topics", "grow", str(partitions))
        self.assertEqual(code, 2, said)  # nobody holds them
        code, said = self.servers.ctl("topics", "hold", "--by", "anna")
        self.assertEqual((code, said), (0, {"allRead": True, "unread": []}))
        self.assertTrue(self.held())
        self.assertEqual(self.servers.ctl("topics", "hold", "--by", "bert")[0], 2)
        self.assertEqual(self.servers.ctl("topics", "release", "--by", "bert"), (0, {"released": 0}))
        lanes = [lane for lane in self.servers.ctl("lag")[1]["lanes"] if lane["lane"] == "saga"]
        self.assertEqual([lane.get("heldBy") for lane in lanes if lane["service"] != "analytics"], ["anna"] * 4)
        ends = self.ends()
        before = len(load.accepted)
        self.assertTrue(eventually(10, lambda: len(load.accepted) > before + 50), "no order is accepted while held")
        self.assertEqual(self.ends(), ends)
        self.assertEqual(self.servers.ctl("topics", "grow", str(partitions)),
                         (0, {"partitions": partitions, "grown": sorted(SAGA), "unassigned": []}))
        self.assertEqual(self.partitions(), {partitions})
        self.assertEqual(self.servers.ctl("topics", "release"), (0, {"released": 4}))
        self.assertTrue(eventually(5, lambda: not self.held()))
        self.assertEqual(self.servers.ctl("lag")[1]["differing"], [])

    def test_three_to_six_to_twelve_under_load(self):
        self.assertEqual(self.partitions(), {3})
        os.environ["ORDERFLOW_TEST_STACK"], before = str(self.environment), os.environ["ORDERFLOW_TEST_STACK"]
        self.addCleanup(os.environ.__setitem__, "ORDERFLOW_TEST_STACK", before)
        load = Load(Stack(), seed=17)
        sender = threading.Thread(target=load.run, args=([self.origin], 4000, 120))
        sender.start()
        try:
            self.assertTrue(eventually(10, lambda: len(load.accepted) > 200))
            self.grow(load, 6)
            accepted = len(load.accepted)
            self.assertTrue(eventually(10, lambda: len(load.accepted) > accepted + 200))
            self.grow(load, 12)
        finally:
            sender.join()
        self.assertEqual(self.servers.ctl("topics", "hold", "--by", "anna")[0], 0)
        self.assertEqual(self.servers.ctl("topics", "grow", "6")[0], 2)  # there are twelve
        self.assertEqual(self.servers.ctl("topics", "release")[0], 0)
        code, verdict = self.servers.ctl("check", "--quiesce", "60")
        self.assertEqual(code, 0, verdict)
        self.assertEqual(self.servers.ctl("stuck")[0], 0)
        self.assertTrue(all(end > 0 for topic in self.ends().values() for end in topic.values()), self.ends())
        for order_id in load.accepted:
            order = request("GET", f"{self.origin}/api/orders/{order_id}").json()
            self.assertNotEqual(order.get("reason"), "DEADLINE", order)
        for service in ("ORDER", "INVENTORY", "PAYMENT", "SHIPPING", "ANALYTICS"):
            parked = metric(self.servers.env[f"{service}_URL"], "orderflow_parked_records") or 0
            self.assertEqual(parked, 0, f"{service} has put records aside: an order's events came in another order")


if __name__ == "__main__":
    unittest.main()
