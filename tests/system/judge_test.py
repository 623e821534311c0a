"""The judge of loads sees what it is there for: each lie about a clean load is a violation."""

import copy
import unittest

from judge import Judge
from load import Load
from stack import SystemTest


class Judging(SystemTest):
    def setUp(self):
        super().setUp()
        load = Load(self.stack, seed=1, contended=3)
        load.run([self.stack.url("edge", "")], 200, rate=200)
        self.judge = Judge(self.stack, load)
        self.assertEqual(self.judge.wait_until_final(60), [])

    def end(self, state, reason=None):
        """Ids of the orders that ended so."""
        return [order_id for order_id, row in self.judge.found["orders"].items()
                if (row["state"], row["reason"]) == (state, reason)]

    def lies(self):
        """(name, what to change)."""
        judge, load = self.judge, self.judge.load
        done, declined = self.end("COMPLETED")[0], self.end("CANCELLED", "CARD_DECLINED")[0]
        refunded, rejected = self.end("CANCELLED", "CARRIER_REFUSED")[0], self.end("CANCELLED", "OUT_OF_STOCK")[0]
        rows, total = judge.found, judge.found["orders"][done]["total"]
        return [
            ("an order is gone", lambda: rows["orders"].pop(done)),
            ("an order is not final", lambda: rows["orders"][declined].update(state="CANCELLING")),
            ("an order of a refused request", lambda: rows["orders"][done].update(customer_id=f"{load.name}-9-plain")),
            ("another reason", lambda: rows["orders"][declined].update(reason="CARRIER_REFUSED")),
            ("two answers", lambda: rows["orders"][declined].update(answers=3)),
            ("undone was not said", lambda: rows["orders"][refunded].update(undone=1)),
            ("a reservation stays", lambda: rows["inventory"][refunded].update(state="RESERVED")),
            ("a sale is missing", lambda: rows["inventory"][done].update(state="RESERVED")),
            ("a payment row is missing", lambda: rows["payments"].pop(rejected)),
            ("a charge stays", lambda: rows["payments"][refunded].update(state="CAPTURED")),
            ("a shipment stays", lambda: rows["shipping"][refunded].update(state="SCHEDULED")),
            ("a slot stays", lambda: rows["shipping"][refunded].update(storage_booked=True)),
            ("charged twice", lambda: judge.ledger[done].append(("charge", total))),
            ("never charged", lambda: judge.ledger.pop(done)),
            ("never refunded", lambda: judge.ledger[refunded].pop()),
            ("charged after all", lambda: judge.ledger.update({rejected: [("charge", total)]})),
            ("two outcomes", lambda: judge.events[done]["payment"].append("PaymentDeclined")),
            ("no answer", lambda: judge.events[rejected]["shipping"].clear()),
            ("analytics missed one", lambda: judge.timeline[done].pop()),
            ("told it was cancelled", lambda: load.told.update({done: [202]})),
            ("a piece is lost", lambda: judge.pieces.update({f"{load.name}-plenty": (0, 1, 0)})),
            ("a slot is lost", lambda: setattr(judge, "used", judge.used + 1)),
            ("parked", lambda: judge.parked.append("parked")),
        ]

    def test_clean_load_has_no_violation_and_every_lie_is_seen(self):
        self.assertEqual(self.judge.violations(), [])
        truth = {name: value for name, value in vars(self.judge).items() if name not in ("stack", "load")}
        for i in range(len(self.lies())):
            vars(self.judge).update(copy.deepcopy(truth))
            self.judge.load.told = {}
            name, lie = self.lies()[i]
            with self.subTest(name):
                lie()
                self.assertNotEqual(self.judge.judge(), [])


if __name__ == "__main__":
    unittest.main()
