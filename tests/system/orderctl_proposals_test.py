"""Why an order waits, and the commands that orderctl and scripts/up propose: they work as they are printed."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import uuid

from orderctl_mend_test import Mend
from orderctl_view_test import OrderctlView
from poison_test import headers_of
from processes import frozen
from records import ends, produce
from stack import ROOT, eventually
from transactions import open_transaction


OF_STACKS = ("ORDERFLOW_TEST_STACK", "ORDERFLOW_STACK_ENV", "ORDERFLOW_STATE", "ORDERFLOW_BUILD_DIR")


def shell(command, directory):
    """A line as somebody pastes it, in a shell that knows nothing of the stack."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_STACKS}
    return subprocess.run(["bash", "-c", command], cwd=directory, env=environment, capture_output=True, text=True,
                          check=False, timeout=120)


class Proposals(Mend, OrderctlView):
    """From a stack.env and a program at odd places."""

    def setUp(self):
        super().setUp()
        self.place_dir = pathlib.Path(tempfile.mkdtemp(prefix="odd ' $HOME \"주문\t"))
        self.addCleanup(shutil.rmtree, self.place_dir)
        self.here = self.place_dir / "here"
        self.here.mkdir()
        shutil.copy(os.environ["ORDERFLOW_TEST_STACK"], self.place_dir / "my stack.env")
        (self.place_dir / "my orderctl").symlink_to(pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl")

    def asked(self, *arguments):
        done = subprocess.run(["../my orderctl", "--stack-env", self.place_dir / "my stack.env", *arguments],
                              cwd=self.here, capture_output=True, text=True, check=False, timeout=120)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.stdout

    def proposed(self, text, about):
        """The command below the line that speaks of this."""
        lines = text.splitlines()
        at = next((i for i, line in enumerate(lines) if about in line), None)
        self.assertIsNotNone(at, (about, text))
        return re.match(r"\s*→ (.*)", lines[at + 1]).group(1)

    def test_a_dead_record_is_retried_by_the_line_that_is_printed(self):
        order_id = self.place_every_kind()["COMPLETED"]
        record = self.plant(order_id)
        command = self.proposed(self.asked("order", order_id), f"given up record {record} ")
        done = shell(command, self.here)
        self.assertEqual(done.returncode, 0, (command, done.stderr))
        self.assertIn("is due now", done.stdout)
        self.assertTrue(eventually(15, lambda: not self.listed(record)))

    def test_what_does_not_run_is_started_by_the_line_that_is_printed(self):
        self.stack.stop("shipping")
        try:
            order_id = self.place(self.order(self.product()))
            self.stuck_because(order_id, "shipping-service is not running")
            command = self.proposed(self.asked("stuck", "--older-than", "0", "--limit", "500"),
                                    "shipping-service is not running")
            done = shell(command, self.here)
            self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))
        finally:
            self.stack.restart()
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")

    def test_scripts_name_their_stack(self):
        done = shell(f"{ROOT}/scripts/up --state '{self.stack.env['STACK_STATE']}' --order-port 1 --no-build", "/")
        self.assertEqual(done.returncode, 1)
        self.assertIn("order already runs on port", done.stderr)
        self.assertRegex(done.stderr, rf"\n +{ROOT}/scripts/down --state {self.stack.env['STACK_STATE']} --only order$")
        odd = self.place_dir / "state"
        source = f"set -euo pipefail; source {ROOT}/scripts/lib.sh; use_state \"$1\"; down_command"
        said = subprocess.run(["bash", "-c", source, f"{ROOT}/scripts/up", odd], capture_output=True, text=True,
                              check=True, timeout=10).stdout
        words = subprocess.run(["bash", "-c", f"printf '%s\\n' {said}"], capture_output=True, text=True, check=True)
        self.assertEqual(words.stdout.splitlines()[1:], ["--state", str(odd)])


class Waits(Mend, OrderctlView):
    def test_a_record_behind_another_one_has_no_time_of_its_own(self):
        order_id = self.place_every_kind()["COMPLETED"]
        first = self.plant(order_id, dead=False)  # due in nine minutes
        second, third = self.plant(order_id, dead=False), self.plant(order_id, dead=False)
        try:
            self.psql("inventory", "UPDATE parked SET due_at = now() - interval '1 min', attempts = 0"
                      f" WHERE id IN ({second}, {third})")
            behind = f"waits behind record {first} of its order, which is tried again at 20"
            _, text = self.text("order", order_id)
            self.assertEqual(text.count(behind), 2, text)
            self.assertNotIn("due since", text)
            _, listing = self.text("records", "list", "--service", "inventory", "--limit", "10000")
            lines = [line for line in listing.splitlines() if order_id in line]
            self.assertEqual([behind in line for line in lines], [False, True, True], lines)
            self.assertIn("  next at 20", lines[0])
            records = {r["id"]: r for record in (first, second, third) for r in self.listed(record)}
            self.assertEqual([records[i].get("behind") for i in (first, second, third)], [None, first, first])
            self.assertEqual(len({r["dueAt"] for r in records.values()}), 1, records)
            mine = [p for p in self.check()["parked"] if p.get("orderId") == order_id]
            self.assertEqual([p.get("behind") for p in mine], [None, first, first], mine)
            _, text = self.text("check")
            # Of many parked records the text shows some.
            shown = [line for line in text.splitlines() if line.startswith("parked") and order_id in line]
            self.assertEqual(sum(behind in line for line in shown), max(0, len(shown) - 1), text)
            # The first one dies: the others are not behind it any more.
            self.psql("inventory", f"UPDATE parked SET dead = true, due_at = NULL WHERE id = {first};"
                      f" UPDATE parked SET due_at = now() + interval '9 min' WHERE id IN ({second}, {third})")
            self.assertNotIn("behind", self.listed(second)[0])
            self.assertEqual(self.listed(third)[0].get("behind"), second)
        finally:
            self.psql("inventory", f"DELETE FROM parked WHERE order_id = '{order_id}'")

    def test_what_an_open_transaction_hides_is_not_to_be_sent_again(self):
        env, product = self.stack.env, self.product()
        partitions = range(len(ends(env, "order-events")))
        with open_transaction(env, "order-events", partitions) as begins:
            order_id = self.place(self.order(product))
            wait = self.stuck_because(order_id, "an open Kafka transaction hides")
            found = re.search(r"order-events/(\d+) from offset (\d+) to (\d+) ", wait["why"])
            partition, begin, end = map(int, found.groups())
            self.assertEqual(begin, begins[partition])
            self.assertGreater(end, begin)
            self.assertIn(f"--topic order-events --partition {partition} --start-offset {begin} ", wait["mend"])
            self.assertNotIn("republish", wait["mend"])
            self.assertNotIn("republish", self.text("order", order_id)[1])
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")
        # Consumers step over what was given up with the next record of each partition.
        before = ends(env, "order-events")
        while any(end <= before[partition] for partition, end in ends(env, "order-events").items()):
            self.final(self.place(self.order(product)))

    def test_a_silent_kafka_holds_up_no_answer(self):
        product = self.product()
        with frozen(self.stack.pid("kafka")):
            order_id = self.place(self.order(product))
            for command in (("stuck", "--older-than", "0", "--limit", "500"), ("order", order_id)):
                begun = time.monotonic()
                code, text = self.text(*command)
                self.assertLess(time.monotonic() - begun, 6)
                self.assertIn(order_id, text)
                self.assertRegex(text, r"Kafka does not answer: no answer of \S+ within 3000 ms")
        self.assertEqual(self.final(order_id, 60)["status"], "COMPLETED")

    def test_orders_are_counted_alike(self):
        key = str(uuid.uuid4()).encode()  # an order's id that only a broken record names
        headers = headers_of("OrderPlaced.v1", "/order-service", key)
        offset = produce(self.stack.env, "order-events", 0, key, b"{", list(headers.items()))
        dead = [r["id"] for r in eventually(10, lambda: [r for r in self.ctl("records", "list", "--service",
                "inventory", "--limit", "10000")[1] if r["offset"] == offset and r["topic"] == "order-events"])]
        document = self.check()
        noted = next(i for i in document["invariants"] if i["id"] == "I8")["note"]
        self.assertTrue(noted.startswith(f"{document['counts']['orders']} orders, "), (noted, document["counts"]))
        self.assertEqual(self.ctl("rebuild", "--verify")[1]["orders"], document["counts"]["orders"])
        for record in dead:
            self.decide("discard", record)


class Steps(unittest.TestCase):
    def test_where_there_is_no_terminal_a_step_is_one_line_written_at_its_end(self):
        source = (f"set -euo pipefail; source {ROOT}/scripts/lib.sh; log=$(mktemp); with_progress one $log sleep 3.2;"
                  " with_progress two $log false || true; rm $log")
        done = subprocess.run(["bash", "-c", source], capture_output=True, text=True, check=True, timeout=30)
        self.assertRegex(done.stdout, r"\A   one done \(\d s\)\n   two FAILED\n\Z")


if __name__ == "__main__":
    unittest.main()
