"""Every cause of failure: the order ends CANCELLED with its reason, and exactly what was done is undone."""

import time
import unittest

from ends import CAPTURED, REFUNDED, RELEASED, RESERVED, Cancelled, SagaTest
from processes import frozen, settings
from stack import eventually


class Refused(SagaTest):
    """A participant says no."""

    def rejected(self, order, reason):
        self.check_cancelled(self.place(order), Cancelled(reason, ("OrderPlaced", "StockRejected"),
                                                          reservation=("CANCELLED", reason)))

    def test_out_of_stock_reserves_nothing(self):
        product = self.product(stock=2)
        self.rejected(self.order(product, quantity=3), "OUT_OF_STOCK")
        self.assertEqual(self.stock(product), (2, 0, 0))

    def test_one_line_out_of_stock_leaves_the_others_free(self):
        plenty, scarce = self.product(stock=9), self.product(stock=1)
        order = self.order(plenty, quantity=3)
        order["items"] += self.order(scarce, quantity=2)["items"]
        self.rejected(order, "OUT_OF_STOCK")
        self.assertEqual((self.stock(plenty), self.stock(scarce)), ((9, 0, 0), (1, 0, 0)))

    def test_unknown_product(self):
        self.rejected(self.order(f"NONE-{self.customer[5:]}"), "UNKNOWN_PRODUCT")

    def test_price_that_is_not_the_catalogues(self):
        product = self.product(stock=2)
        self.rejected(self.order(product, price=1499), "PRICE_MISMATCH")
        self.assertEqual(self.stock(product), (2, 0, 0))

    def test_other_currency_than_the_catalogues(self):
        self.rejected(self.order(self.product(), currency="USD"), "PRICE_MISMATCH")

    def declined(self, token, reason):
        product = self.product(stock=5)
        self.check_cancelled(self.place(self.order(product, quantity=2, token=token)), Cancelled(
            reason, RESERVED + ("PaymentDeclined",), RELEASED, reservation=("RELEASED", None),
            payment=("NEVER_CHARGED", reason), ledger=("decline", "cancel")))
        self.assertEqual(self.stock(product), (5, 0, 0))

    def test_declined_card_releases_the_stock(self):
        self.declined("tok_declined", "CARD_DECLINED")

    def test_unknown_token_is_declined(self):
        self.declined("tok_nobody_knows", "CARD_TOKEN_UNKNOWN")

    def refused_shipment(self, reason, **order):
        """The money comes back."""
        product, slots = self.product(stock=5), self.used_slots()
        order_id = self.place(self.order(product, quantity=2, **order))
        self.check_cancelled(order_id, Cancelled(
            reason, CAPTURED + ("ShipmentRefused",), REFUNDED, reservation=("RELEASED", None),
            payment=("REFUNDED", None), shipment=("CANCELLED", reason), ledger=("charge", "refund")))
        self.assertEqual({line["amount"] for line in self.stack.ledger()[f"charge:{order_id}"]}, {3000})
        self.assertEqual(self.stock(product), (5, 0, 0))
        self.assertEqual(self.used_slots(), slots)

    def test_country_that_is_not_served_refunds_the_money(self):
        self.refused_shipment("CARRIER_REFUSED", country="AQ")

    def test_carrier_is_asked_before_the_warehouse(self):
        self.refused_shipment("CARRIER_REFUSED", country="AQ", warehouseStorage=True)

    def test_full_storage_refunds_the_money(self):
        with settings("shipping", STORAGE_CAPACITY=str(self.used_slots())) as self.stack:
            self.refused_shipment("STORAGE_FULL", country="KR", warehouseStorage=True)
            other = self.place(self.order(self.product()))
            self.assertEqual(self.final(other)["status"], "COMPLETED", "an order without storage needs no slot")

    def test_last_slot_goes_to_one_order(self):
        slots = self.used_slots()
        with settings("shipping", STORAGE_CAPACITY=str(slots + 1)) as self.stack:
            product = self.product(stock=10)
            orders = [self.place(self.order(product, warehouseStorage=True)) for _ in range(5)]
            ends = [self.final(order_id) for order_id in orders]
            self.assertEqual(sorted(end.get("reason", "-") for end in ends), ["-"] + ["STORAGE_FULL"] * 4)
            self.assertEqual(self.used_slots(), slots + 1)
            self.assertTrue(eventually(10, lambda: self.stock(product) == (9, 0, 1)), self.stock(product))


class Deadline(SagaTest):
    """The order service, started with a deadline of two seconds."""

    def test_charge_that_hangs_beyond_the_deadline(self):
        with settings("order", ORDER_DEADLINE_S="2", ORDER_DEADLINE_CALM_S="1") as self.stack:
            product = self.product(stock=5)
            order_id = self.place(self.order(product, quantity=2, token="tok_slow_60s"))
            self.check_cancelled(order_id, Cancelled("DEADLINE", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                     ledger=("cancel",)), 40)
            self.assertEqual(self.stock(product), (5, 0, 0))

    def test_participant_that_does_not_answer_in_time(self):
        with settings("order", ORDER_DEADLINE_S="2", ORDER_DEADLINE_CALM_S="1") as self.stack:
            product = self.product(stock=5)
            with frozen(self.stack.pid("inventory")):
                order_id = self.place(self.order(product, quantity=2))
                self.timeline(order_id, "CancellationStarted", 40)
            self.check_cancelled(order_id, Cancelled("DEADLINE", ("OrderPlaced",), RELEASED, after=("StockReserved",),
                                                     reservation=("RELEASED", None)), 40)
            self.assertEqual(self.stock(product), (5, 0, 0))

    def test_order_that_completes_in_time_is_left_alone(self):
        with settings("order", ORDER_DEADLINE_S="2", ORDER_DEADLINE_CALM_S="1") as self.stack:
            done = self.place(self.order(self.product()))
            self.assertEqual(self.final(done)["status"], "COMPLETED")
            late = self.place(self.order(self.product(), token="tok_slow_60s"))
            self.assertEqual(self.final(late, 40)["reason"], "DEADLINE")
            self.assertEqual(self.final(done)["status"], "COMPLETED")


class Gateway(SagaTest):
    """Answers that come late, wrong or never: the order waits, and is charged once."""

    def placed(self, token):
        product = self.product(stock=5)
        return product, self.place(self.order(product, quantity=2, token=token))

    def check_completed(self, product, order_id, deadline_s):
        self.assertEqual(self.final(order_id, deadline_s)["status"], "COMPLETED")
        self.assertEqual(self.charges(order_id), ["charge"])
        self.assertEqual(self.stack.ledger()[f"charge:{order_id}"][0]["amount"], 3000)
        self.assertEqual(self.events_of(order_id)["payments"], ["PaymentCaptured"])
        self.assertEqual(self.row("payments", "audit_v1_payments", "state, reason", order_id), ("CAPTURED", None))
        self.assertTrue(eventually(10, lambda: self.stock(product) == (3, 0, 2)), self.stock(product))

    def test_late_failed_and_lost_answers_all_end_in_one_charge_unless_the_order_is_cancelled(self):
        product = self.product(stock=5)
        cancelled = self.place(self.order(product, token="tok_slow_60s"))
        self.assertTrue(eventually(10, lambda: self.stock(product) == (4, 1, 0)))
        self.assertEqual(self.cancel(cancelled).status, 202)
        begun = time.monotonic()  # for all of them: the slowest takes a minute
        deadlines_s = {"tok_500_then_ok": 20, "tok_charge_then_timeout": 30, "tok_slow_60s": 150}
        orders = {token: self.placed(token) for token in deadlines_s}
        for token, order in orders.items():
            with self.subTest(token):
                self.check_completed(*order, begun + deadlines_s[token] - time.monotonic())
        self.assertEqual(self.final(cancelled)["status"], "CANCELLED")
        self.assertEqual(self.charges(cancelled), ["cancel"], "the minute has passed: it was not charged after all")


if __name__ == "__main__":
    unittest.main()
