"""A backup under load, the loss of everything, and what comes back. On servers of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
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
            self.assertIn("held by anna", self.run_script("backup", self.where / "none").stdout)
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
        self.assertIn("no whole backup", self.run_script("restore", broken).stdout)
        self.assertIn("before the backup", self.run_script("restore", "--no-demo", self.where / "one").stdout)
        done = self.run_script("restore", self.where / "one", "--free-ports", "--no-build", "--no-demo", "--build-dir",
                               self.servers.bin.parent)
        self.assertEqual(done.returncode, 0, done.stdout)
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
