"""COMPOSE_PROFILES=single: one broker, for small machines."""

import unittest

from compose_test import FIRST_ORDER_S, STATE
from judge import load_and_judge
from stack_of_containers import Containers


class Single(unittest.TestCase):
    def setUp(self):
        self.containers = Containers(STATE, "single")
        self.containers.down("--volumes")
        self.addCleanup(self.containers.down, "--volumes")
        self.containers.environment |= {"ORDERFLOW_BROKERS": "kafka-1:9092", "ORDERFLOW_REPLICATION": "1"}  # as .env describes
        self.containers.up()

    def test_orders_of_every_kind(self):
        self.containers.await_order(FIRST_ORDER_S)
        self.assertEqual([name for name in self.containers.inspect() if name.startswith("kafka")], ["kafka-single"])
        load_and_judge(self.containers.edge, 300, 50, 3, STATE / "single.jsonl")
        told = self.containers.compose("run", "--rm", "orderctl", "preflight", check=False)
        self.assertEqual(told.returncode, 0, told.stdout)
