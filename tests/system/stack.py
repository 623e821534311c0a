"""The local stack as system tests see it: over HTTP, through the auditor's views, and by the gateway's ledger.

ORDERFLOW_TEST_STACK names the stack.env that scripts/up wrote. Without it every test fails.
"""

import functools
import json
import os
import pathlib
import shlex
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

import openapi

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ("order", "payment", "inventory", "shipping", "analytics")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


def request(method, url, body=None, headers=None, timeout=10):
    """An answer with whatever status, as api/openapi.yaml describes it: any other fails the test. Text and bytes are
    sent as they are, anything else as JSON."""
    sent = {"Content-Type": "application/json"} | (headers or {})
    data = body
    if isinstance(body, str):
        data = body.encode()
    elif body is not None and not isinstance(body, bytes):
        data = json.dumps(body).encode()
    call = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(call, timeout=timeout) as answer:
            answered = Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            answered = Answer(error.code, error.headers, error.read())
    check_contract(method, url, data, answered)
    return answered


def answer_of(connection, method, path, body):
    """What comes over a connection of http.client on which this was sent; checked as request() does."""
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    check_contract(method, f"http://{connection.host}:{connection.port}{path}", body, answer)
    return answer


@functools.lru_cache
def parts():
    """{"http://127.0.0.1:3001": "order", …}; ports stay while a stack lives"""
    stack = Stack()
    return {stack.url(part, ""): part for part in SERVICES + ("edge", "gateway")}


def check_contract(method, url, data, answer):
    split = urllib.parse.urlsplit(url)
    part = parts().get(f"{split.scheme}://{split.netloc}")
    if part == "gateway":  # it stands for somebody else's: its interface is not ours
        return
    body = None if method == "HEAD" else answer.body
    wrong = openapi.judge(part, method, split.path, data, answer.status, answer.headers, body)
    if wrong:
        raise AssertionError(f"{method} {url}: {answer.status} {answer.body[:500]} breaks api/openapi.yaml: {wrong}")


class Stack:
    """Read anew for each use: a restarted service has another pid."""

    def __init__(self):
        path = os.environ.get("ORDERFLOW_TEST_STACK")
        if not path:
            raise AssertionError("ORDERFLOW_TEST_STACK is not set (see scripts/test)")
        words = shlex.split(pathlib.Path(path).read_text(), comments=True)
        self.env = dict(word.split("=", 1) for word in words)

    def url(self, part, path):
        return self.env[part.upper() + "_URL"] + path

    def audit(self, database, sql):
        """Rows as dictionaries, read as the auditor. The schema has the database's name."""
        query = f"SELECT coalesce(json_agg(r), '[]') FROM ({sql}) r"
        psql = pathlib.Path(self.env["POSTGRES_BIN"]) / "psql"
        done = subprocess.run([psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1",
                               "-d", self.env[f"AUDITOR_{database.upper()}_DATABASE_URL"], "-f", "-"], input=query,
                              env=os.environ | {"PGOPTIONS": f"-c search_path={database}"},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{sql}: {done.stderr}")
        return json.loads(done.stdout)

    def ledger(self):
        """Every line of the gateway's ledger by key: {"charge:…": [{"kind": "charge", …}, …]}."""
        by_key, after, headers = {}, 0, {}
        if "GATEWAY_CREDENTIALS_FILE" in self.env:
            token = pathlib.Path(self.env["GATEWAY_CREDENTIALS_FILE"]).read_text().split("\n")[0]
            headers = {"Authorization": f"Bearer {token}"}
        while lines := request("GET", self.url("gateway", f"/v1/ledger?after={after}&limit=10000"), None, headers).json():
            for line in lines:
                by_key.setdefault(line["key"], []).append(line)
            after = lines[-1]["id"]
        return by_key

    def pid(self, part):
        return int(self.env[part.upper() + "_PID"])

    def last_words(self, part):
        log = pathlib.Path(self.env["STACK_STATE"]) / "log" / f"{part}.log"
        return "".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:])

    def restart(self, **settings):
        """Starts what is missing, from the programs that are there; `settings` go into its environment."""
        build = pathlib.Path(self.env["STACK_BIN"]).parent
        done = subprocess.run([ROOT / "scripts" / "up", "--state", self.env["STACK_STATE"], "--build-dir", build,
                               "--no-build", "--no-demo"], env=os.environ | settings, timeout=120, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise AssertionError(f"scripts/up: {done.stdout}")

    def stop(self, *parts):
        """In good order; restart() starts them again."""
        subprocess.run([ROOT / "scripts" / "down", "--state", self.env["STACK_STATE"], "--only", ",".join(parts)],
                       check=True, capture_output=True, timeout=60)


def eventually(deadline_s, predicate, pause_s=0.05):
    """What `predicate` last said: something true, unless the deadline has passed."""
    end = time.monotonic() + deadline_s
    while not (value := predicate()) and time.monotonic() < end:
        time.sleep(pause_s)
    return value


def check_alive():
    """Fails the test after which a service is gone, with its last words; the tests to come find it started again."""
    stack = Stack()
    dead = [part for part in SERVICES if not is_running(stack.pid(part))]
    if not dead:
        return
    words = [f"{part}-service has died:\n{stack.last_words(part)}" for part in dead]
    stack.restart()
    raise AssertionError("\n".join(words))


def is_running(pid):
    """False for one that has ended and waits for its parent."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class SystemTest(unittest.TestCase):
    """Own products and customers for each test, so that tests do not see each other's orders."""

    def setUp(self):
        self.addCleanup(check_alive)  # after all that the test itself takes back
        self.stack = Stack()
        self.customer = f"CUST-{uuid.uuid4()}"

    def product(self, stock=1000, price=1500):
        name = f"ITEM-{uuid.uuid4()}"
        body = {"name": "Laptop", "price": price, "stock": stock}
        answer = request("PUT", self.stack.url("inventory", f"/api/products/{name}"), body)
        self.assertEqual(answer.status, 201, answer.body)
        return name

    def order(self, product, quantity=1, price=1500, token=None, country=None, **more):
        order = {"customerId": self.customer,
                 "items": [{"productId": product, "name": "Laptop", "price": price, "quantity": quantity}]}
        if token:
            order["payment"] = {"method": "card", "token": token}
        if country:
            order["shipment"] = {"recipient": "Kim Min-ji",
                                 "address": {"line1": "110 Sejong-daero", "city": "Seoul", "postalCode": "04524",
                                             "country": country}}
        return order | more

    def place(self, order, headers=None):
        """The order's id, from a 202."""
        answer = request("POST", self.stack.url("edge", "/api/orders"), order, headers)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json()["orderId"]

    def final(self, order_id, deadline_s=20):
        """The order once it is COMPLETED or CANCELLED."""
        def read():
            order = request("GET", self.stack.url("edge", f"/api/orders/{order_id}")).json()
            return order if order["status"] in ("COMPLETED", "CANCELLED") else None
        order = eventually(deadline_s, read)
        self.assertIsNotNone(order, f"order {order_id} is not final")
        return order

    def timeline(self, order_id, last, deadline_s=10):
        """The order's timeline as soon as it holds `last`."""
        def read():
            answer = request("GET", self.stack.url("edge", f"/api/orders/{order_id}/timeline"))
            if answer.status != 200:
                return None
            events = answer.json()["events"]
            return answer.json() if any(event["type"] == last for event in events) else None
        timeline = eventually(deadline_s, read)
        self.assertIsNotNone(timeline, f"the timeline of {order_id} has no {last}")
        return timeline

    def stock(self, product):
        """(free, reserved, sold)"""
        row = request("GET", self.stack.url("edge", f"/api/products/{product}")).json()
        return row["stock"], row["reserved"], row["sold"]

    def events_of(self, order_id):
        """Types of the order's events in each service's ledger, in its order."""
        found = {}
        for database in ("orders", "inventory", "payments", "shipping"):
            rows = self.stack.audit(database, "SELECT type FROM audit_v1_outbox"
                                    f" WHERE order_id = '{order_id}' ORDER BY seq")
            found[database] = [row["type"].split(".")[0] for row in rows]
        return found

    def charges(self, order_id):
        """What the gateway did for the order: ["charge", "refund"]."""
        return [line["kind"] for line in self.stack.ledger().get(f"charge:{order_id}", [])]
