"""Records that no service of ours would write come to exactly one end: skipped and counted, a dead letter with its
reason, or handled. Nobody crashes, and the orders behind them go on. The table is in bad_records.py."""

import json
import pathlib
import unittest
import uuid

import bad_records
from bad_input_test import BadInputTest
from bad_records import HANDLED, SKIPPED
from records import TopicReader, produce
from stack import ROOT, eventually, request
from transactions import produce_and_abort

# An event of each topic, its consumers' databases besides analytics', and the rows that fit it.
EVENTS = {
    "order-events": ("OrderPlaced", ("inventory",), bad_records.ORDER),
    "inventory-events": ("StockReserved", ("payments", "orders"), bad_records.ORDER),
    "payment-events": ("PaymentCaptured", ("shipping", "orders"), bad_records.ORDER + bad_records.CAPTURED),
    "shipping-events": ("ShipmentScheduled", ("orders",), []),
}
SERVICES = {"orders": "order", "payments": "payment", "inventory": "inventory", "shipping": "shipping",
            "analytics": "analytics"}


def metric(text, name, **labels):
    """The sum of a metric's samples with these labels."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name) and all(label in line for label in wanted))


class BadRecords(BadInputTest):
    maxDiff = None

    def good(self, topic, order_id):
        event = EVENTS[topic][0]
        example = json.loads((pathlib.Path(ROOT) / "proto-events" / "examples" / f"{event}.v1.json").read_text())
        source = "/" + topic.removesuffix("-events") + "-service"
        return bad_records.record(f"{event}.v1", source, example | {"orderId": order_id}, order_id.encode())

    def send(self, topic, partition, record):
        return produce(self.stack.env, topic, partition, record.key, record.bytes(), record.headers)

    def counted(self, database, what):
        text = request("GET", self.stack.url(SERVICES[database], "/metrics")).body.decode()
        return metric(text, "orderflow_records_total", outcome=what)

    def test_every_row_of_the_table(self):
        """All at once, in one partition of each topic."""
        unknown = {database: self.counted(database, "unknown_type") for database in SERVICES}
        sent = {}  # topic → {offset: (name, outcome)}
        for topic, (_, _, rows) in EVENTS.items():
            sent[topic] = {}
            for name, outcome, change in bad_records.ENVELOPE + bad_records.DATA + rows:
                record = self.good(topic, str(uuid.uuid4()))
                change(record)
                sent[topic][self.send(topic, 0, record)] = (name, outcome)
        for topic, (_, consumers, _) in EVENTS.items():
            for database in consumers + ("analytics",):
                with self.subTest(topic, database=database):
                    self.check_ends(topic, database, sent[topic])
        for database, before in unknown.items():
            self.check_counted(database, before, sent)
        self.assertEqual(self.final(self.place(self.order(self.product())))["status"], "COMPLETED")

    def check_ends(self, topic, database, sent):
        expected = {offset: outcome for offset, (_, outcome) in sent.items() if outcome != SKIPPED}

        def found():
            rows = self.stack.audit(database, 'SELECT "offset", dead, error FROM audit_v1_parked WHERE partition = 0'
                                    f" AND topic = '{topic}' AND \"offset\" IN ({','.join(map(str, sent))})")
            return {row["offset"]: row["error"].split(":")[0] if row["dead"] else "alive" for row in rows}
        eventually(15, lambda: found().keys() == expected.keys())
        names = {offset: name for offset, (name, _) in sent.items()}
        self.assertEqual({names[offset]: code for offset, code in found().items()},
                         {names[offset]: code for offset, code in expected.items()})

    def check_counted(self, database, before, sent):
        """Who reads a topic counts the types that nobody knows."""
        topics = [topic for topic, (_, consumers, _) in EVENTS.items()
                  if database in consumers + ("analytics",) or topic == "order-events" and database != "orders"]
        expected = sum(outcome == SKIPPED for topic in topics for _, outcome in sent[topic].values())
        self.assertTrue(eventually(10, lambda: self.counted(database, "unknown_type") - before == expected),
                        (database, self.counted(database, "unknown_type") - before, expected))

    def test_what_is_odd_and_yet_fine(self):
        for name, outcome, change in bad_records.FINE:
            with self.subTest(name):
                self.assertEqual(outcome, HANDLED)
                order_id, product = str(uuid.uuid4()), self.product()
                record = self.good("order-events", order_id)
                record.data["order"]["items"][0]["productId"] = product
                change(record)
                self.send("order-events", 0, record)
                self.assertTrue(eventually(10, lambda p=product: self.stock(p)[0] == 999), self.stock(product))
                self.send("order-events", 0, record)  # the same record again
                twin = self.good("order-events", order_id)  # the same event with another ce_id
                twin.data = record.data
                self.send("order-events", 0, twin)
                last = self.good("order-events", str(uuid.uuid4()))  # behind them
                last.data["order"]["items"][0]["productId"] = behind = self.product()
                self.send("order-events", 0, last)
                self.assertTrue(eventually(10, lambda p=behind: self.stock(p)[0] == 999), self.stock(behind))
                self.assertEqual(self.stock(product)[0], 999, "a duplicate changed something")

    def test_what_no_broker_takes(self):
        record = self.good("order-events", str(uuid.uuid4()))
        record.value = b"x" * 400 * 1024
        with self.assertRaisesRegex(AssertionError, "MSG_SIZE_TOO_LARGE"):
            self.send("order-events", 0, record)

    def test_a_record_of_an_aborted_transaction_is_not_read(self):
        order_id, product, behind = str(uuid.uuid4()), self.product(), self.product()
        aborted, last = self.good("order-events", order_id), self.good("order-events", str(uuid.uuid4()))
        aborted.data["order"]["items"][0]["productId"] = product
        last.data["order"]["items"][0]["productId"] = behind
        produce_and_abort(self.stack.env, "order-events", 0, aborted.key, aborted.bytes(), aborted.headers)
        self.send("order-events", 0, last)
        self.assertTrue(eventually(10, lambda: self.stock(behind)[0] == 999), self.stock(behind))
        self.assertEqual(self.stock(product), (1000, 0, 0))

    def test_nobody_believes_what_stands_in_retry_and_dead_letter_topics(self):
        """They are announcements: a forged one, attempts and all, is read by nobody."""
        order_id, product = str(uuid.uuid4()), self.product()
        for topic in ("order-events.retry", "dead-letter-queue"):
            record = self.good("order-events", order_id)
            record.data["order"]["items"][0]["productId"] = product
            record.headers.append((b"attempts", b"0"))
            letters = TopicReader(self.stack.env, topic)
            self.send(topic, 0, record)
            self.assertTrue(eventually(10, letters.read))
        self.assertEqual(self.final(self.place(self.order(product)))["status"], "COMPLETED")
        self.assertTrue(eventually(10, lambda: self.stock(product) == (999, 0, 1)), self.stock(product))


if __name__ == "__main__":
    unittest.main()
