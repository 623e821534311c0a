"""COMPOSE_PROFILES=single: one broker, for small machines."""

import time
import unittest

from compose_test import FIRST_ORDER_S, STATE
from judge import conclude
from load import Load
from stack import Stack
from stack_of_containers import Containers


class Single(unittest.TestCase):
    def setUp(self):
        self.containers = Containers(STATE, "single")
        self.containers.down("--volumes")
        self.addCleanup(self.containers.down, "--volumes")
        self.containers.up()

    def test_orders_of_every_kind(self):
        self.containers.await_order(FIRST_ORDER_S)
        self.assertEqual([name for name in self.containers.inspect() if name.startswith("kafka")], ["kafka-single"])
        path = STATE / "single.jsonl"
        begin = time.monotonic()
        with open(path, "w", encoding="utf-8") as history:
            load = Load(Stack(), 3, history, contended=6)
            load.run([self.containers.edge], 300, 50)
        self.assertTrue(conclude(load, time.monotonic() - begin, 120, str(path)))
