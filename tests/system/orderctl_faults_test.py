"""What is odd in the stores, or silent, costs `orderctl` neither its verdict nor what else it found.

Faults in tables are taken back. Records cannot be: theirs are copies, of orders of these tests, that change nothing.
"""

import http.server
import json
import socket
import sqlite3
import threading
import unittest
import urllib.request
import uuid

from orderctl_test import OrderctlTest
from records import ends, produce
from poison_test import headers_of
from stack import eventually


def gateway_without_charges(url):
    """Passes on what is asked of the gateway's ledger, and answers 500 for a charge."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b""
            if not self.path.startswith("/v1/charges"):
                with urllib.request.urlopen(url + self.path, timeout=10) as answer:
                    body = answer.read()
            self.send_response(200 if body else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Faults(OrderctlTest):
    def completed(self):
        """An order, nothing of it under way."""
        order_id = self.place(self.order(self.product()))
        self.assertEqual(self.final(order_id)["status"], "COMPLETED")
        self.check()
        return order_id

    def planted(self, database, bad, good, *arguments):
        """What `check` says while the fault is there."""
        self.psql(database, bad)
        try:
            code, document = self.ctl("check", *arguments)
        finally:
            self.psql(database, good)
        self.assertEqual(code, 1, document)
        return document

    def of(self, document, subject):
        found = [v for v in document["violations"] if subject in (v.get("orderId"), v.get("productId"))]
        for violation in found:
            self.assertTrue(violation["rows"], violation)
        return found


class Verdict(Faults):
    def test_a_gateway_that_answers_no_charge_costs_no_verdict(self):
        order_id = self.completed()
        server = gateway_without_charges(self.stack.env["GATEWAY_URL"])
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        update = f"UPDATE payments SET amount = amount %s 1 WHERE order_id = '{order_id}'"
        document = self.planted("payments", update % "+", update % "-",
                                "--gateway-url", f"http://127.0.0.1:{server.server_port}")
        found = self.of(document, order_id)
        self.assertEqual({v["invariant"] for v in found}, {"I8"})
        charge = next(row for row in found[0]["rows"] if row["from"] == "gateway")
        self.assertEqual((charge["captures"], charge["captured"], charge["refunds"]), (1, 1500, 0))

    def test_a_ledger_row_that_is_no_json_is_a_violation_with_its_rows(self):
        order_id = self.completed()
        where = f"WHERE order_id = '{order_id}' AND type = 'OrderCompleted.v1'"
        data = self.stack.audit("orders", f"SELECT data FROM audit_v1_outbox {where}")[0]["data"]
        self.psql("orders", f"UPDATE outbox SET data = 'no json' {where}")
        try:
            code, document = self.ctl("check")
            rebuilt, differences = self.ctl("rebuild", "--verify")
            shown, order = self.ctl("order", order_id)
        finally:
            self.psql("orders", f"UPDATE outbox SET data = '{data}' {where}")
        self.assertEqual(code, 1, document)
        found = self.of(document, order_id)
        self.assertEqual({v["invariant"] for v in found}, {"I8", "I9"})
        self.assertTrue(any("differs from its ledger row" in v["what"] for v in found), found)
        self.assertEqual(rebuilt, 1, differences)
        rows = next(d["rows"] for d in differences["differences"] if d.get("orderId") == order_id)
        self.assertIn("no json", json.dumps(rows))
        self.assertEqual(shown, 0, order)
        self.assertIn("OrderCompleted", [event["type"] for event in order["events"]])
        self.assertEqual(self.of(self.check(), order_id), [])

    def test_an_adjustment_that_is_no_json_leaves_the_others_of_its_product(self):
        product = self.product(stock=7)
        self.check()
        where = f"WHERE key = '{product}'"
        data = self.stack.audit("inventory", f"SELECT data FROM audit_v1_outbox {where}")[0]["data"]
        document = self.planted("inventory", f"UPDATE outbox SET data = 'no json' {where}",
                                f"UPDATE outbox SET data = '{data}' {where}")
        self.assertLessEqual({"I8"}, {v["invariant"] for v in self.of(document, product)})

    def test_a_state_that_nobody_knows_is_a_violation_and_the_rest_is_judged(self):
        order_id = self.completed()
        for database, table, column, value, good in (
                ("orders", "orders", "state", "SHIPPED", "'COMPLETED'"),
                ("orders", "orders", "reason", "WHIM", "NULL"),
                ("payments", "payments", "state", "PAID", "'CAPTURED'"),
                ("payments", "payments", "currency", "won", "'KRW'"),
                ("shipping", "shipments", "state", "LOST", "'SCHEDULED'")):
            with self.subTest(table=table, column=column):
                update = f"UPDATE {table} SET {column} = %s WHERE order_id = '{order_id}'"
                document = self.planted(database, update % f"'{value}'", update % good)
                found = self.of(document, order_id)
                self.assertEqual([v["invariant"] for v in found], ["I8"], found)
                self.assertIn(f"'{value}'", found[0]["what"])

    def test_every_violation_has_its_rows(self):
        product = self.product()
        orders = [self.place(self.order(product)) for _ in range(60)]
        for order_id in orders:
            self.final(order_id)
        self.check()
        listed = ",".join(f"'{order_id}'" for order_id in orders)
        update = f"UPDATE payments SET amount = amount %s 1 WHERE order_id IN ({listed})"
        document = self.planted("payments", update % "+", update % "-")
        self.assertEqual(sum(bool(self.of(document, order_id)) for order_id in orders), len(orders))

    def test_an_order_is_shown_though_the_gateway_is_silent(self):
        order_id = self.completed()
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
            for url in ("http://127.0.0.1:1", f"http://127.0.0.1:{silent.getsockname()[1]}"):
                code, order = self.ctl("--gateway-url", url, "order", order_id)
                self.assertEqual(code, 0, order)
                self.assertIn("gateway", order["gatewayError"])
                self.assertEqual(len(order["events"]), 5)

    def test_groups_that_never_committed_are_named_and_nothing_is_called_clean(self):
        self.completed()
        code, document = self.ctl("check", "--payment-group", "nobody", "--order-group", "nobody-either")
        self.assertIn((code, document["verdict"]), ((2, "not judged"), (1, "violated")))
        self.assertEqual(document["counts"]["settled"], 0)
        self.assertEqual([note.rpartition(" ")[2] for note in document["notes"]], ["nobody-either", "nobody"])
        self.assertIn("0 comparable of", document["notes"][0])


class Records(Faults):
    def record(self, order_id, event="OrderCompleted.v1"):
        """(partition, key, value, headers) of the order's record in order-events."""
        row = self.stack.audit("orders", "SELECT event_id, key, data FROM audit_v1_outbox"
                               f" WHERE order_id = '{order_id}' AND type = '{event}'")[0]
        headers = headers_of(event, "/order-service", row["key"].encode()) | {b"ce_id": row["event_id"].encode()}
        events = self.timeline(order_id, event.split(".")[0])["events"]
        partition = next(e["partition"] for e in events if e["type"] == event.split(".")[0])
        return partition, row["key"].encode(), row["data"].encode(), list(headers.items())

    def send(self, partition, key, value, headers):
        produce(self.stack.env, "order-events", partition, key, value, headers)

    def test_a_copy_that_differs_from_its_row_is_caught(self):
        order_id = self.completed()
        partition, key, value, headers = self.record(order_id)
        changed = json.dumps(json.loads(value) | {"total": 1}).encode()
        self.send(partition, key, changed, headers)
        found = self.of(self.check(), order_id)
        self.assertEqual([v["invariant"] for v in found], ["I9"], found)
        self.assertIn("differs from its ledger row", found[0]["what"])

    def test_a_copy_in_another_partition_is_a_duplicate_and_nothing_else(self):
        order_id = self.completed()
        before = self.check()["counts"]["duplicates"]
        partition, key, value, headers = self.record(order_id, "OrderPlaced.v1")
        # A partition that ends before the order's own record would come first in any reading.
        self.send((partition + 1) % len(ends(self.stack.env, "order-events")), key, value, headers)
        document = self.check()
        self.assertEqual(document["counts"]["duplicates"], before + 1)
        self.assertEqual(self.of(document, order_id), [])

    def test_an_event_that_was_given_up_is_not_clean(self):
        order_id = self.completed()
        for database in ("payments", "analytics"):
            event = self.stack.audit("inventory", "SELECT event_id, topic FROM audit_v1_outbox"
                                     f" WHERE order_id = '{order_id}'")[0]
            document = self.planted(
                database, "INSERT INTO parked (topic, partition, \"offset\", order_id, ce_id, key, headers, value,"
                f" attempts, dead, blocks, error) VALUES ('{event['topic']}', 0, {uuid.uuid4().int % 10**9},"
                f" '{order_id}', '{event['event_id']}', '', '[]', '', 6, true, true, 'planted')",
                f"DELETE FROM parked WHERE order_id = '{order_id}'")
            found = self.of(document, order_id)
            self.assertEqual([v["invariant"] for v in found], ["I8"], found)
            self.assertIn("has given up inventory", found[0]["what"])


class Money(Faults):
    def test_money_kept_under_a_key_that_is_no_orders_is_caught(self):
        ledger = sqlite3.connect(self.stack.env["GATEWAY_DATABASE"], timeout=10)
        self.addCleanup(ledger.close)
        columns = [row[1] for row in ledger.execute("PRAGMA table_info(ledger)")]
        self.completed()
        row = dict(zip(columns, ledger.execute("SELECT * FROM ledger WHERE kind = 'charge'").fetchone()))
        key = f"charge:{uuid.uuid4()}-again"
        row |= {"id": None, "key": key}
        with ledger:
            ledger.execute(f"INSERT INTO ledger ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})",
                           [row[column] for column in columns])
        try:
            code, document = self.ctl("check")
        finally:
            with ledger:
                ledger.execute("DELETE FROM ledger WHERE key = ?", (key,))
        self.assertEqual(code, 1, document)
        found = [v for v in document["violations"] if key in v["what"]]
        self.assertEqual([v["invariant"] for v in found], ["I3"], found)

    def test_money_of_an_order_is_judged_though_something_of_it_is_put_aside(self):
        order_id = self.completed()
        event = self.stack.audit("orders", f"SELECT event_id FROM audit_v1_outbox WHERE order_id = '{order_id}'")[0]
        ledger = sqlite3.connect(self.stack.env["GATEWAY_DATABASE"], timeout=10)
        self.addCleanup(ledger.close)
        key = (f"charge:{order_id}",)
        self.psql("inventory", "INSERT INTO parked (topic, partition, \"offset\", order_id, ce_id, key, headers, value,"
                  f" attempts, due_at, dead, blocks, error) VALUES ('order-events', 0, {uuid.uuid4().int % 10**9},"
                  f" '{order_id}', '{event['event_id']}', '', '[]', '', 1, now() + interval '9 min', false, true, 'x')")
        with ledger:
            ledger.execute("UPDATE ledger SET kind = 'decline' WHERE key = ?", key)
        try:
            document = eventually(1, lambda: self.ctl("check")[1])
        finally:
            self.psql("inventory", f"DELETE FROM parked WHERE order_id = '{order_id}'")
            with ledger:
                ledger.execute("UPDATE ledger SET kind = 'charge' WHERE key = ?", key)
        self.assertEqual({v["invariant"] for v in self.of(document, order_id)}, {"I3", "I4"})


if __name__ == "__main__":
    unittest.main()
