"""Every topic once more from its beginning, and every event twice: nothing changes, nothing is done twice."""

import contextlib
import unittest
import uuid

from judge import Judge
from load import Load
from processes import Instance
from records import has_read_all
from stack import SERVICES, SystemTest, eventually

CONSUMED = {"order": ("inventory", "payment", "shipping"), "payment": ("inventory", "order"), "inventory": ("order",),
            "shipping": ("payment", "order"), "analytics": ("order", "inventory", "payment", "shipping")}
DATABASES = ("orders", "payments", "inventory", "shipping", "analytics")


class Replay(SystemTest):
    """A second process of each service, in a consumer group of its own that begins at offset 0."""

    def test_replayed_topics_change_nothing_and_doubled_events_do_no_harm(self):
        before = Load(self.stack, seed=5)
        before.run([self.stack.url("edge", "")], 300, rate=150)
        self.judge(before)
        kept = self.kept()
        with contextlib.ExitStack() as stack:
            group = f"replay-{uuid.uuid4()}"
            for name in SERVICES:
                stack.enter_context(Instance(self.stack, name, {"--group-id": f"{group}-{name}"}))
            self.have_read_all(group)
            self.assertEqual(self.kept(), kept)

            twice = Load(self.stack, seed=6)
            twice.run([self.stack.url("edge", "")], 500, rate=60)
            self.judge(twice)
            self.have_read_all(group)
        self.judge(before)

    def have_read_all(self, group):
        for service, producers in CONSUMED.items():
            topics = [f"{name}-events" for name in producers]
            self.assertTrue(eventually(60, lambda who=f"{group}-{service}", topics=topics: has_read_all(
                self.stack.env, who, topics), 0.2), f"{service} has not read everything")

    def kept(self):
        """What a repeated decision would add to: the ledgers of all services and of the gateway."""
        ledgers = {database: self.stack.audit(database, "SELECT coalesce(max(seq), 0) AS seq FROM audit_v1_outbox")
                   for database in DATABASES}
        return ledgers | {"gateway": sum(map(len, self.stack.ledger().values()))}

    def judge(self, load):
        judge = Judge(self.stack, load)
        self.assertEqual(judge.wait_until_final(60), [])
        self.assertEqual(judge.violations(), [])


if __name__ == "__main__":
    unittest.main()
