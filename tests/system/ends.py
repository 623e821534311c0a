"""How an order ends, exactly, in every service: what a test says of it, compared with what is there."""

import dataclasses

from stack import SystemTest, request

COMPENSATIONS = {"StockReleased": ("inventory", 1), "PaymentRefunded": ("payment", 2),
                 "ShipmentVoided": ("shipping", 4)}  # whose, and its bit in orders.undone
FORWARD = {"OrderPlaced": "order", "StockReserved": "inventory", "StockRejected": "inventory",
           "PaymentCaptured": "payment", "PaymentDeclined": "payment",
           "ShipmentScheduled": "shipping", "ShipmentRefused": "shipping"}
RESERVED = ("OrderPlaced", "StockReserved")
CAPTURED = RESERVED + ("PaymentCaptured",)
RELEASED = ("StockReleased",)
REFUNDED = ("StockReleased", "PaymentRefunded")
PARTICIPANTS = ("inventory", "payment", "shipping")


@dataclasses.dataclass(frozen=True)
class Cancelled:
    """The end of a cancelled order."""
    reason: str
    before: tuple                           # types of the events up to CancellationStarted, in their order
    undone: tuple = ()                      # the compensations
    reservation: tuple = ("CANCELLED", None)  # state, reason of a refusal
    payment: tuple = ("NEVER_CHARGED", None)
    shipment: tuple = ("CANCELLED", None)
    ledger: tuple = ()                      # the gateway's lines for the order's key
    after: tuple = ()                       # forward events that were on their way when the trigger came

    def answers(self):
        """What each participant answered: [("StockReleased", "inventory-service"), ...]."""
        by_service = {COMPENSATIONS[name][0]: name for name in self.undone}
        return [(by_service.get(participant, "NothingToCompensate"), participant + "-service")
                for participant in PARTICIPANTS]

    def events_of(self, service):
        """Types of all events of one service, in its order."""
        own = [name for name in self.before + self.after if FORWARD[name] == service]
        if service == "order":
            return own + ["CancellationStarted", "OrderCancelled"]
        return own + [name for name, by in self.answers() if by == service + "-service"]


class SagaTest(SystemTest):
    """Places one order, brings about its end, and checks all that is left of it."""

    maxDiff = None

    def cancel(self, order_id):
        return request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))

    def used_slots(self):
        return self.stack.audit("shipping", "SELECT used FROM audit_v1_storage")[0]["used"]

    def check_cancelled(self, order_id, end, deadline_s=20):
        """Waits for the order's end and compares it with `end`."""
        order = self.final(order_id, deadline_s)
        self.assertEqual((order["status"], order["reason"]), ("CANCELLED", end.reason))
        self.assertEqual([step["status"] for step in order["steps"]],
                         ["undone" if name in end.undone else "skipped" for name in COMPENSATIONS])
        self.assertEqual(order.get("waitingFor", []), [])
        self.check_rows(order_id, end)
        self.check_ledgers(order_id, end)
        self.check_timeline(order_id, end)
        return order

    def row(self, database, view, columns, order_id):
        rows = self.stack.audit(database, f"SELECT {columns} FROM {view} WHERE order_id = '{order_id}'")
        self.assertEqual(len(rows), 1, view)
        return tuple(rows[0].values())

    def check_rows(self, order_id, end):
        undone = sum(COMPENSATIONS[name][1] for name in end.undone)
        self.assertEqual(self.row("orders", "audit_v1_orders", "state, reason, answers, undone", order_id),
                         ("CANCELLED", end.reason, 7, undone))
        self.assertEqual(self.row("inventory", "audit_v1_reservations", "state, reason", order_id), end.reservation)
        self.assertEqual(self.row("payments", "audit_v1_payments", "state, reason", order_id), end.payment)
        self.assertEqual(self.row("shipping", "audit_v1_shipments", "state, reason, storage_booked", order_id),
                         end.shipment + (False,))
        for database in ("orders", "inventory", "payments", "shipping", "analytics"):
            parked = f"SELECT id, error FROM audit_v1_parked WHERE order_id = '{order_id}'"
            self.assertEqual(self.stack.audit(database, parked), [], database)

    def check_ledgers(self, order_id, end):
        """The four services' and the gateway's."""
        self.assertEqual(self.events_of(order_id), {
            "orders": end.events_of("order"), "inventory": end.events_of("inventory"),
            "payments": end.events_of("payment"), "shipping": end.events_of("shipping")})
        data = self.stack.audit("orders", "SELECT data::json -> 'undone' AS undone, data::json ->> 'reason' AS reason"
                                f" FROM audit_v1_outbox WHERE order_id = '{order_id}' AND type = 'OrderCancelled.v1'")
        self.assertEqual(data, [{"undone": list(end.undone), "reason": end.reason}])
        self.assertEqual(tuple(self.charges(order_id)), end.ledger)

    def check_timeline(self, order_id, end):
        """Up to the trigger in exact order, then the answers in any, then the end."""
        timeline = self.timeline(order_id, "OrderCancelled")
        self.assertEqual((timeline["status"], timeline["reason"]), ("CANCELLED", end.reason))
        seen = [(event["type"], event["service"]) for event in timeline["events"]]
        first = [(name, FORWARD[name] + "-service") for name in end.before] + [("CancellationStarted", "order-service")]
        late = [(name, FORWARD[name] + "-service") for name in end.after]
        self.assertEqual(seen[:len(first)], first)
        self.assertEqual(sorted(seen[len(first):-1]), sorted(end.answers() + late))
        self.assertEqual(seen[-1], ("OrderCancelled", "order-service"))
        undoes = {event["type"]: event["compensates"] for event in timeline["events"] if event.get("compensates")}
        meant = {"StockReleased": "StockReserved", "PaymentRefunded": "PaymentCaptured",
                 "ShipmentVoided": "ShipmentScheduled"}
        self.assertEqual(undoes, {name: meant[name] for name in end.undone})
        rows = self.stack.audit("analytics", "SELECT type, producer, partition, \"offset\" FROM audit_v1_timeline"
                                f" WHERE order_id = '{order_id}'")
        self.assertEqual(sorted((row["type"], row["producer"], row["partition"], row["offset"]) for row in rows),
                         sorted((event["type"], event["service"], event["partition"], event["offset"])
                                for event in timeline["events"]))
        self.assertEqual(self.row("analytics", "audit_v1_timeline_orders", "customer_id, reason", order_id),
                         (self.customer, end.reason))
