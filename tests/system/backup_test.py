"""A backup under load, the loss of everything, and what comes back; who reads a stack's data; Kafka's own tools on it. On
servers of its own."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from beside import ROOT, Servers
from load import Load
from stack import Stack, eventually, request


class Backup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        cls.servers.script("up", "--no-build", "--no-demo", "--build-dir", cls.servers.bin.parent)
        cls.servers.read()
        cls.where = pathlib.Path(tempfile.mkdtemp(prefix="orderflow-backup-"))
        cls.addClassCleanup(shutil.rmtree, cls.where)

    def run_script(self, name, *arguments):
        return subprocess.run([ROOT / "scripts" / name, "--state", self.servers.state, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)

    def write_sums(self, backup):
        names = sorted(path.name for path in backup.iterdir() if path.name != "SHA256SUMS")
        (backup / "SHA256SUMS").write_text("".join(
            f"{hashlib.sha256((backup / name).read_bytes()).hexdigest()}  {name}\n" for name in names))

    def test_ended_by_a_signal_it_holds_no_relay_and_leaves_no_directory(self):
        target = self.where / "ended"
        for after_s in (0, 0.1, 0.2, 0.3, 0.6, 1.2):
            with self.subTest(after_s):
                backup = subprocess.Popen([ROOT / "scripts" / "backup", "--state", self.servers.state, target],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(after_s)
                backup.terminate()
                if backup.wait(60) == 0:  # it was faster
                    shutil.rmtree(target)
                self.assertEqual(self.servers.ctl("topics", "release"), (0, {"released": 0}))
                self.assertFalse(target.exists())

    def test_nobody_else_reads_its_data(self):
        for name in ("postgres", "kafka", "gateway"):
            with self.subTest(name):
                self.assertEqual((pathlib.Path(self.servers.env["STACK_DATA"]) / name).stat().st_mode & 0o7777, 0o700)

    def test_kafkas_own_tools_reach_a_plain_and_an_encrypted_kafka(self):
        encrypted = Servers("--only", "kafka", "--secure")
        self.addCleanup(encrypted.close)
        for servers in (self.servers, encrypted):
            with self.subTest(servers.env.get("KAFKA_ADMIN_BROKERS", "plain")):
                servers.script("kafka", "kafka-topics", "--create", "--topic", "tried", "--partitions", "1")
                servers.script("kafka", "kafka-topics", "--describe", "--topic", "tried")
                servers.script("kafka", "kafka-topics.sh", "--delete", "--topic", "tried")
        self.assertIn("order-events\n", self.run_script("kafka", "kafka-topics", "--list").stdout)
        self.assertIn("unknown tool", self.run_script("kafka", "kafka-nothing").stdout)

    def test_all_is_lost_and_comes_back_as_of_the_backup(self):
        before = os.environ["ORDERFLOW_TEST_STACK"]
        os.environ["ORDERFLOW_TEST_STACK"] = f"{self.servers.state}/stack.env"
        self.addCleanup(os.environ.__setitem__, "ORDERFLOW_TEST_STACK", before)
        load = Load(Stack(), seed=5)
        sender = threading.Thread(target=load.run, args=([self.servers.env["EDGE_URL"]], 1500, 120))
        sender.start()
        try:
            self.assertTrue(eventually(60, lambda: len(load.accepted) > 400))
            self.assertEqual(self.servers.ctl("topics", "hold", "--by", "anna")[0] < 2, True)
            self.assertIn("held by anna", self.run_script("backup", self.where / "one").stdout)  # leaves no directory
            self.assertEqual(self.servers.ctl("topics", "release"), (0, {"released": 4}))
            in_it = set(load.accepted)
            done = self.run_script("backup", self.where / "one")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(self.servers.ctl("topics", "release"), (0, {"released": 0}))
            self.assertEqual(self.run_script("backup", self.where / "one").returncode, 1)  # it is there
        finally:
            sender.join()
        self.assertGreater(len(set(load.accepted) - in_it), 100)
        refused = self.run_script("restore", self.where / "one")
        self.assertIn("has data already", refused.stdout)
        self.servers.script("down", "--wipe")

        broken = shutil.copytree(self.where / "one", self.where / "broken")
        with open(broken / "payments.dump", "ab") as dump:
            dump.write(b"?")
        self.assertIn("is not a complete backup", self.run_script("restore", broken).stdout)
        partial = shutil.copytree(self.where / "one", self.where / "partial")
        (partial / "gateway.sqlite").unlink()
        self.write_sums(partial)
        self.assertIn("name different files", self.run_script("restore", partial).stdout)
        (partial / "orders.dump").unlink()
        (partial / "MANIFEST").write_text("".join(f"{path.name}\n" for path in partial.glob("*.dump")))
        self.write_sums(partial)
        self.assertIn("has no orders.dump", self.run_script("restore", partial).stdout)
        self.assertIn("before the backup", self.run_script("restore", "--no-demo", self.where / "one").stdout)
        how = ("--free-ports", "--no-build", "--build-dir", self.servers.bin.parent)
        (broken / "payments.dump").write_bytes(b"?")
        self.write_sums(broken)
        refused = self.run_script("restore", broken, *how)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("payments could not be restored", refused.stdout)
        self.assertIn("the restore was interrupted", refused.stdout)
        self.assertIn("the restore was interrupted", self.run_script("up", *how).stdout)
        self.servers.script("down", "--wipe")
        done = self.run_script("restore", self.where / "one", *how)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("Placed order", done.stdout)
        self.servers.read()
        self.assertTrue(eventually(60, lambda: self.servers.ctl("stuck")[0] == 0, 0.5))
        code, verdict = self.servers.ctl("check", "--quiesce", "60")
        self.assertEqual(code, 0, verdict)
        edge = self.servers.env["EDGE_URL"]
        for order_id in in_it:
            self.assertEqual(request("GET", f"{edge}/api/orders/{order_id}").status, 200, order_id)
        self.assertGreaterEqual(verdict["counts"]["orders"], len(in_it))
        order = {"customerId": "CUST-001",
                 "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}
        placed = request("POST", f"{edge}/api/orders", order).json()["orderId"]
        self.assertTrue(eventually(30, lambda: request("GET", f"{edge}/api/orders/{placed}").json()["status"] ==
                                   "COMPLETED"))


if __name__ == "__main__":
    unittest.main()
