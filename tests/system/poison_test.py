"""Broken records in the saga's topics stop nobody: they are put aside, announced, and kept through a crash."""

import base64
import datetime
import json
import pathlib
import unittest
import uuid

from processes import kill
from records import TopicReader, produce
from stack import ROOT, Stack, SystemTest, eventually

LARGE = 300 * 1024
SHOWN = 64 * 1024  # of a value, in an announcement

CONSUMERS = {  # of one event of each topic, by their databases; and all that read the topic
    "order-events": ("OrderPlaced", ("inventory", "analytics"), ("payments", "shipping")),
    "inventory-events": ("StockReserved", ("payments", "orders", "analytics"), ()),
    "payment-events": ("PaymentCaptured", ("shipping", "orders", "analytics"), ()),
    "shipping-events": ("ShipmentScheduled", ("orders", "analytics"), ()),
}
SERVICE_OF = {"orders": "order-service", "payments": "payment-service", "inventory": "inventory-service",
              "shipping": "shipping-service", "analytics": "analytics-service"}


def headers_of(event, source, key):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {b"ce_specversion": b"1.0", b"ce_id": str(uuid.uuid4()).encode(), b"ce_type": event.encode(),
            b"ce_source": source.encode(), b"ce_subject": key, b"ce_time": now.encode(),
            b"content-type": b"application/json"}


def example(event, order_id):
    text = (pathlib.Path(ROOT) / "proto-events" / "examples" / f"{event}.v1.json").read_text()
    return json.loads(text) | {"orderId": order_id}


class Poison(SystemTest):
    """Records that cannot be read."""

    def poison(self, topic):
        """[(name, key, value, headers, begin of the error)]"""
        event = CONSUMERS[topic][0]
        source = "/" + topic.removesuffix("-events") + "-service"
        key = str(uuid.uuid4()).encode()
        good, half = json.dumps(example(event, key.decode())).encode(), b'{"orderId":'
        headers = headers_of(event + ".v1", source, key)

        def but(**change):
            return {name: change.get(name.decode(), value) for name, value in headers.items()}

        return [(name, found[0], found[1], list(found[2].items()), error) for name, error, *found in (
            ("half a value", "json-syntax", key, half, headers),
            ("not JSON at all", "json-syntax", key, b"\xff\xfe\0\x01", headers),
            ("an array", "validation", key, b"[]", headers),
            ("no value", "empty", key, None, headers),
            ("300 KiB", "json-syntax", key, half + b'"' + b"x" * LARGE, headers),
            ("a wrong version", "version", key, good, but(ce_type=f"{event}.v9".encode())),
            ("another key", "key-mismatch", str(uuid.uuid4()).encode(), good, headers),
            ("no key", "key-mismatch", None, good, headers),
            ("a binary key", "key-mismatch", b"\0\xff", good, headers),
            ("no headers", "envelope", key, good, {}),
            ("an id that is none", "envelope", key, good, but(ce_id=b"42")),
            ("a time that is none", "envelope", key, good, but(ce_time=b"now")),
            ("headers with NUL and broken UTF-8", "json-syntax", key, half,
             headers | {b"\0\xff": b"\xff\0\xfe", b"trace": b"\0"}),
            ("a hundred headers", "envelope", key, good, headers | {b"h%d" % i: b"x" for i in range(100)}),
        )]

    def test_order_events(self):
        self.poison_stops_nobody("order-events")

    def test_inventory_events(self):
        self.poison_stops_nobody("inventory-events")

    def test_payment_events(self):
        self.poison_stops_nobody("payment-events")

    def test_shipping_events(self):
        self.poison_stops_nobody("shipping-events")

    def poison_stops_nobody(self, topic):
        env, product = self.stack.env, self.product()
        letters = TopicReader(env, "dead-letter-queue")
        partition = self.partition_of(self.place(self.order(product)))
        sent = {}  # offset → (name, value, error)
        for name, key, value, headers, error in self.poison(topic):
            sent[produce(env, topic, partition, key, value, headers)] = (name, value, error)
        self.orders_pass(product, partition)
        parked = self.check_parked(topic, partition, sent)
        self.check_letters(letters, topic, partition, sent, parked)

    def partition_of(self, order_id):
        self.assertEqual(self.final(order_id, 5)["status"], "COMPLETED")
        return self.timeline(order_id, "OrderCompleted")["events"][0]["partition"]

    def orders_pass(self, product, partition):
        """Orders in the same partition, each at once."""
        passed = [self.partition_of(self.place(self.order(product))) == partition for _ in range(12)]
        while not any(passed):
            passed.append(self.partition_of(self.place(self.order(product))) == partition)

    def check_parked(self, topic, partition, sent):
        """Every consumer has each of them, dead, with its error: {database: {offset: error}}."""
        event, consumers, others = CONSUMERS[topic]
        parked = {}
        for database in consumers + others:
            def rows(database=database):
                return self.stack.audit(database, 'SELECT "offset", dead, due_at, error FROM audit_v1_parked'
                                        f" WHERE topic = '{topic}' AND partition = {partition}"
                                        f' AND "offset" IN ({",".join(map(str, sent))})')
            # Who does not consume the event cannot know that it is broken; but no type at all is an error to all.
            expected = {offset for offset, (name, _, _) in sent.items()
                        if database in consumers or name == "no headers"}
            self.assertTrue(eventually(10, lambda: {row["offset"] for row in rows()} == expected), (database, rows()))
            for row in rows():
                name, _, error = sent[row["offset"]]
                self.assertEqual((row["dead"], row["due_at"]), (True, None), name)
                self.assertTrue(row["error"].startswith(error + ":"), f"{database}, {name}: {row['error']}")
            parked[database] = {row["offset"]: row["error"] for row in rows()}
        return parked

    def check_letters(self, letters, topic, partition, sent, parked):
        expected = {(SERVICE_OF[database], offset): error for database, errors in parked.items()
                    for offset, error in errors.items()}
        seen = {}

        def all_seen():
            for _, _, key, value, headers in letters.read():
                body = json.loads(value)
                message = body["originalMessage"]
                if (message["topic"], message["partition"]) == (topic, partition) and message["offset"] in sent:
                    seen[body["service"], message["offset"]] = (key, body, headers)
            return seen.keys() == expected.keys()
        self.assertTrue(eventually(10, all_seen), expected.keys() ^ seen.keys())
        for (service, offset), (_, body, headers) in seen.items():
            name, value, _ = sent[offset]
            self.assertEqual(body["error"], expected[service, offset])
            self.assertEqual((headers[b"ce_type"], headers[b"ce_source"]),
                             (b"RecordDied.v1", b"/" + service.encode()))
            self.check_value(name, value or b"", body["originalMessage"])

    def check_value(self, name, value, message):
        shown = message["value"].encode()
        if message["encoding"] == "base64":
            shown = base64.b64decode(shown)
        self.assertTrue(value.startswith(shown), name)
        if name == "300 KiB":
            self.assertTrue(message["truncated"])
            self.assertEqual(len(shown), SHOWN)
        elif name not in ("a hundred headers",):
            self.assertEqual((shown, message["truncated"]), (value, False), name)


class Orphan(SystemTest):
    """An event of an order that the order service does not know: what it waits for may still come."""

    def orphan(self, order_id):
        """The offset of a StockReleased without an order."""
        key = order_id.encode()
        headers = headers_of("StockReleased.v1", "/inventory-service", key)
        return produce(self.stack.env, "inventory-events", 0, key, json.dumps({"orderId": order_id}).encode(),
                       list(headers.items()))

    def parked(self, order_id):
        return self.stack.audit("orders", "SELECT id, attempts, due_at, dead, blocks, error FROM audit_v1_parked"
                                f" WHERE order_id = '{order_id}'")

    def attempts(self, order_id, count, deadline_s=30):
        seen = eventually(deadline_s, lambda: [row for row in self.parked(order_id) if row["attempts"] >= count])
        self.assertTrue(seen, self.parked(order_id))
        return seen[0]

    def test_orphan_is_announced_and_tried_again_through_a_kill_until_its_order_is_there(self):
        order_id, product = str(uuid.uuid4()), self.product(stock=5)
        announced = TopicReader(self.stack.env, "inventory-events.retry")
        offset = self.orphan(order_id)
        first = self.attempts(order_id, 1)
        self.assertEqual((first["dead"], first["blocks"], first["error"].split(":")[0]), (False, False, "orphan"))
        self.check_announcement(announced, order_id, offset)

        self.attempts(order_id, 2)
        self.check_log(order_id, offset, 2)
        kill(self.stack.pid("order"))
        self.assertEqual([row["id"] for row in self.parked(order_id)], [first["id"]])
        self.stack.restart()
        self.stack = Stack()
        again = self.attempts(order_id, 3)
        self.assertEqual((again["id"], again["dead"]), (first["id"], False))
        self.assertEqual(self.final(self.place(self.order(product)))["status"], "COMPLETED")

        self.reserved(order_id, product)
        self.assertTrue(eventually(40, lambda: not self.parked(order_id)), self.parked(order_id))
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")
        self.assertTrue(eventually(10, lambda: self.stock(product) == (3, 0, 2)), self.stock(product))

    def check_log(self, order_id, offset, tries):
        """A warning for each try: who, how often, why, and when again."""
        log = pathlib.Path(self.stack.env["STACK_STATE"]) / "log" / "order.log"
        place = f"record failed: inventory-events/0@{offset} of order {order_id}, try "

        def lines():
            mine = [json.loads(line) for line in log.read_text().splitlines() if place in line]
            return mine if len(mine) >= tries else None
        self.assertTrue(eventually(5, lines), place)
        for number, line in enumerate(lines()[:tries], 1):
            self.assertEqual(line["level"], "warning")
            self.assertRegex(line["message"], f"try {number} of 6, next at 20.*Z: orphan: no such order$")

    def check_announcement(self, announced, order_id, offset):
        def mine():
            return [record for record in announced.read() if record[2] == order_id.encode()]
        self.assertTrue(eventually(10, mine), "the orphan is not announced")
        _, _, _, value, headers = mine()[0]
        body = json.loads(value)
        self.assertEqual(headers[b"ce_type"], b"RecordParked.v1")
        self.assertEqual((body["service"], body["attempts"], body["orderId"]), ("order-service", 1, order_id))
        self.assertIn("dueAt", body)
        message = body["originalMessage"]
        self.assertEqual((message["topic"], message["partition"], message["offset"], message["key"]),
                         ("inventory-events", 0, offset, order_id))
        self.assertEqual(json.loads(message["value"]), {"orderId": order_id})

    def reserved(self, order_id, product):
        """What the orphan waits for: an event with the order in it."""
        event = example("StockReserved", order_id)
        event["order"] |= {"customerId": self.customer, "warehouseStorage": False,
                           "items": [{"productId": product, "name": "Laptop", "price": 1500, "quantity": 1}]}
        headers = headers_of("StockReserved.v1", "/inventory-service", order_id.encode())
        produce(self.stack.env, "inventory-events", 0, order_id.encode(), json.dumps(event).encode(),
                list(headers.items()))


if __name__ == "__main__":
    unittest.main()
