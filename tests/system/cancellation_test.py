"""Customers cancel: before, between and after the steps, again and at once, and around a frozen payment-service."""

import concurrent.futures
import random
import time
import unittest

from ends import CAPTURED, REFUNDED, RELEASED, RESERVED, Cancelled, SagaTest
from processes import HeldGateway, Instance, frozen, metric
from stack import eventually, request

UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"


class Customer(SagaTest):
    """POST /api/orders/{id}/cancellations, at every place of the way."""

    def cancelled(self, order_id, statuses=(202,)):
        answer = self.cancel(order_id)
        self.assertIn(answer.status, statuses, answer.body)
        self.assertEqual(answer.json(), {"orderId": order_id,
                                         "status": "CANCELLING" if answer.status == 202 else "CANCELLED"})

    def test_before_anything_was_done(self):
        """Payment and shipping hear of the order for the first time: both leave a tombstone."""
        product = self.product(stock=5)
        with frozen(self.stack.pid("inventory")):
            order_id = self.place(self.order(product, quantity=2))
            self.cancelled(order_id)
            waiting = eventually(10, lambda: self.waiting_for(order_id) == ["inventory-service"])
            self.assertTrue(waiting, self.waiting_for(order_id))
        self.check_cancelled(order_id, Cancelled("CUSTOMER", ("OrderPlaced",), RELEASED, after=("StockReserved",),
                                                 reservation=("RELEASED", None)), 40)
        self.assertEqual(self.stock(product), (5, 0, 0))

    def waiting_for(self, order_id):
        order = request("GET", self.stack.url("edge", f"/api/orders/{order_id}")).json()
        return [waiting["service"] for waiting in order["waitingFor"]]

    def hanging_charge(self, product):
        """An order whose charge the gateway has taken up and does not answer for a minute."""
        order_id = self.place(self.order(product, quantity=2, token="tok_slow_60s"))
        url = self.stack.url("gateway", f"/v1/charges/charge:{order_id}")
        self.assertTrue(eventually(10, lambda: request("GET", url).status == 200), "the charge is not under way")
        return order_id

    def test_while_the_charge_hangs(self):
        product = self.product(stock=5)
        order_id = self.hanging_charge(product)
        self.assertEqual(self.stock(product), (3, 2, 0))
        self.cancelled(order_id)
        self.check_cancelled(order_id, Cancelled("CUSTOMER", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                 ledger=("cancel",)))
        self.assertEqual(self.stock(product), (5, 0, 0))

    def test_after_the_payment(self):
        """Shipping, frozen meanwhile, sees payment and trigger at once and may take either first."""
        product, slots = self.product(stock=5), self.used_slots()
        with frozen(self.stack.pid("shipping")):
            order_id = self.place(self.order(product, quantity=2, country="KR", warehouseStorage=True))
            self.timeline(order_id, "PaymentCaptured")
            self.cancelled(order_id)
            self.timeline(order_id, "PaymentRefunded")
        self.final(order_id, 40)
        scheduled = "ShipmentScheduled" in self.events_of(order_id)["shipping"]
        self.check_cancelled(order_id, Cancelled(
            "CUSTOMER", CAPTURED, REFUNDED + (("ShipmentVoided",) if scheduled else ()),
            reservation=("RELEASED", None), payment=("REFUNDED", None),
            shipment=("VOIDED" if scheduled else "CANCELLED", None), ledger=("charge", "refund"),
            after=("ShipmentScheduled",) if scheduled else ()))
        self.assertEqual(self.stock(product), (5, 0, 0))
        self.assertEqual(self.used_slots(), slots)

    def test_after_completion_it_is_refused(self):
        product = self.product(stock=5)
        order_id = self.place(self.order(product))
        end = self.final(order_id)
        self.assertEqual(end["status"], "COMPLETED")
        answer = self.cancel(order_id)
        self.assertEqual(answer.status, 409, answer.body)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")
        self.assertEqual(answer.json()["status"], 409)
        again = request("GET", self.stack.url("edge", f"/api/orders/{order_id}")).json()
        self.assertEqual(again, end)
        self.assertEqual(self.events_of(order_id)["orders"], ["OrderPlaced", "OrderCompleted"])
        self.assertEqual(self.charges(order_id), ["charge"])

    def test_unknown_orders(self):
        for name in (UNKNOWN, "42"):
            answer = self.cancel(name)
            self.assertEqual((answer.status, answer.headers.get_content_type()), (404, "application/problem+json"))

    def test_again_and_again_is_one_cancellation(self):
        order_id = self.hanging_charge(self.product())
        for _ in range(3):
            self.cancelled(order_id, (202, 200))
        self.check_cancelled(order_id, Cancelled("CUSTOMER", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                 ledger=("cancel",)))
        self.cancelled(order_id, (200,))
        self.assertEqual(self.events_of(order_id)["orders"], ["OrderPlaced", "CancellationStarted", "OrderCancelled"])

    def test_order_that_was_refused_keeps_its_reason(self):
        order_id = self.place(self.order(f"NONE-{self.customer[5:]}"))
        self.final(order_id)
        self.cancelled(order_id, (200,))
        self.assertEqual(self.final(order_id)["reason"], "UNKNOWN_PRODUCT")

    def test_twenty_at_once_are_one_cancellation(self):
        order_id = self.hanging_charge(self.product())
        with concurrent.futures.ThreadPoolExecutor(20) as clients:
            answers = [answer.status for answer in clients.map(self.cancel, [order_id] * 20)]
        self.assertLessEqual(set(answers), {200, 202})
        self.assertIn(202, answers)
        self.check_cancelled(order_id, Cancelled("CUSTOMER", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                 ledger=("cancel",)))

    def test_two_cancellations_race_the_completion(self):
        """Whoever is first at the order's row wins, and everybody is told the same."""
        product, chance = self.product(stock=1000), random.Random(4)
        with concurrent.futures.ThreadPoolExecutor(12) as clients:
            races = list(clients.map(lambda pauses: self.race(product, *pauses),
                                     [(chance.uniform(0, 0.3), chance.uniform(0, 0.3)) for _ in range(120)]))
        ends = {order_id: self.final(order_id)["status"] for order_id, _ in races}
        for order_id, answers in races:
            told = {"COMPLETED": {409}, "CANCELLED": {200, 202}}[ends[order_id]]
            self.assertLessEqual(set(answers), told, order_id)
        self.assertEqual(set(ends.values()), {"COMPLETED", "CANCELLED"}, "a race that one side always wins is none")
        sold = sum(status == "COMPLETED" for status in ends.values())
        self.assertTrue(eventually(10, lambda: self.stock(product) == (1000 - sold, 0, sold)), self.stock(product))
        ledger = self.stack.ledger()
        for order_id, status in ends.items():
            kinds = [line["kind"] for line in ledger.get(f"charge:{order_id}", [])]
            allowed = [["charge"]] if status == "COMPLETED" else [[], ["cancel"], ["charge", "refund"]]
            self.assertIn(kinds, allowed, order_id)

    def race(self, product, *pauses):
        """One order, cancelled twice after pauses of its own length: (id, the two statuses)."""
        order_id = self.place(self.order(product))

        def cancel(pause):
            time.sleep(pause)
            return self.cancel(order_id).status
        with concurrent.futures.ThreadPoolExecutor(2) as two:
            return order_id, list(two.map(cancel, pauses))


class FrozenPayment(SagaTest):
    """A payment-service stands still between its intent and the gateway while another instance cancels the order."""

    def calls(self, origin):
        return metric(origin, "orderflow_gateway_calls", pool="charge", state="running")

    def test_charge_that_the_gateway_has_taken_up(self):
        """The gateway would capture later; the other instance's cancel comes before."""
        with Instance(self.stack, "payment") as second:
            product = self.product(stock=50)
            self.await_both(product, second)
            order_id = self.place(self.order(product, quantity=2, token="tok_slow_60s"))
            holders = {self.stack.pid("payment"): self.stack.url("payment", ""), second.pid: second.url}
            holder = eventually(20, lambda: next((pid for pid, url in holders.items() if self.calls(url) > 0), None))
            self.assertIsNotNone(holder, "nobody makes the call")
            with frozen(holder):
                self.assertEqual(self.cancel(order_id).status, 202)
                self.final(order_id, 60)
                self.assertEqual(self.charges(order_id), ["cancel"])
            self.check_cancelled(order_id, Cancelled("CUSTOMER", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                     ledger=("cancel",)))
            self.assertEqual(self.final(self.place(self.order(product)))["status"], "COMPLETED")

    def await_both(self, product, second):
        """Until the new member has its part of the topics: it commits batches."""
        def both_work():
            self.final(self.place(self.order(product, quantity=1)), 60)
            return metric(second.url, "orderflow_batches_total") > 0
        self.assertTrue(eventually(60, both_work), "the second instance gets no orders")

    def test_charge_that_arrives_after_the_cancellation(self):
        """Sent before the process froze, stuck on its way, and delivered when the order is cancelled long since."""
        with HeldGateway(self.stack) as way, Instance(self.stack, "payment", {"--gateway-url": way.url}) as second:
            product = self.product(stock=500)

            def stuck():
                self.place(self.order(product, quantity=2))
                return way.held
            self.assertTrue(eventually(60, stuck, 0.3), "the second instance gets no orders")
            order_id = way.held[0].removeprefix("charge:")
            with frozen(second.pid):
                self.assertEqual(self.cancel(order_id).status, 202)
                self.final(order_id, 60)
                # The other instance gets to know of the cancellation when the frozen one's session has ended. On a busy
                # machine that is after it has found the open intent, which it does after 10 s, and charged.
                done = self.charges(order_id)
                self.assertIn(done, (["cancel"], ["charge", "refund"]))
                way.released.set()
                self.assertTrue(eventually(10, lambda: way.answers.get(way.held[0])), "it never arrived")
                self.assertEqual(way.answers[way.held[0]], 409)
            self.assertEqual(self.charges(order_id), done)
            if done == ["cancel"]:
                self.check_cancelled(order_id, Cancelled("CUSTOMER", RESERVED, RELEASED, reservation=("RELEASED", None),
                                                         ledger=("cancel",)))
            others = {key.removeprefix("charge:") for key in way.held} - {order_id}
            for other in others:
                self.assertEqual(self.final(other, 60)["status"], "COMPLETED")
                self.assertEqual(self.charges(other), ["charge"])

    def test_many_orders_stopped_anywhere(self):
        """Frozen in a burst, it holds orders at every place of the way, some with an intent and no call."""
        with Instance(self.stack, "payment") as second:
            product = self.product(stock=1000)
            self.await_both(product, second)
            self.assertTrue(eventually(10, lambda: self.stock(product)[1] == 0), "pieces stay reserved")
            sold = self.stock(product)[2]
            with concurrent.futures.ThreadPoolExecutor(16) as clients:
                placing = [clients.submit(self.place, self.order(product, quantity=2)) for _ in range(200)]
                done = [placing[i].result() for i in range(60)]
                with frozen(self.stack.pid("payment")):
                    orders = done + [order.result() for order in placing[60:]]
                    told = dict(zip(orders, clients.map(lambda order_id: self.cancel(order_id).status, orders)))
                    for order_id in orders:
                        self.final(order_id, 60)
            self.check_burst(told, product, sold)

    def check_burst(self, told, product, sold):
        ends = {order_id: self.final(order_id)["status"] for order_id in told}
        ledger = self.stack.ledger()
        for order_id, status in ends.items():
            kinds = [line["kind"] for line in ledger.get(f"charge:{order_id}", [])]
            if told[order_id] == 409:
                self.assertEqual((status, kinds), ("COMPLETED", ["charge"]), order_id)
            else:
                self.assertEqual((told[order_id], status), (202, "CANCELLED"), order_id)
                self.assertIn(kinds, [[], ["cancel"], ["charge", "refund"]], order_id)
        self.assertIn("CANCELLED", ends.values())
        sold += 2 * sum(status == "COMPLETED" for status in ends.values())
        self.assertTrue(eventually(10, lambda: self.stock(product) == (1000 - sold, 0, sold)), self.stock(product))


if __name__ == "__main__":
    unittest.main()
