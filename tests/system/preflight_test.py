"""orderctl preflight: what it says of a stack that is well, and of what is not as it should be."""

import json
import os
import pathlib
import subprocess
import unittest

from processes import kill, settings
from records import kafka_clients
from stack import SystemTest

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource  # found by records


class Preflight(SystemTest):
    def preflight(self, *arguments):
        """(exit code, {what: (verdict, text)})"""
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--json", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], "preflight", *arguments], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, {found["what"]: (found["verdict"], found["text"]) for found in json.loads(done.stdout)}

    def test_a_stack_that_is_well(self):
        code, found = self.preflight()
        self.assertEqual(code, 0, found)
        unencrypted = {what: text for what, (verdict, text) in found.items() if verdict != "good"}
        self.assertEqual(set(unencrypted), {"Kafka", "gateway"}, unencrypted)
        for what in ("topics", "clock of database orders", "connections", "database payments", "shipping-service",
                     "versions", "environments"):
            self.assertEqual(found[what][0], "good", what)
        self.assertRegex(found["database orders"][1], r"^schema common \d+ order \d+;")
        self.assertRegex(found["connections"][1], r"^[1-9]\d* of the services, ")

    def test_a_service_that_is_gone_and_one_that_says_too_much(self):
        with settings("analytics", LOG_LEVEL="debug") as self.stack:
            found = self.preflight()[1]
            self.assertEqual(found["analytics-service"], ("doubtful", "logs at level debug"))
            kill(self.stack.pid("analytics"))
            code, found = self.preflight()
            self.assertEqual(code, 1)
            self.assertEqual(found["analytics-service"][0], "bad")
            self.assertEqual(found["order-service"][0], "good")

    def test_a_topic_unlike_the_catalog(self):
        self.addCleanup(self.retention, "604800000")
        self.retention("3600000")
        code, found = self.preflight()
        self.assertEqual(code, 1)
        self.assertEqual(found["topic payment-events"],
                         ("bad", "retention.ms is 3600000, wanted 604800000 (orderctl topics apply)"))

    def retention(self, ms):
        entry = ConfigEntry("retention.ms", ms, incremental_operation=AlterConfigOpType.SET)
        topic = ConfigResource(ConfigResource.Type.TOPIC, "payment-events", incremental_configs=[entry])
        kafka_clients.results(kafka_clients.admin(self.stack.env).incremental_alter_configs([topic]))


if __name__ == "__main__":
    unittest.main()
