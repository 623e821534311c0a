"""The examples, as their README has them: what is sent is received, and errors are told."""

import os
import pathlib
import subprocess
import unittest
import uuid

from stack import Stack


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.bin = pathlib.Path(cls.stack.env["STACK_BIN"])
        cls.topic = f"demo-{uuid.uuid4()}"

    def run_example(self, name, *arguments, topic=None, text=""):
        environment = os.environ | {"KAFKA_BROKERS": self.stack.env["KAFKA_BROKERS"]}
        return subprocess.run([self.bin / f"example-{name}", "--topic", topic or self.topic, *arguments], input=text,
                              timeout=60, capture_output=True, text=True, check=False, env=environment)

    def test_what_is_sent_is_received_once_by_a_group(self):
        lines = "".join(f"user-{n % 5}\t{{\"n\":{n}}}\n" for n in range(50))
        sent = self.run_example("producer", "--make", "3", "--kafka", "linger.ms=20", text=lines)
        self.assertEqual((sent.returncode, sent.stdout), (0, "50 sent, 50 in Kafka, 0 refused\n"), sent.stderr)

        for flags in ([], ["--auto-commit"]):
            with self.subTest(flags=flags):
                group = ["--group", f"readers-{uuid.uuid4()}", *flags]
                first = self.run_example("consumer", "--count", "50", *group)
                self.assertEqual(first.returncode, 0, first.stderr)
                records = [line.split(" ", 2) for line in first.stdout.splitlines() if line.startswith(self.topic)]
                self.assertEqual(len(records), 50)
                by_key = {}
                for _, key, value in records:
                    by_key.setdefault(key, []).append(int(value.split(":")[1].rstrip("}")))
                self.assertEqual(by_key, {f"user-{k}": list(range(k, 50, 5)) for k in range(5)})
                again = self.run_example("consumer", "--count", "1", "--for-s", "6", *group)
                self.assertEqual(again.returncode, 1, again.stdout)  # nothing is left for the group

    def test_a_topic_that_is_not_there_is_an_error(self):
        sent = self.run_example("producer", topic="no-such-topic", text="x\n")
        self.assertEqual(sent.returncode, 1, sent.stdout)
        self.assertIn("event 1: ", sent.stderr)

    def test_what_the_promise_rests_on_cannot_be_set(self):
        refused = self.run_example("producer", "--kafka", "acks=1")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("acks cannot be set", refused.stderr)


if __name__ == "__main__":
    unittest.main()
