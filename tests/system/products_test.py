"""The catalogue over HTTP: counters that sales move are written once, name and price under conditions, and pieces come
and go by adjustments that are made once each. Ids are as odd as a URL can carry."""

import collections
import concurrent.futures
import http.client
import json
import pathlib
import subprocess
import time
import unittest
import urllib.parse
import uuid

from processes import Instance, kill
from stack import Stack, SystemTest, answer_of, eventually, request

ADJUSTMENTS, DOUBLES = 60, 6


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


class ProductsTest(SystemTest):
    def put(self, product, headers=None, part="inventory", **body):
        return request("PUT", self.stack.url(part, f"/api/products/{product}"),
                       {"name": "Laptop", "price": 1500} | body, headers)

    def get(self, product, headers=None, part="edge"):
        return request("GET", self.stack.url(part, f"/api/products/{product}"), headers=headers)

    def adjust(self, product, change, headers, reason="counted"):
        return request("POST", self.stack.url("inventory", f"/api/products/{product}/adjustments"),
                       {"change": change, "reason": reason}, headers)

    def sell(self, product, quantity):
        return self.final(self.place(self.order(product, quantity)))["status"]

    def refused(self, answer, status, problem, pointer=None):
        self.assertEqual((answer.status, answer.json()["type"]), (status, "/problems/" + problem), answer.body)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")
        if pointer:
            self.assertEqual([error["pointer"] for error in answer.json()["errors"]], [pointer])

    def adjustments(self, product):
        """Changes in the ledger, the creation's first."""
        rows = self.stack.audit("inventory", f"SELECT data FROM audit_v1_outbox WHERE key = '{product}' ORDER BY seq")
        return [json.loads(row["data"])["change"] for row in rows]


class Creating(ProductsTest):
    def test_a_creation_that_is_sent_again_puts_no_sold_piece_back(self):
        product = f"ITEM-{uuid.uuid4()}"
        self.assertEqual(self.put(product, stock=10).status, 201)
        self.assertEqual(self.sell(product, 4), "COMPLETED")
        eventually(10, lambda: self.stock(product) == (6, 0, 4))
        again = self.put(product, stock=10)
        self.assertEqual(self.stock(product), (6, 0, 4))
        self.refused(again, 428, "precondition-required")
        self.assertIn("/adjustments", again.json()["detail"])
        self.refused(self.put(product, {"If-None-Match": "*"}, stock=10), 412, "precondition-failed")
        tag = {"If-Match": self.get(product).headers["ETag"]}
        for headers in (tag, {"If-Match": "*"}):
            answer = self.put(product, headers, stock=10)
            self.refused(answer, 422, "stock-not-settable", "/stock")
            self.assertIn("/adjustments", answer.json()["detail"])
        self.assertEqual([self.sell(product, n) for n in (10, 7, 6)], ["CANCELLED", "CANCELLED", "COMPLETED"])
        eventually(10, lambda: self.stock(product) == (0, 0, 10))
        self.assertEqual(self.stock(product), (0, 0, 10))
        self.assertEqual(self.adjustments(product), [10])

    def test_a_new_product_needs_its_stock_and_no_other_to_be_there(self):
        product = f"ITEM-{uuid.uuid4()}"
        self.refused(self.put(product), 422, "stock-required", "/stock")
        self.refused(self.put(product, {"If-Match": "*"}, stock=1), 412, "precondition-failed")
        self.refused(self.put(product, {"If-Match": '"x"'}, stock=1), 412, "precondition-failed")
        self.refused(self.get(product), 404, "not-found")
        created = self.put(product, {"If-None-Match": "*"}, stock=0, currency="USD")
        self.assertEqual((created.status, created.headers["Location"]), (201, f"/api/products/{product}"))
        self.assertEqual(created.headers["ETag"], self.get(product).headers["ETag"])
        self.assertEqual(created.body, self.get(product).body)

    def test_of_many_creations_at_once_one_wins(self):
        product = f"ITEM-{uuid.uuid4()}"
        with Instance(self.stack, "inventory") as second, concurrent.futures.ThreadPoolExecutor(8) as pool:
            urls = [self.stack.url("inventory", ""), second.url]
            answers = list(pool.map(lambda n: request("PUT", f"{urls[n % 2]}/api/products/{product}",
                                                      {"name": "Laptop", "price": 1500, "stock": n},
                                                      {"If-None-Match": "*"} if n % 3 else {}), range(1, 33)))
        self.assertLessEqual({answer.status for answer in answers}, {201, 412, 428})
        winner, = (answer for answer in answers if answer.status == 201)
        self.assertEqual(self.stock(product)[0], winner.json()["stock"])
        self.assertEqual(self.adjustments(product), [winner.json()["stock"]])

    def test_what_is_accepted_can_be_read_at_its_location_and_the_rest_is_refused(self):
        own = uuid.uuid4().hex[:8]
        good = ("a b", " ", "...", ".a", "a.", "..a", "%2F", "%2e%2e", "%", "%25", "?", "#", "a?b=c#d", "a\\b", "~",
                "a;b", "a+b", "a&b=c", '"<>^`{|}', "*", "@:!$'(),", "adjustments", "x" * 55)
        bad = (".", "..", "a/b", "../a", "/", "노트북", "é", "a\tb", "a\nb", "\x7f", "x" * 65, "x" * 200)
        for name in [name + own for name in good] + ["...", " ", "~"]:
            with self.subTest(name):
                path = "/api/products/" + urllib.parse.quote(name, safe="")
                created = request("PUT", self.stack.url("inventory", path), {"name": name, "price": 1, "stock": 1})
                # 428: three of them are there from another run.
                self.assertIn(created.status, (201,) if own in name else (201, 428), created.body)
                location = created.headers["Location"] or path
                for part in ("inventory", "edge"):
                    answer = request("GET", self.stack.url(part, location))
                    self.assertEqual((answer.status, answer.json()["productId"]), (200, name))
                adjusted = request("POST", self.stack.url("inventory", location + "/adjustments"),
                                   {"change": 1, "reason": "counted"}, key())
                self.assertEqual(adjusted.json()["productId"], name)
        for name in bad:
            for escape in (lambda text: urllib.parse.quote(text, safe=""), lambda text: text):
                path = "/api/products/" + escape(name).replace(".", "%2e" if escape(name) != name else ".")
                if not path.isascii() or not path.isprintable():
                    continue  # no request line
                with self.subTest(path):
                    answer = request("PUT", self.stack.url("inventory", path), {"name": name, "price": 1, "stock": 1})
                    self.assertIn(answer.status, (404, 405, 422), answer.body)  # 404: other segments
                    self.assertIn(request("GET", self.stack.url("inventory", path)).status, (404, 405))
        for dots in ("%2e%2e", "%2E.", ".%2e", "%2e", "..", "."):
            with self.subTest(dots):
                answer = request("PUT", self.stack.url("inventory", f"/api/products/{dots}"),
                                 {"name": "x", "price": 1, "stock": 1})
                self.refused(answer, 422, "validation")

    def test_an_order_for_an_id_that_no_product_can_have_is_refused_as_unknown(self):
        for name in ("..", "a/b", "노트북"):
            with self.subTest(name):
                order = self.final(self.place(self.order(name)))
                self.assertEqual((order["status"], order["reason"]), ("CANCELLED", "UNKNOWN_PRODUCT"))


class Changing(ProductsTest):
    def test_name_and_price_change_under_the_tag_of_the_offer(self):
        product = self.product(stock=10)
        tag = self.get(product).headers["ETag"]
        self.assertTrue(tag.startswith('"'), tag)  # strong
        self.sell(product, 4)
        self.assertTrue(eventually(10, lambda: self.stock(product) == (6, 0, 4)))  # inventory hears of the end last
        changed = self.put(product, {"If-Match": tag}, price=1400, name="Lamp")
        self.assertEqual(changed.status, 200, "a sale makes the tag of name and price stale")
        self.assertEqual((changed.json()["price"], changed.json()["name"]), (1400, "Lamp"))
        self.assertEqual(self.stock(product), (6, 0, 4))
        self.assertEqual(changed.headers["ETag"], self.get(product).headers["ETag"])
        self.assertEqual(self.adjustments(product), [10, 0])
        self.refused(self.put(product, {"If-Match": tag}, price=1300), 412, "precondition-failed")
        self.refused(self.put(product, {"If-Match": tag}, price=1400, name="Lamp"), 412, "precondition-failed")
        tag = changed.headers["ETag"]
        for headers, status in (
                ({}, 428), ({"If-None-Match": '"other"'}, 428),
                ({"If-None-Match": "*"}, 412), ({"If-None-Match": tag}, 412), ({"If-Match": '"wrong"'}, 412),
                ({"If-Match": "W/" + tag}, 412), ({"If-Match": f'"a", "b", W/{tag}'}, 412),
                ({"If-Match": tag, "If-None-Match": "*"}, 412),
                ({"If-Match": ""}, 400), ({"If-Match": tag.strip('"')}, 400), ({"If-Match": f'*, {tag}'}, 400),
                ({"If-Match": tag + '"'}, 400), ({"If-Match": tag, "If-None-Match": "x"}, 400),
                ({"If-Unmodified-Since": "Sat, 28 Nov 2026 20:00:00 GMT"}, 400),
                ({"If-Match": tag, "If-Unmodified-Since": "Sat, 28 Nov 2026 20:00:00 GMT"}, 400),
                ({"If-Match": tag, "If-Modified-Since": "x"}, 400)):
            with self.subTest(headers):
                problem = {400: "precondition", 412: "precondition-failed", 428: "precondition-required"}[status]
                self.refused(self.put(product, headers, price=1), status, problem)
                self.assertEqual(self.get(product).json()["price"], 1400)
        for headers in ({"If-Match": f'"a", {tag}'}, {"If-Match": "*"}):
            same = self.put(product, headers, price=1400, name="Lamp")
            self.assertEqual((same.status, same.headers["ETag"]), (200, tag))
        self.assertEqual(self.adjustments(product), [10, 0])

    def test_a_copy_is_current_only_while_its_stock_is(self):
        product = self.product(stock=10)
        for part in ("inventory", "edge"):
            tag = self.get(product).headers["ETag"]
            for value in (tag, "W/" + tag, f'"a", {tag}', "*"):
                with self.subTest(value, part=part):
                    answer = self.get(product, {"If-None-Match": value}, part)
                    self.assertEqual((answer.status, answer.body, answer.headers["ETag"]), (304, b"", tag))
            self.sell(product, 1)
            self.assertTrue(eventually(10, lambda: self.stock(product)[1] == 0), "the sale is not settled")
            answer = self.get(product, {"If-None-Match": tag}, part)
            self.assertEqual((answer.status, answer.json()["sold"]), (200, self.stock(product)[2]))
            self.assertEqual(self.get(product, {"If-Match": tag}, part).status, 200)
            self.refused(self.get(product, {"If-Match": '"x"'}, part), 412, "precondition-failed")
            self.refused(self.get(product, {"If-None-Match": "x"}, part), 400, "precondition")
            self.refused(self.get("none" + product, {"If-None-Match": "*"}, part), 404, "not-found")


class Adjusting(ProductsTest):
    def test_pieces_come_and_go_once_for_each_key(self):
        product, first = self.product(stock=10), key()
        answer = self.adjust(product, 5, first, "delivery 42")
        self.assertEqual((answer.status, answer.json()),
                         (200, {"productId": product, "change": 5, "reason": "delivery 42", "stock": 15}))
        self.assertEqual(self.adjust(product, -1, key(), "broken").json()["stock"], 14)
        self.sell(product, 4)
        again = request("POST", self.stack.url("inventory", f"/api/products/{product}/adjustments"),
                        '{ "reason":"delivery 42",\n"change":5 }', first)
        self.assertEqual((again.status, again.body), (200, answer.body))
        self.assertEqual((self.stock(product), self.adjustments(product)), ((10, 0, 4), [10, 5, -1]))
        for change, reason in ((6, "delivery 42"), (-5, "delivery 42"), (5, "delivery 43")):
            self.refused(self.adjust(product, change, first, reason), 422, "idempotency-mismatch")
        self.refused(self.adjust(self.product(), 5, first, "delivery 42"), 422, "idempotency-mismatch")
        rows = self.stack.audit("inventory", "SELECT change, reason, verdict, free FROM audit_v1_adjustments"
                                f" WHERE product_id = '{product}' ORDER BY decided_at")
        self.assertEqual(rows[0], {"change": 5, "reason": "delivery 42", "verdict": "ADJUSTED", "free": 15})
        self.assertEqual(len(rows), 2)

    def test_no_more_pieces_go_than_are_free(self):
        product, refused = self.product(stock=3), key()
        answer = self.adjust(product, -4, refused)
        self.refused(answer, 409, "stock-too-low")
        self.refused(self.adjust(product, 10**12, key()), 409, "stock-too-high")
        self.assertEqual(self.adjust(product, 5, key()).json()["stock"], 8)
        self.assertEqual(self.adjust(product, -4, refused).body, answer.body)  # the first answer, again
        self.assertEqual(self.adjust(product, -8, key()).json()["stock"], 0)
        self.assertEqual(self.sell(product, 1), "CANCELLED")
        self.assertEqual(self.adjustments(product), [3, 5, -8])

    def test_what_is_no_adjustment_changes_nothing(self):
        product = self.product(stock=3)
        for name, body, status, problem, pointer in (
                ("nothing", b"", 400, "body-required", None),
                ("zero", {"change": 0, "reason": "x"}, 422, "validation", "/change"),
                ("too much", {"change": 10**12 + 1, "reason": "x"}, 422, "validation", "/change"),
                ("far too much", '{"change":9223372036854775808,"reason":"x"}', 400, "json-number", "/change"),
                ("a fraction", '{"change":1.5,"reason":"x"}', 400, "json-number", "/change"),
                ("no change", {"reason": "x"}, 422, "validation", "/change"),
                ("no reason", {"change": 1}, 422, "validation", "/reason"),
                ("an empty reason", {"change": 1, "reason": ""}, 422, "validation", "/reason"),
                ("a long reason", {"change": 1, "reason": "x" * 201}, 422, "validation", "/reason"),
                ("stock", {"change": 1, "reason": "x", "stock": 5}, 400, "unknown-field", None)):
            with self.subTest(name):
                url = self.stack.url("inventory", f"/api/products/{product}/adjustments")
                self.refused(request("POST", url, body, key()), status, problem, pointer)
        for headers in ({}, {"Idempotency-Key": "short"}, {"Idempotency-Key": "x" * 129},
                        {"Idempotency-Key": "schlüssel".encode("latin-1")}, {"Idempotency-Key": ""}):
            with self.subTest(headers):
                self.refused(self.adjust(product, 1, headers), 400, "idempotency-key")
        for name in ("If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"):
            with self.subTest(name):
                self.refused(self.adjust(product, 1, key() | {name: "*"}), 400, "precondition")
        for unknown in ("NONE-" + product, "%2e%2e", "a%2Fb"):
            self.refused(self.adjust(unknown, 1, key()), 404, "not-found")
        self.refused(request("POST", self.stack.url("edge", f"/api/products/{product}/adjustments"),
                             {"change": 1, "reason": "x"}, key()), 404, "not-found")
        self.assertEqual((self.stock(product), self.adjustments(product)), ((3, 0, 0), [3]))

    def test_races_over_two_processes_add_up_exactly_while_pieces_are_sold(self):
        product = self.product(stock=1_000)
        changes = {str(uuid.uuid4()): 1 + n % 5 if n % 2 else -(1 + n % 7) for n in range(ADJUSTMENTS)}
        with Instance(self.stack, "inventory") as second, concurrent.futures.ThreadPoolExecutor(DOUBLES + 1) as pool:
            origins = [urllib.parse.urlsplit(url).netloc for url in (self.stack.url("inventory", ""), second.url)]
            orders = pool.submit(lambda: [self.place(self.order(product, 3)) for _ in range(30)])
            answers = collections.defaultdict(set)
            for heard in pool.map(lambda nth: self.send_all(origins[nth % 2], product, changes), range(DOUBLES)):
                for name, status, body in heard:
                    self.assertEqual(status, 200, body)
                    answers[name].add(body)
            sold = sum(3 for order in orders.result() if self.final(order)["status"] == "COMPLETED")
        self.assertEqual({len(bodies) for bodies in answers.values()}, {1}, "a key got two answers")
        self.assertTrue(eventually(10, lambda: self.stock(product)[1] == 0))
        self.assertEqual(self.stock(product), (1_000 + sum(changes.values()) - sold, 0, sold))
        self.assertEqual(sorted(self.adjustments(product)), sorted([1_000, *changes.values()]))

    def send_all(self, origin, product, changes):
        connection, path = http.client.HTTPConnection(origin, timeout=30), f"/api/products/{product}/adjustments"
        heard = []
        for name, change in changes.items():
            body = json.dumps({"change": change, "reason": "counted"}).encode()
            connection.request("POST", path, body, {"Content-Type": "application/json", "Idempotency-Key": name})
            answer = answer_of(connection, "POST", path, body)
            heard.append((name, answer.status, answer.body))
        connection.close()
        return heard

    def test_an_adjustment_whose_answer_was_lost_with_the_service_is_sent_again(self):
        product, made = self.product(stock=10), 10
        for committed in (True, False):
            with self.subTest(committed=committed):
                headers, path = key(), f"/api/products/{product}/adjustments"
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.stack.url("inventory", "")).netloc)
                connection.request("POST", path, json.dumps({"change": 5, "reason": "counted"}),
                                   {"Content-Type": "application/json"} | headers)
                if committed:
                    self.assertTrue(eventually(10, lambda: self.stock(product)[0] == made + 5))
                kill(Stack().pid("inventory"))
                connection.close()
                Stack().restart()
                self.stack, made = Stack(), made + 5
                bodies = {self.adjust(product, 5, headers).body for _ in range(3)}
                self.assertEqual(len(bodies), 1)
                self.assertEqual(self.stock(product), (made, 0, 0))
        self.assertEqual(self.adjustments(product), [10, 5, 5])

    def test_a_key_in_use_elsewhere_is_refused_after_two_seconds_and_then_free(self):
        product, headers = self.product(stock=10), key()
        psql = pathlib.Path(self.stack.env["POSTGRES_BIN"]) / "psql"
        session = subprocess.Popen([psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1",
                                    "-d", self.stack.env["ADMIN_DATABASE_URL"] + " dbname=inventory"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("BEGIN; SELECT pg_advisory_xact_lock(1, hashtext('"
                                f"{headers['Idempotency-Key']}')); SELECT 'held';\n")
            session.stdin.flush()
            while (line := session.stdout.readline()) != "held\n":
                self.assertTrue(line, "psql has ended")
            begun = time.monotonic()
            answer = self.adjust(product, 5, headers)
            self.assertGreaterEqual(time.monotonic() - begun, 2)
            self.refused(answer, 409, "idempotency-in-progress")
            self.assertEqual(answer.headers["Retry-After"], "1")
            self.assertEqual(self.adjust(product, 1, key()).json()["stock"], 11)  # another is not held up
        finally:
            session.communicate(timeout=20)  # its end is the transaction's
        self.assertEqual(self.adjust(product, 5, headers).json()["stock"], 16)


if __name__ == "__main__":
    unittest.main()


class Loading(ProductsTest):
    """orderctl products load."""

    def load(self, *lines):
        program = pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl"
        return subprocess.run([program, "--stack-env", "/dev/null", "products", "load", "-", "--inventory-service-url",
                               self.stack.url("inventory", "")], input="".join(f"{line}\n" for line in lines),
                              capture_output=True, text=True, check=False, timeout=60)

    def line(self, product, stock=5, price=700):
        return json.dumps({"productId": product, "name": "Lamp", "price": price, "stock": stock})

    def test_what_is_there_stays_as_it_is(self):
        new, known = f"ITEM {uuid.uuid4()} %?#+", self.product(stock=11)
        done = self.load(self.line(new), self.line(known), "")
        self.assertEqual((done.returncode, done.stdout), (0, "1 products created, 1 existed already\n"), done.stderr)
        self.assertEqual(self.get(urllib.parse.quote(new, safe="")).json()["stock"], 5)
        self.assertEqual(self.get(known).json()["stock"], 11)
        again = self.load(self.line(new, stock=99))
        self.assertEqual(again.stdout, "0 products created, 1 existed already\n")
        self.assertEqual(self.get(urllib.parse.quote(new, safe="")).json()["stock"], 5)

    def test_what_is_refused_is_named_and_the_rest_is_there(self):
        good, bad = f"ITEM-{uuid.uuid4()}", f"ITEM-{uuid.uuid4()}"
        done = self.load(self.line(bad, price=-1), self.line(good))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"refused: {bad}: 422", done.stdout)
        self.assertEqual(self.get(good).status, 200)

    def test_a_line_that_is_none_sends_nothing(self):
        good = f"ITEM-{uuid.uuid4()}"
        for wrong in ('{"productId": "ITEM"}', "[]", "{", self.line("ITEM")[:-1] + ', "colour": "red"}'):
            done = self.load(self.line(good), wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("line 2", done.stderr)
        self.assertEqual(self.get(good).status, 404)

    def test_nobody_answers(self):
        done = subprocess.run([pathlib.Path(self.stack.env["STACK_BIN"]) / "orderctl", "--stack-env", "/dev/null", "products",
                               "load", "-", "--inventory-service-url", "http://127.0.0.1:1"], input=self.line("ITEM-1"),
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("inventory-service: ", done.stderr)
