"""Judges all orders of a load at once: each by its own end, and the counters that they share.

Reads the auditor's views and the gateway's ledger, independently of `orderctl check`. A violation is a line of text.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import time

from load import BY_NAME, PRICE, Load
from stack import Stack, eventually

FINAL = ("COMPLETED", "CANCELLED")
ROWS = (  # database, view, columns
    ("orders", "audit_v1_orders", "state, reason, answers, undone, total, customer_id, body"),
    ("inventory", "audit_v1_reservations", "state, reason"),
    ("payments", "audit_v1_payments", "state, reason"),
    ("shipping", "audit_v1_shipments", "state, reason, storage_booked"))


class Judge:
    """All that is known of a load's orders."""

    def __init__(self, stack, load):
        self.stack, self.load = stack, load
        self.found = {}

    def open_orders(self):
        return self.stack.audit("orders", "SELECT order_id, state FROM audit_v1_orders WHERE customer_id"
                                f" >= '{self.load.name}-' AND customer_id < '{self.load.name}.'"
                                f" AND state NOT IN {FINAL}")

    def wait_until_final(self, deadline_s):
        """Orders that are still open after the deadline; of the others all services have heard the end."""
        eventually(deadline_s, lambda: not self.open_orders(), 0.5)
        left = self.open_orders()
        if not left:
            eventually(30, lambda: not self.lagging(), 0.5)
        return left

    def lagging(self):
        """Whether inventory or analytics has yet to hear of an end."""
        reserved = self.stack.audit("inventory", "SELECT sum(reserved) AS n FROM audit_v1_stock"
                                    f" WHERE product_id LIKE '{self.load.name}-%'")[0]["n"]
        ended = "SELECT count(*) AS n FROM audit_v1_orders"
        seen = "SELECT count(*) AS n FROM audit_v1_timeline WHERE type IN ('OrderCompleted', 'OrderCancelled')"
        return reserved or self.stack.audit("orders", ended) != self.stack.audit("analytics", seen)

    def read(self):
        orders = self.stack.audit("orders", "SELECT order_id FROM audit_v1_orders WHERE customer_id"
                                  f" >= '{self.load.name}-' AND customer_id < '{self.load.name}.'")
        ids = [row["order_id"] for row in orders]
        among = f"WHERE order_id = ANY('{{{','.join(ids)}}}'::uuid[])"
        for database, view, columns in ROWS:
            rows = self.stack.audit(database, f"SELECT order_id, {columns} FROM {view} {among}")
            self.found[database] = {row["order_id"]: row for row in rows}
        self.events = collections.defaultdict(lambda: collections.defaultdict(list))
        for database, service in (("orders", "order"), ("inventory", "inventory"), ("payments", "payment"),
                                  ("shipping", "shipping")):
            for row in self.stack.audit(database, "SELECT order_id, split_part(type, '.', 1) AS type"
                                        f" FROM audit_v1_outbox {among} ORDER BY seq"):
                self.events[row["order_id"]][service].append(row["type"])
        self.timeline = collections.defaultdict(list)
        for row in self.stack.audit("analytics", f"SELECT order_id, type, producer FROM audit_v1_timeline {among}"):
            self.timeline[row["order_id"]].append((row["type"], row["producer"]))
        self.ledger = {key.removeprefix("charge:"): [(line["kind"], line["amount"]) for line in lines]
                       for key, lines in self.stack.ledger().items()}
        self.read_shared()

    def read_shared(self):
        """Stock of the load's products, the storage of all, what was parked."""
        rows = self.stack.audit("inventory", "SELECT product_id, free, reserved, sold FROM audit_v1_stock"
                                f" WHERE product_id LIKE '{self.load.name}-%'")
        self.pieces = {row["product_id"]: (row["free"], row["reserved"], row["sold"]) for row in rows}
        slots = self.stack.audit("shipping", "SELECT used, (SELECT count(*) FROM audit_v1_shipments"
                                 " WHERE storage_booked) AS booked FROM audit_v1_storage")[0]
        self.used, self.booked = slots["used"], slots["booked"]
        self.parked = []
        for database in ("orders", "inventory", "payments", "shipping", "analytics"):
            rows = self.stack.audit(database, "SELECT order_id, topic, dead, error FROM audit_v1_parked")
            self.parked += [f"parked in {database}: {row}" for row in rows if row["order_id"] in self.found["orders"]]

    def violations(self):
        self.read()
        return self.judge()

    def judge(self):
        orders = self.found["orders"]
        wrong = [f"{order_id}: accepted, and gone" for order_id in self.load.accepted if order_id not in orders]
        customers = collections.Counter(row["customer_id"] for row in orders.values())
        wrong += [f"{customer}: {n} orders of one request" for customer, n in customers.items() if n > 1]
        answered = set(self.load.accepted.values()) | self.load.unanswered
        wrong += [f"{customer}: refused, and an order" for customer in customers if customer not in answered]
        for order_id, row in orders.items():
            check = self.completed if row["state"] == "COMPLETED" else self.cancelled
            told = self.load.told.get(order_id, [])
            wrong += [f"{order_id} ({row['customer_id']}): {what}" for what in (
                *self.reasons(row, told), *check(order_id, row), *self.seen(order_id))]
        return wrong + self.parked + self.stock() + self.slots() + self.money()

    def reasons(self, row, told):
        kind = BY_NAME[row["customer_id"].split("-", 3)[3]]
        allowed = kind.reasons | ({"CUSTOMER"} if told else set())
        if row["reason"] not in allowed:
            yield f"ends with {row['reason']}, not {allowed}"
        if 409 in told and row["state"] != "COMPLETED" or {200, 202} & set(told) and row["state"] != "CANCELLED":
            yield f"ends {row['state']}, but the customer was told {told}"

    def states(self, order_id):
        """(state, reason, booked) in inventory, payment, shipping; None where there is no row."""
        rows = (self.found[name].get(order_id) for name in ("inventory", "payments", "shipping"))
        return [row and (row["state"], row["reason"]) for row in rows]

    def compare(self, what, seen, expected):
        if seen != expected:
            yield f"{what} {seen}, not {expected}"

    def completed(self, order_id, row):
        yield from self.compare("rows", self.states(order_id),
                                [("SOLD", None), ("CAPTURED", None), ("SCHEDULED", None)])
        yield from self.compare("answers", (row["answers"], row["undone"]), (0, 0))
        yield from self.compare("the gateway did", self.ledger.get(order_id), [("charge", row["total"])])
        yield from self.compare("events", self.events[order_id], {
            "order": ["OrderPlaced", "OrderCompleted"], "inventory": ["StockReserved"],
            "payment": ["PaymentCaptured"], "shipping": ["ShipmentScheduled"]})
        booked = order_id in self.found["shipping"] and self.found["shipping"][order_id]["storage_booked"]
        yield from self.compare("slot", booked, json.loads(row["body"]).get("warehouseStorage", False))

    def cancelled(self, order_id, row):
        if row["state"] != "CANCELLED" or None in self.states(order_id):
            yield f"is {row['state']}, participants {self.states(order_id)}"
            return
        (stock, no_stock), (money, no_money), (goods, no_goods) = self.states(order_id)
        yield from self.compare("states", (stock in ("RELEASED", "CANCELLED"), money in ("REFUNDED", "NEVER_CHARGED"),
                                           goods in ("VOIDED", "CANCELLED")), (True, True, True))
        undone = (stock == "RELEASED") + 2 * (money == "REFUNDED") + 4 * (goods == "VOIDED")
        yield from self.compare("answers", (row["answers"], row["undone"]), (7, undone))
        yield from self.gateway(order_id, row["total"], money, no_money)
        seen, nothing = self.events[order_id], "NothingToCompensate"
        captured = seen["payment"][:1] == ["PaymentCaptured"]  # none if the trigger came between call and answer
        yield from self.compare("events", seen, {
            "order": ["OrderPlaced", "CancellationStarted", "OrderCancelled"],
            "inventory": ["StockReserved", "StockReleased"] if stock == "RELEASED" else
                         ["StockRejected"] * bool(no_stock) + [nothing],
            "payment": ["PaymentCaptured"] * captured + ["PaymentRefunded"] if money == "REFUNDED" else
                       ["PaymentDeclined"] * bool(no_money) + [nothing],
            "shipping": ["ShipmentScheduled", "ShipmentVoided"] if goods == "VOIDED" else
                        ["ShipmentRefused"] * bool(no_goods) + [nothing]})
        yield from self.compare("slot", self.found["shipping"][order_id]["storage_booked"], False)

    def gateway(self, order_id, total, money, declined):
        lines = self.ledger.get(order_id, [])
        if money == "REFUNDED":
            yield from self.compare("the gateway did", lines, [("charge", total), ("refund", total)])
        elif declined:
            yield from self.compare("the gateway did", lines, [("decline", total), ("cancel", total)])
        elif [kind for kind, _ in lines] not in ([], ["cancel"], ["decline", "cancel"]):
            yield f"never charged, but the gateway did {lines}"

    def seen(self, order_id):
        """Analytics has seen what the services emitted, each once."""
        emitted = [(name, service + "-service") for service, names in self.events[order_id].items() for name in names]
        yield from self.compare("timeline", sorted(self.timeline[order_id]), sorted(emitted))

    def sold(self):
        """Pieces in completed orders, by product."""
        sold = collections.Counter()
        for row in self.found["orders"].values():
            for line in json.loads(row["body"])["items"] if row["state"] == "COMPLETED" else ():
                sold[line["productId"]] += line["quantity"]
        return sold

    def stock(self):
        sold = self.sold()
        expected = {product: (pieces - sold[product], 0, sold[product]) for product, pieces in self.load.stock.items()}
        return list(self.compare("stock (free, reserved, sold)", self.pieces, expected))

    def slots(self):
        """Of the orders of all loads."""
        return list(self.compare("slots used", self.used, self.booked))

    def money(self):
        worth = sum(row["total"] for row in self.found["orders"].values() if row["state"] == "COMPLETED")
        taken = sum(amount * (1 if kind == "charge" else -1) for order_id in self.found["orders"]
                    for kind, amount in self.ledger.get(order_id, []) if kind in ("charge", "refund"))
        return list(self.compare("money taken, for goods of", (taken, worth), (worth, PRICE * self.sold().total())))

    def figures(self):
        """{"COMPLETED": n, "CANCELLED OUT_OF_STOCK": n, ...}"""
        ends = collections.Counter(" ".join(filter(None, (row["state"], row["reason"])))
                                   for row in self.found["orders"].values())
        return dict(sorted(ends.items()))


def load_and_judge(origin, orders, rate, seed, history, meanwhile=lambda: None):
    """Orders of every kind, and whatever else meanwhile; then each must be final within two minutes, and right. The load.
    `history`: the file for what the clients saw."""
    begin = time.monotonic()
    with open(history, "w", encoding="utf-8") as lines, concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = Load(Stack(), seed, lines, contended=orders // 50)
        placing = pool.submit(load.run, [origin], orders, rate)
        meanwhile()
        placing.result()
    if not conclude(load, time.monotonic() - begin, 120, str(history)):
        raise AssertionError(f"orders are not right: see above, and {history}")
    return load


def conclude(load, took_s, heal_within_s, history):
    """Waits until all orders are final, judges them, and prints what was found; whether all is right. `history`: the
    file of the load's, complete."""
    begin = time.monotonic()
    judge = Judge(Stack(), load)
    left = judge.wait_until_final(heal_within_s)
    healed_s = time.monotonic() - begin
    wrong = judge.violations()
    print(f"placed: {load.sent} requests in {took_s:.0f} s, {len(load.accepted)} accepted,"
          f" {len(load.unanswered)} without a clear answer, {len(load.told)} cancelled by customers")
    print("orders: " + ", ".join(f"{end} {n}" for end, n in judge.figures().items()))
    print("some orders are not final" if left else f"all final {healed_s:.1f} s after the last order")
    print(f"violations: {len(wrong)}")
    for line in wrong[:50]:
        print("   " + line)
    return check_with_orderctl(Stack(), history) == 0 and not wrong


def check_with_orderctl(stack, history):
    """Its exit code; its findings go to standard output."""
    program = pathlib.Path(stack.env["STACK_BIN"]) / "orderctl"
    if not program.exists():
        print(f"orderctl check: there is no {program}")
        return 1
    command = [program, "check", "--stack-env", os.environ["ORDERFLOW_TEST_STACK"], "--history", history,
               "--quiesce", "30"]
    print("orderctl check:", flush=True)
    return subprocess.run(command, check=False).returncode
