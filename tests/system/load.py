"""A load of orders of every kind, with customers who cancel, and its history as the clients saw it.

Used by system tests and by tests/failure/chaos and upgrade. Each order has its own customer, whose name says the kind: so an
order whose answer was lost can still be told from the others.
"""

import concurrent.futures
import dataclasses
import http.client
import json
import queue
import random
import threading
import time
import urllib.parse
import uuid

from stack import answer_of, request

PRICE = 1500
PLENTY = 1_000_000


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    share: int            # per mille of the load
    reasons: frozenset    # how it may end; None: COMPLETED
    product: str = "plenty"
    order: dict = dataclasses.field(default_factory=dict)
    price: int = PRICE


def address(country):
    return {"recipient": "Kim Min-ji", "address": {"line1": "110 Sejong-daero", "city": "Seoul",
                                                   "postalCode": "04524", "country": country}}


def token(name):
    return {"payment": {"method": "card", "token": name}}


DONE = frozenset({None})
KINDS = (
    Kind("plain", 640, DONE),
    Kind("shipped", 100, DONE, order={"shipment": address("KR")}),
    Kind("stored", 60, DONE, order={"warehouseStorage": True}),
    Kind("contended", 40, frozenset({None, "OUT_OF_STOCK"}), product="contended"),
    Kind("failed-once", 20, DONE, order=token("tok_500_then_ok")),
    Kind("lost-answer", 20, DONE, order=token("tok_charge_then_timeout")),
    Kind("scarce", 20, frozenset({"OUT_OF_STOCK"}), product="scarce"),
    Kind("unknown", 15, frozenset({"UNKNOWN_PRODUCT"}), product="unknown"),
    Kind("dear", 15, frozenset({"PRICE_MISMATCH"}), price=PRICE + 1),
    Kind("declined", 25, frozenset({"CARD_DECLINED"}), order=token("tok_declined")),
    Kind("bad-token", 15, frozenset({"CARD_TOKEN_UNKNOWN"}), order=token("tok_nobody_knows")),
    Kind("nowhere", 30, frozenset({"CARRIER_REFUSED"}), order={"shipment": address("AQ"), "warehouseStorage": True}),
)
BY_NAME = {kind.name: kind for kind in KINDS}
CANCELLED_SHARE = 0.05


class Load:
    """Products of its own, orders for them, and what the clients were told."""

    def __init__(self, stack, seed, history=None, contended=60):
        """`history`: a text file for one JSON line per request; `contended`: pieces that many want."""
        self.name = f"LOAD-{uuid.uuid4().hex[:12]}"
        self.random = random.Random(seed)
        self.stock = {}
        self.history = history
        self.lock = threading.Lock()
        self.accepted = {}            # order id → customer
        self.unanswered = set()       # customers whose order may exist
        self.told = {}                # order id → statuses of its cancellations, None: no answer
        self.sent = 0
        for product, pieces in (("plenty", PLENTY), ("contended", contended), ("scarce", 0)):
            self.stock[f"{self.name}-{product}"] = pieces
            request("PUT", stack.url("inventory", f"/api/products/{self.name}-{product}"),
                    {"name": "Laptop", "price": PRICE, "stock": pieces})

    def wishes(self, count):
        """The next orders, as (number, kind, quantity, pause before a cancellation or None), from the seed alone."""
        chosen = self.random.choices(KINDS, [kind.share for kind in KINDS], k=count)
        for kind in chosen:
            self.sent += 1
            pause = self.random.choice((0, 0.02, 0.05, 0.2)) if self.random.random() < CANCELLED_SHARE else None
            yield self.sent, kind, self.random.randint(1, 3), pause

    def run(self, origins, count, rate, clients=8):
        """Sends `count` orders, `rate` a second, in turn to the origins; returns when the last is answered."""
        wishes, begin = queue.SimpleQueue(), time.monotonic()
        for i, wish in enumerate(self.wishes(count)):
            wishes.put((begin + i / rate, origins[i % len(origins)], wish))

        def client(_):
            connections = {}
            while True:
                try:
                    due, origin, wish = wishes.get_nowait()
                except queue.Empty:
                    break
                time.sleep(max(0, due - time.monotonic()))
                self.send(connections, origin, *wish)
            for connection in connections.values():
                connection.close()

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(client, i) for i in range(clients)]:
                done.result()

    def send(self, connections, origin, number, kind, quantity, pause):
        customer = f"{self.name}-{number:05}-{kind.name}"
        line = {"productId": f"{self.name}-{kind.product}", "name": "Laptop", "price": kind.price, "quantity": quantity}
        status, body = call(connections, origin, "/api/orders", {"customerId": customer, "items": [line]} | kind.order)
        entry = {"op": "place", "customerId": customer, "status": status, "outcome": outcome(status)}
        if status == 202:
            entry["orderId"] = body["orderId"]
        with self.lock:
            if status == 202:
                self.accepted[body["orderId"]] = customer
            elif entry["outcome"] == "info":
                self.unanswered.add(customer)
            self.write(entry)
        if status == 202 and pause is not None:
            time.sleep(pause)
            self.cancel(connections, origin, body["orderId"])

    def cancel(self, connections, origin, order_id):
        status, _ = call(connections, origin, f"/api/orders/{order_id}/cancellations", None)
        with self.lock:
            self.told.setdefault(order_id, []).append(status)
            self.write({"op": "cancel", "orderId": order_id, "status": status, "outcome": outcome(status)})

    def write(self, entry):
        if self.history:
            self.history.write(json.dumps(entry) + "\n")


def outcome(status):
    """What a client may conclude: `info` if the order may have been taken or not (the edge says 503, 504 for both)."""
    if status is None or status >= 500:
        return "info"
    return "ok" if status < 300 else "fail"


def call(connections, origin, path, body):
    """(status, JSON) of a POST; (None, None) if there was no answer."""
    connection = connections.get(origin)
    if connection is None:
        host = urllib.parse.urlsplit(origin).netloc
        connection = connections[origin] = http.client.HTTPConnection(host, timeout=15)
    data = None if body is None else json.dumps(body)
    try:
        connection.request("POST", path, body=data, headers={"Content-Type": "application/json"})
        answer = answer_of(connection, "POST", path, data)
    except (OSError, http.client.HTTPException):
        connection.close()
        return None, None
    return answer.status, answer.json()
