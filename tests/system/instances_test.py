"""Two processes of each service share the work, and one of each may be killed: every order ends right."""

import contextlib
import threading
import unittest

from judge import Judge
from load import Load
from processes import Instance, kill, metric
from stack import SERVICES, Stack, SystemTest, eventually

FIRST, SECOND = 1000, 500
RATE = 60  # orders a second
KILLED_FIRST = ("payment", "inventory")  # of the others the second process is killed


class TwoOfEach(SystemTest):
    def test_orders_of_every_kind_with_two_processes_of_each_service_and_one_killed(self):
        with contextlib.ExitStack() as stack:
            second = {name: stack.enter_context(Instance(self.stack, name)) for name in SERVICES}
            stack.callback(lambda: Stack().restart())
            load = Load(self.stack, seed=2)
            origins = [self.stack.url("edge", ""), second["order"].url]
            self.warm_up(load, second, origins)
            load.run(origins, FIRST, RATE)
            self.judge(load, 60)
            for service, instance in second.items():
                self.assertGreater(metric(instance.url, "orderflow_batches_total"), 0, f"{service} did no work")

            killing = threading.Timer(SECOND / RATE / 3, self.kill_one_of_each, [second])
            killing.start()
            load.run(origins[:1], SECOND, RATE)
            killing.join()
            figures = self.judge(load, 90)
            self.assertGreater(figures["COMPLETED"], (FIRST + SECOND) * 0.7)
            self.assertGreaterEqual(len(figures), 8, figures)

    def warm_up(self, load, second, origins):
        """Until each second process has its partitions: it handles records."""
        def all_work():
            load.run(origins, 20, 100)
            return all(metric(instance.url, "orderflow_batches_total") > 0 for instance in second.values())
        self.assertTrue(eventually(60, all_work), "the partitions are not shared")

    def kill_one_of_each(self, second):
        for service, instance in second.items():
            kill(self.stack.pid(service) if service in KILLED_FIRST else instance.pid)

    def judge(self, load, deadline_s):
        judge = Judge(self.stack, load)
        self.assertEqual(judge.wait_until_final(deadline_s), [], "not final")
        wrong = judge.violations()
        self.assertEqual(wrong, [], f"{len(wrong)} violations")
        return judge.figures()


if __name__ == "__main__":
    unittest.main()
