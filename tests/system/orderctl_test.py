"""orderctl on a running stack: clean orders are clean, and what is planted in the stores is caught and named.

Every fault is taken back, so that the stack is as clean for the tests that follow as it was before.
"""

import json
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest
import uuid

from stack import SystemTest, eventually

# Orders of every ending, as arguments of SystemTest.order().
KINDS = {
    "COMPLETED": {},
    "CARD_DECLINED": {"token": "tok_declined"},
    "CARD_TOKEN_UNKNOWN": {"token": "tok_nobody_knows"},
    "CARRIER_REFUSED": {"country": "AQ"},
    "PRICE_MISMATCH": {"price": 1},
    "OUT_OF_STOCK": {"quantity": 100},
}


class OrderctlTest(SystemTest):
    def ctl(self, *arguments):
        """(exit code, JSON document); without a document: what was said on stderr."""
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--json", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], *arguments],
                              capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def psql(self, database, sql):
        """As a superuser; the first column of the rows."""
        psql = pathlib.Path(self.stack.env["POSTGRES_BIN"]) / "psql"
        done = subprocess.run([psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1",
                               "-d", f"{self.stack.env['ADMIN_DATABASE_URL']} dbname={database}", "-c", sql],
                              env=os.environ | {"PGOPTIONS": f"-c search_path={database}"},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{sql}: {done.stderr}")
        return done.stdout.split()

    def place_every_kind(self):
        """{ending: order id}, all of them final, all records consumed."""
        product = self.product(stock=50)
        orders = {ending: self.place(self.order(product, **kind)) for ending, kind in KINDS.items()}
        orders["UNKNOWN_PRODUCT"] = self.place(self.order(f"ITEM-{uuid.uuid4()}"))
        for ending, order_id in orders.items():
            order = self.final(order_id)
            self.assertIn(ending, (order["status"], order.get("reason")))
        return orders

    def check(self, *arguments):
        code, document = self.ctl("check", "--quiesce", "30", *arguments)
        self.assertIn(code, (0, 1), document)
        return document

    def violated(self, document, subjects):
        """The invariants violated by these orders and products: other tests' records are not our business."""
        return {v["invariant"] for v in document["violations"]
                if v.get("orderId") in subjects or v.get("productId") in subjects}


class Check(OrderctlTest):
    def test_passwords_from_files(self):
        """As where nothing may stand in an environment; a wrong one is refused."""
        urls, passwords = {}, {}
        for name, url in self.stack.env.items():
            role = re.match(r"(AUDITOR|OPERATOR)_\w+_DATABASE_URL", name)
            if role:
                urls[name], passwords[role[1]] = re.sub(r" password=\S+", "", url), re.search(r" password=(\S+)", url)[1]
        with tempfile.TemporaryDirectory() as directory:
            for right in (True, False):
                files = {}
                for role, password in passwords.items():
                    files[f"{role}_PASSWORD_FILE"] = str(pathlib.Path(directory) / role)
                    (pathlib.Path(directory) / role).write_text(password if right else "wrong")
                done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env", "/dev/null",
                                       "stuck", "--brokers", self.stack.env["KAFKA_BROKERS"]],
                                      env=os.environ | urls | files, capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(done.returncode in (0, 1), right, done.stderr)
                self.assertEqual("password authentication failed" in done.stderr, not right, done.stderr)

    def test_orders_of_every_ending_are_clean_and_so_is_the_clients_history(self):
        orders = self.place_every_kind()
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as history:
            for order_id in orders.values():
                print(json.dumps({"op": "place", "orderId": order_id, "outcome": "ok",
                                  "customerId": self.customer}), file=history)
            history.flush()
            document = self.check("--history", history.name)
            self.assertEqual(self.violated(document, orders.values()), set(), document["violations"])
            verdicts = {i["id"]: i["verdict"] for i in document["invariants"]}
            self.assertEqual((verdicts["I1"], verdicts["I2"]), ("ok", "ok"), document)

            lost = str(uuid.uuid4())
            print(json.dumps({"op": "place", "orderId": lost, "outcome": "ok", "customerId": self.customer}),
                  file=history)
            history.flush()
            self.assertEqual(self.violated(self.check("--history", history.name), {lost}), {"I1"})

    def caught(self, plant, undo, subject):
        """What `check` says of the subject while the fault is there; it must say nothing afterwards."""
        plant()
        try:
            document = self.check()
        finally:
            undo()
        for violation in document["violations"]:
            if violation.get("orderId") == subject:
                self.assertTrue(violation["rows"], violation)
        return self.violated(document, {subject})

    def test_a_changed_row_is_caught(self):
        orders = self.place_every_kind()
        done, refused = orders["COMPLETED"], orders["CARRIER_REFUSED"]
        product = json.loads(self.stack.audit("inventory", "SELECT items FROM audit_v1_reservations"
                                              f" WHERE order_id = '{done}'")[0]["items"])[0]["productId"]
        faults = [
            ({"I4", "I8"}, "orders", "orders", done, "total", "total + 1", "total - 1"),
            ({"I3", "I4", "I5", "I8"}, "orders", "orders", done, "state", "'CANCELLED'", "'COMPLETED'"),
            ({"I8"}, "orders", "orders", refused, "answers", "3", "7"),
            ({"I5", "I8"}, "inventory", "reservations", done, "state", "'RESERVED'", "'SOLD'"),
            ({"I5", "I8"}, "inventory", "reservations", refused, "state", "'SOLD'", "'RELEASED'"),
            ({"I8"}, "payments", "payments", done, "amount", "amount + 1", "amount - 1"),
            ({"I8"}, "shipping", "shipments", done, "state", "'VOIDED'", "'SCHEDULED'"),
        ]
        for expected, database, table, order_id, column, bad, good in faults:
            with self.subTest(table=table, column=column):
                def update(value):
                    self.psql(database, f"UPDATE {table} SET {column} = {value} WHERE order_id = '{order_id}'")
                found = self.caught(lambda: update(bad), lambda: update(good), order_id)
                self.assertEqual(found, expected)
        with self.subTest(table="products"):
            def change(pieces):
                self.psql("inventory", f"UPDATE products SET free = free + {pieces} WHERE product_id = '{product}'")
            self.assertEqual(self.caught(lambda: change(1), lambda: change(-1), product), {"I5", "I8"})
        self.assertEqual(self.violated(self.check(), {*orders.values(), product}), set())

    def test_a_ledger_row_that_is_missing_or_too_many_is_caught(self):
        order_id = self.place_every_kind()["CARRIER_REFUSED"]
        keep = f"public.kept_{uuid.uuid4().hex}"
        where = f"WHERE order_id = '{order_id}' AND type = 'PaymentRefunded.v1'"

        def delete():
            self.psql("payments", f"CREATE TABLE {keep} AS SELECT * FROM outbox {where}; DELETE FROM outbox {where}")

        def restore():
            self.psql("payments", f"INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM {keep};"
                                  f" DROP TABLE {keep}")
        found = self.caught(delete, restore, order_id)
        self.assertLessEqual({"I8", "I9"}, found)

        # Below every checkpoint, so that no relay sends it.
        def insert():
            self.psql("payments", "INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT (SELECT min(seq) - 1 FROM outbox),"
                                  " gen_random_uuid(), order_id, topic, key, type, headers, data, recorded_at"
                                  f" FROM outbox {where}")

        def remove():
            self.psql("payments", f"DELETE FROM outbox WHERE order_id = '{order_id}' AND seq < 1")
        found = self.caught(insert, remove, order_id)
        self.assertLessEqual({"I8", "I9", "I10"}, found)
        self.assertEqual(self.violated(self.check(), {order_id}), set())

    def test_a_line_missing_in_the_gateways_ledger_is_caught(self):
        order_id = self.place_every_kind()["CARRIER_REFUSED"]
        ledger = sqlite3.connect(self.stack.env["GATEWAY_DATABASE"], timeout=10)
        self.addCleanup(ledger.close)
        line = ledger.execute("SELECT * FROM ledger WHERE key = ? AND kind = 'refund'",
                              (f"charge:{order_id}",)).fetchone()

        def delete():
            with ledger:
                ledger.execute("DELETE FROM ledger WHERE id = ?", (line[0],))

        def restore():
            with ledger:
                ledger.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)", line)
        self.assertEqual(self.caught(delete, restore, order_id), {"I3", "I4"})

    def test_a_stack_that_cannot_be_read_is_neither_clean_nor_violated(self):
        code, said = self.ctl("--payments-url", "host=127.0.0.1 port=1 dbname=payments", "check")
        self.assertEqual(code, 2)
        self.assertIn("127.0.0.1", said)
        code, said = self.ctl("check", "--history", tempfile.gettempdir())
        self.assertEqual((code, said), (2, f"orderctl: cannot read {tempfile.gettempdir()}\n"))


class Repair(OrderctlTest):
    def test_an_order_is_shown_with_what_each_event_undoes(self):
        order_id = self.place_every_kind()["CARRIER_REFUSED"]
        self.check()  # quiet: the relays have confirmed everything
        code, order = self.ctl("order", order_id)
        self.assertEqual(code, 0)
        undone = {event["type"]: event.get("undoes") for event in order["events"]}
        self.assertEqual(undone["PaymentRefunded"], "PaymentCaptured")
        self.assertEqual(undone["StockReleased"], "StockReserved")
        self.assertIsNone(undone["ShipmentRefused"])
        self.assertEqual([event["type"] for event in order["events"]][0], "OrderPlaced")
        self.assertEqual(order["charge"]["status"], "refunded")
        self.assertEqual(order["waitsFor"], [])
        code, said = self.ctl("order", str(uuid.uuid4()))
        self.assertEqual(code, 2)
        self.assertIn("no service has", said)

    def test_rebuild_names_both_sides_of_a_difference(self):
        order_id = self.place_every_kind()["COMPLETED"]
        self.check()  # quiet
        self.psql("payments", f"UPDATE payments SET charge_id = 'ch_x_' || charge_id WHERE order_id = '{order_id}'")
        try:
            code, document = self.ctl("rebuild", "--verify")
        finally:
            self.psql("payments", f"UPDATE payments SET charge_id = substr(charge_id, 6) WHERE order_id = '{order_id}'")
        self.assertEqual(code, 1)
        mine = [d for d in document["differences"] if d.get("orderId") == order_id]
        self.assertEqual([(d["service"], d["field"]) for d in mine], [("payment", "chargeId")])
        sides = [json.dumps(row) for row in mine[0]["rows"] if row["from"].startswith("payments.")]
        self.assertTrue(any("ch_x_" in side for side in sides) and any("chargeId" in side for side in sides), sides)

    def test_a_republished_order_changes_nothing(self):
        order_id = self.place_every_kind()["CARRIER_REFUSED"]
        before = self.check()["counts"]
        rows = {database: self.stack.audit(database, f"SELECT * FROM audit_v1_{view} WHERE order_id = '{order_id}'")
                for database, view in (("orders", "orders"), ("inventory", "reservations"),
                                       ("payments", "payments"), ("shipping", "shipments"))}
        code, sent = self.ctl("republish", "--order", order_id)
        self.assertEqual(code, 0)
        self.assertEqual(sum(part["rows"] for part in sent), 9, sent)
        after = self.check()
        self.assertEqual(after["counts"]["duplicates"] - before["duplicates"], 9)
        self.assertEqual(self.violated(after, {order_id}), set())
        for database, view in (("orders", "orders"), ("inventory", "reservations"), ("payments", "payments"),
                               ("shipping", "shipments")):
            self.assertEqual(rows[database], self.stack.audit(database, f"SELECT * FROM audit_v1_{view}"
                                                              f" WHERE order_id = '{order_id}'"))

    def test_lost_rows_come_back_from_a_republished_order(self):
        kinds = self.place_every_kind()
        orders = {kinds[kind] for kind in ("COMPLETED", "CARRIER_REFUSED", "CARD_DECLINED")}
        self.check()  # quiet

        def rows():
            return self.stack.audit("orders", "SELECT order_id, state, reason, answers, undone, total, shipment_id"
                                    f" FROM audit_v1_orders WHERE order_id IN ({', '.join(map(repr, sorted(orders)))})"
                                    " ORDER BY order_id")
        before = rows()
        self.assertEqual(len(before), 3)
        for order_id in orders:
            self.psql("orders", f"DELETE FROM orders WHERE order_id = '{order_id}'")
            self.assertEqual(self.ctl("republish", "--order", order_id)[0], 0)
        self.assertTrue(eventually(20, lambda: rows() == before), (rows(), before))
        self.assertEqual(self.violated(self.check(), orders), set())

    def test_the_relay_starts_again_from_a_time(self):
        order_id = self.place_every_kind()["COMPLETED"]
        before = self.check()["counts"]["duplicates"]
        row = self.stack.audit("shipping", "SELECT seq, to_char(recorded_at AT TIME ZONE 'UTC',"
                               " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS time FROM audit_v1_outbox"
                               f" WHERE order_id = '{order_id}'")[0]
        code, lowered = self.ctl("republish", "--since", row["time"], "--service", "shipping")
        self.assertEqual(code, 0)
        self.assertEqual([part["service"] for part in lowered], ["shipping"])
        self.assertLessEqual(lowered[0]["checkpoint"], row["seq"] - 1)
        self.assertGreater(lowered[0]["rows"], 0)

        def sent_again():
            document = self.check()
            return document if document["counts"]["duplicates"] >= before + lowered[0]["rows"] else None
        document = eventually(20, sent_again)
        self.assertIsNotNone(document, "the relay has not sent them again")
        self.assertEqual(self.violated(document, {order_id}), set())

    def test_everything_is_not_republished_while_consumers_run(self):
        code, said = self.ctl("republish", "--all")
        self.assertEqual(code, 2)
        self.assertIn("payment-service", said)


if __name__ == "__main__":
    unittest.main()
