"""What orderctl mends, and what it refuses with a reason: dead records, settling, republishing, wrong commands."""

import json
import os
import pathlib
import signal
import subprocess
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

from orderctl_test import OrderctlTest
from poison_test import headers_of
from records import produce
from stack import ROOT, SERVICES, eventually, request


class Mend(OrderctlTest):
    def say(self, *arguments):
        """(exit code, text, what stands on stderr), without --json."""
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                               os.environ["ORDERFLOW_TEST_STACK"], *arguments],
                              capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def plant(self, order_id, dead=True, error="planted"):
        """A record of the order that inventory has put aside: its OrderPlaced, which it did handle. Its id."""
        row = self.stack.audit("orders", "SELECT event_id, key, data FROM audit_v1_outbox"
                               f" WHERE order_id = '{order_id}' AND type = 'OrderPlaced.v1'")[0]
        headers = headers_of("OrderPlaced.v1", "/order-service", row["key"].encode()) | {
            b"ce_id": row["event_id"].encode()}
        text = json.dumps([{"name": name.decode(), "value": value.decode()} for name, value in headers.items()])
        due = "NULL" if dead else "now() + interval '9 min'"
        return int(self.psql("inventory", "INSERT INTO parked (topic, partition, \"offset\", order_id, ce_id, key,"
                             " headers, value, attempts, due_at, dead, blocks, error) VALUES ('order-events', 0,"
                             f" {uuid.uuid4().int % 10**9}, '{order_id}', '{row['event_id']}', '{row['key']}',"
                             f" '{text}', convert_to('{row['data']}', 'UTF8'), 6, {due}, {dead}, true, '{error}')"
                             " RETURNING id")[0])

    def listed(self, record):
        code, records = self.ctl("records", "list", "--service", "inventory", "--limit", "10000")
        self.assertEqual(code, 0, records)
        return [r for r in records if r["id"] == record]

    def decide(self, decision, record, service="inventory", reason="a test's"):
        return self.ctl("records", decision, str(record), "--service", service, "--reason", reason, "--by", "kim")


class DeadRecords(Mend):
    def decisions(self, record):
        return [d for d in self.ctl("records", "decisions", "--service", "inventory")[1] if d["parkedId"] == record]

    def given_up(self, order_id):
        return [v for v in self.check()["violations"] if v.get("orderId") == order_id]

    def test_a_retried_record_is_handled_and_the_check_is_clean_again(self):
        order_id = self.place_every_kind()["COMPLETED"]
        record = self.plant(order_id)
        self.assertEqual([r["dead"] for r in self.listed(record)], [True])
        self.assertEqual({v["invariant"] for v in self.given_up(order_id)}, {"I8"})
        code, said = self.decide("retry", record)
        self.assertEqual((code, said["decision"], said["orderId"], said["error"]), (0, "retry", order_id, "planted"))
        self.assertTrue(eventually(10, lambda: not self.listed(record)), "it is still parked")
        self.assertEqual(self.given_up(order_id), [])
        self.assertEqual([(d["decision"], d["decidedBy"], d["reason"]) for d in self.decisions(record)],
                         [("retry", "kim", "a test's")])
        code, said = self.decide("retry", record)
        self.assertEqual(code, 2)
        self.assertIn("does not exist", said)

    def test_a_discarded_record_is_kept_among_the_decisions_alone(self):
        order_id = self.place_every_kind()["COMPLETED"]
        record = self.plant(order_id)
        self.assertEqual(self.decide("discard", record)[0], 0)
        self.assertEqual(self.listed(record), [])
        self.assertEqual(self.given_up(order_id), [])
        self.assertEqual([d["decision"] for d in self.decisions(record)], ["discard"])
        kept = self.psql("inventory", "SELECT length(value) > 100 AND length(headers) > 100 FROM parked_decisions"
                                      f" WHERE parked_id = {record}")
        self.assertEqual(kept, ["t"])

    def test_a_record_that_nobody_can_read_is_foreign_whatever_is_decided(self):
        for decision, left in (("discard", 0), ("retry", 4)):
            key = str(uuid.uuid4()).encode()
            for _ in range(2):  # of one order and kind
                produce(self.stack.env, "order-events", 0, key, b"not json",
                        headers_of("OrderPlaced.v1", "/order-service", key).items())

            def planted(order_id=key.decode()):
                code, records = self.ctl("records", "list", "--limit", "10000")
                self.assertEqual(code, 0, records)
                return [r for r in records if r.get("orderId") == order_id]

            self.assertTrue(eventually(10, lambda: len(planted()) == 4), "inventory and analytics have not read them")
            before = self.check()
            records = planted()
            try:
                for record in records:
                    self.assertEqual(self.decide(decision, record["id"], record["service"])[0], 0)
                # Of one order the second's turn comes when the first is done or dead once more.
                tried = eventually(30, lambda: not left or any(r["attempts"] > 0 for r in planted()))
                self.assertEqual((bool(tried), len(planted())), (True, left))
                after = self.check()
            finally:
                for record in records:
                    self.psql(record["service"], f"DELETE FROM parked WHERE id = {record['id']}")
            for document in (before, after):
                self.assertEqual([v for v in document["violations"] if "OrderPlaced.v1" in v["what"]], [])
            self.assertEqual(after["counts"]["foreignRecords"], before["counts"]["foreignRecords"])

    def test_what_a_record_says_does_nothing_to_a_terminal(self):
        error = "broken: \x1b[2J\r\nSTATE  none\x9b8m\u202e"
        order_id = self.place_every_kind()["COMPLETED"]
        record = self.plant(order_id, error=error)
        self.assertEqual([r["error"] for r in self.listed(record)], [error])
        for command in (("records", "list", "--service", "inventory"), ("order", order_id), ("check",),
                        ("records", "discard", str(record), "--service", "inventory", "--reason", "a\ttest\x1b[8m"),
                        ("records", "decisions", "--service", "inventory")):
            with self.subTest(command[:2]):
                _, text, _ = self.say(*command)
                self.assertEqual([c for c in text if c != "\n" and not c.isprintable()], [])
                if command[1:2] == ("decisions",):
                    self.assertIn("a test\ufffd[8m\n", text)
                elif command != ("check",):  # lists some records only
                    self.assertIn("broken: \ufffd[2J  STATE  none\ufffd8m\ufffd\n", text)
        _, text, said = self.say("order", "\x1b[2J")
        self.assertEqual(said, "orderctl: '\ufffd[2J' is not an order id (a lower-case UUID)\n")

    def test_of_operators_at_the_same_time_one_decides(self):
        order_id = self.place_every_kind()["COMPLETED"]
        record = self.plant(order_id)
        with ThreadPoolExecutor(6) as pool:
            codes = sorted(code for code, _ in pool.map(lambda _: self.decide("discard", record), range(6)))
        self.assertEqual(codes, [0, 2, 2, 2, 2, 2])
        self.assertEqual(len(self.decisions(record)), 1)

    def test_a_record_that_will_be_tried_again_is_nobodys_to_decide(self):
        record = self.plant(self.place_every_kind()["COMPLETED"], dead=False)
        try:
            for decision in ("retry", "discard"):
                code, said = self.decide(decision, record)
                self.assertEqual(code, 2)
                self.assertIn("is not dead", said)
            self.assertEqual(self.decisions(record), [])
        finally:
            self.psql("inventory", f"DELETE FROM parked WHERE id = {record}")

    def test_a_death_stands_in_the_services_log(self):
        key = str(uuid.uuid4()).encode()
        headers = headers_of("OrderPlaced.v1", "/order-service", key)
        offset = produce(self.stack.env, "order-events", 0, key, b"{", list(headers.items()))
        log = pathlib.Path(self.stack.env["STACK_STATE"]) / "log" / "inventory.log"
        wanted = f"record died: order-events/0@{offset} of order "

        def lines():
            return [json.loads(line) for line in log.read_text().splitlines() if wanted in line]
        self.assertTrue(eventually(10, lines), wanted)
        self.assertEqual(lines()[0]["level"], "error")
        mine = [r["id"] for r in self.ctl("records", "list", "--limit", "10000")[1] if r["offset"] == offset]
        for service in ("inventory", "analytics"):
            for record in mine:
                self.decide("discard", record, service)


class Settle(Mend):
    def settle(self, order_id, said="refunded", by="kim"):
        return self.ctl("payment", "settle", order_id, "--as", said, "--by", by)

    def test_a_refusal_names_the_state_and_what_to_do(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        self.assertTrue(eventually(15, lambda: request("GET", self.stack.url("edge", f"/api/payments/{order_id}"))
                                   .json().get("status") in ("UNKNOWN", "INTENT")))
        code, document = self.settle(order_id)
        self.assertEqual((code, document["settled"]), (2, False))
        self.assertIn(document["state"], ("UNKNOWN", "INTENT"))
        self.assertIn("1500 KRW", document["message"])
        self.assertIn(f"/api/orders/{order_id}/cancellations", document["message"])
        request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
        self.final(order_id)
        code, document = self.settle(order_id)
        self.assertEqual((code, document["state"]), (2, "NEVER_CHARGED"))
        code, document = self.settle(str(uuid.uuid4()))
        self.assertEqual(code, 2)
        self.assertIn("does not have this order", document["message"])

    def test_a_settlement_says_what_it_was_and_who_said_it_before(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        self.stack.stop("gateway")
        try:
            request("POST", self.stack.url("edge", f"/api/orders/{order_id}/cancellations"))
            self.assertTrue(eventually(15, lambda: self.settle(order_id, "never-charged")[0] == 0))
            self.final(order_id)
            code, document = self.settle(order_id, "never-charged", by="lee")
            self.assertEqual((code, document["settled"]), (0, True))
            self.assertIn("settled before, the payment is SETTLED as NEVER_CHARGED by kim", document["message"])
            code, document = self.settle(order_id, "refunded", by="lee")
            self.assertEqual((code, document["state"]), (2, "SETTLED"))
            self.assertIn("as NEVER_CHARGED by kim", document["message"])
        finally:
            self.stack.restart()


class Refusals(Mend):
    def test_nothing_is_republished_from_the_future(self):
        code, said = self.ctl("republish", "--since", "2999-01-01T00:00:00Z")
        self.assertEqual(code, 2)
        self.assertIn("is in the future", said)

    def test_an_unknown_command_is_named_beside_those_that_there_are(self):
        code, _, said = self.say("stcuk")
        self.assertEqual(code, 2)
        self.assertIn("unknown command 'stcuk'", said)
        self.assertIn("stuck lag order check", said)
        code, _, said = self.say("lag", "--foo")
        self.assertEqual(code, 2)
        self.assertIn("--foo", said)

    def test_what_to_republish_is_said_once(self):
        order_id = str(uuid.uuid4())
        for options, number in (([], "is required"), (["--order", order_id, "--all"], "2 were given"),
                                (["--since", "2026-01-02T03:04:05Z", "--all"], "2 were given")):
            code, _, said = self.say("republish", *options)
            self.assertEqual(code, 2)
            self.assertRegex(said.splitlines()[0], rf"^orderctl republish: .*--order.*--since.*--all.*{number}")
        for options in (["--oder", order_id], ["--all", "--foo"]):
            code, _, said = self.say("republish", *options)
            unknown = next(option for option in options if option in ("--oder", "--foo"))
            self.assertEqual((code, said.splitlines()[0]),
                             (2, f"orderctl republish: unknown option '{unknown}'"))

    def test_a_number_that_is_no_id_is_refused(self):
        for number in ("999999999999999999999", "9223372036854775808", "0", "010", "0x10", "1e3", "seven", ""):
            for decision in ("retry", "discard"):
                code, _, said = self.say("records", decision, number, "--service", "inventory", "--reason", "a test")
                self.assertEqual(code, 2)
                self.assertIn("a record's id is a number from 1 to 9223372036854775807", said)
        code, _, said = self.say("records", "retry", "9223372036854775807", "--service", "inventory", "--reason", "-")
        self.assertEqual(code, 2)
        self.assertIn("does not exist", said)

    def test_what_cannot_be_said_is_not_done(self):
        program = [pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env",
                   os.environ["ORDERFLOW_TEST_STACK"]]
        commands = (["--help"], ["check", "--help"], ["check", "--json"], ["check"], ["lag"], ["stuck", "--json"],
                    ["records", "list"])
        for command in commands:
            with self.subTest(command), open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run(program + command, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                      timeout=120)
                self.assertEqual((done.returncode, done.stderr),
                                 (2, "orderctl: cannot write to standard output: No space left on device\n"))
        for command in commands:
            for restored in (True, False):  # ended by the signal, or told by the write
                with self.subTest(command, restored=restored):
                    reading, writing = os.pipe()
                    os.close(reading)
                    done = subprocess.run(program + command, stdout=writing, stderr=subprocess.PIPE, text=True,
                                          check=False, timeout=120, restore_signals=restored)
                    os.close(writing)
                    self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE if restored else 2, ""))

    def test_a_wrong_option_ends_every_program_with_two(self):
        programs = [f"{service}-service" for service in SERVICES] + ["gateway-sandbox", "orderctl"]
        for program in programs:
            done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / program, "--no-such-option"],
                                  env=os.environ | {"DATABASE_URL": "dbname=none"}, capture_output=True, text=True,
                                  check=False, timeout=10)
            self.assertEqual(done.returncode, 2, (program, done.stderr))
            self.assertIn("--no-such-option", done.stderr + done.stdout)

    def test_a_part_that_is_none_is_not_stopped(self):
        done = subprocess.run([ROOT / "scripts" / "down", "--state", self.stack.env["STACK_STATE"], "--only", "foo"],
                              capture_output=True, text=True, check=False, timeout=10)
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown part 'foo'", done.stderr)

    def test_without_the_gateways_ledger_the_rest_is_judged(self):
        order_id = self.place_every_kind()["COMPLETED"]
        self.check()  # quiet
        code, document = self.ctl("--gateway-url", "http://127.0.0.1:1", "check")
        verdicts = {i["id"]: i["verdict"] for i in document["invariants"]}
        self.assertEqual((verdicts["I3"], verdicts["I4"]), ("not_judged", "not_judged"))
        self.assertEqual((code, document["verdict"]) in ((2, "not judged"), (1, "violated")), True, document)
        self.assertIn("I3 and I4 are not judged", document["notes"][-1])
        update = f"UPDATE shipments SET state = %s WHERE order_id = '{order_id}'"
        self.psql("shipping", update % "'VOIDED'")
        try:
            code, document = self.ctl("--gateway-url", "http://127.0.0.1:1", "check")
        finally:
            self.psql("shipping", update % "'SCHEDULED'")
        self.assertEqual((code, self.violated(document, {order_id})), (1, {"I8"}))
        code, document = self.ctl("--gateway-url", "http://127.0.0.1:1", "check", "--without-gateway")
        self.assertIn((code, document["verdict"]), ((0, "clean"), (1, "violated")))


if __name__ == "__main__":
    unittest.main()
