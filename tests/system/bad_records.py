"""Records that are not as the catalog says, and what becomes of each: the table of bad_records_test.py.

A row: (name, outcome, change). The outcome is the code of the dead letter's error, or SKIPPED (read, counted, left), or
HANDLED (as if nothing were wrong with it). `change` makes the row's record out of a good one.
"""

import dataclasses
import datetime
import json
import uuid

SKIPPED, HANDLED = "skipped", "handled"


@dataclasses.dataclass
class Record:
    """What stands in a topic. Headers are a list: a name may stand twice."""
    key: bytes
    data: dict
    headers: list
    value: bytes = None  # the data, if None
    null: bool = False

    def bytes(self):
        if self.null:
            return None
        return json.dumps(self.data).encode() if self.value is None else self.value

    def header(self, name, value):
        self.headers = [(key, value if key == name else old) for key, old in self.headers]

    def without(self, name):
        self.headers = [(key, value) for key, value in self.headers if key != name]


def record(event, source, data, key):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    headers = [(b"ce_specversion", b"1.0"), (b"ce_id", str(uuid.uuid4()).encode()), (b"ce_type", event.encode()),
               (b"ce_source", source.encode()), (b"ce_subject", key), (b"ce_time", now.encode()),
               (b"content-type", b"application/json")]
    return Record(key, data, headers)


def change(**members):
    def apply(row):
        for name, value in members.items():
            setattr(row, name, value)
    return apply


def header(name, value):
    return lambda row: row.header(name.encode(), value)


def without(name):
    return lambda row: row.without(name.encode())


def more(*headers):
    return lambda row: row.headers.extend(headers)


def data(path, value):
    """Puts `value` at a path of the data; None takes it away."""
    def apply(row):
        row.data = json.loads(json.dumps(row.data))
        at = row.data
        *way, last = path
        for step in way:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return apply


def text(old, new):
    """In the JSON as it stands on the wire."""
    def apply(row):
        before = json.dumps(row.data)
        assert old in before
        row.value = before.replace(old, new).encode()
    return apply


ENVELOPE = [
    ("no value (a tombstone)", "empty", change(null=True)),
    ("an empty value", "empty", change(value=b"")),
    ("no key", "key-mismatch", change(key=None)),
    ("an empty key", "key-mismatch", change(key=b"")),
    ("another order's key", "key-mismatch", change(key=str(uuid.uuid4()).encode())),
    ("the key in capitals", "key-mismatch", lambda row: setattr(row, "key", row.key.upper())),
    ("no ce_id", "envelope", without("ce_id")),
    ("an empty ce_id", "envelope", header("ce_id", b"")),
    ("a ce_id that is no UUID", "envelope", header("ce_id", b"42")),
    ("a ce_id in capitals", "envelope", lambda row: row.header(b"ce_id", str(uuid.uuid4()).upper().encode())),
    ("no ce_time", "envelope", without("ce_time")),
    ("a local ce_time", "envelope", header("ce_time", b"2026-01-02T03:04:05+09:00")),
    ("a ce_time on no day", "envelope", header("ce_time", b"2026-02-30T03:04:05Z")),
    ("a ce_time in seconds", "envelope", header("ce_time", b"1700000000")),
    ("no ce_specversion", "envelope", without("ce_specversion")),
    ("CloudEvents 0.3", "envelope", header("ce_specversion", b"0.3")),
    ("no content type", "envelope", without("content-type")),
    ("another content type", "envelope", header("content-type", b"application/avro")),
    ("no ce_type", "envelope", without("ce_type")),
    ("an empty ce_type", "envelope", header("ce_type", b"")),
    ("65 headers", "envelope", more(*((b"h%d" % i, b"x") for i in range(58)))),
    ("10,000 headers", "envelope", more(*((b"h", b"x") for _ in range(10_000)))),
    ("a header of 200 KiB", "envelope", more((b"h", b"x" * 200 * 1024))),
    ("an unknown type", SKIPPED, header("ce_type", b"OrderShredded.v1")),
    ("a type without a version", SKIPPED, header("ce_type", b"OrderShredded")),
    ("a type in binary", SKIPPED, header("ce_type", b"\0\xff\xfe")),
]

DATA = [
    ("half a value", "json-syntax", change(value=b'{"orderId":')),
    ("bytes", "json-syntax", change(value=b"\xff\xfe\0\x01")),
    ("a byte order mark", "json-syntax", lambda row: setattr(row, "value", b"\xef\xbb\xbf" + row.bytes())),
    ("nested too deep", "json-limits", change(value=b"[" * 5_000 + b"]" * 5_000)),
    ("an array", "validation", change(value=b"[]")),
    ("null", "validation", change(value=b"null")),
    ("no data", "validation", change(value=b"{}")),
    ("no order id", "validation", data(["orderId"], None)),
    ("an order id in capitals", "validation", lambda row: data(["orderId"], row.data["orderId"].upper())(row)),
]

ORDER = [  # of events that carry the order
    ("a member twice", "json-duplicate-key", text('"currency":', '"currency": "EUR", "currency":')),
    ("a fraction", "json-number", text('"total": 1500', '"total": 1500.5')),
    ("a number beyond 64 bits", "json-number", text('"total": 1500', '"total": 15000000000000000000')),
    ("the exponent that broke RapidJSON 1.1.0", "json-number",
     text('"total": 1500', '"total": 0.0000000000e-2147483639')),
    ("a lone surrogate", "json-syntax", text("Laptop", r"\udc00")),
    ("U+0000", "validation", text("Laptop", r"a\u0000b")),
    ("no currency", "validation", data(["order", "currency"], None)),
    ("a negative total", "validation", data(["order", "total"], -1)),
    ("no lines", "validation", data(["order", "items"], [])),
    ("a payment method that is none", "validation", data(["order", "payment", "method"], "cash")),
    ("a total that is not its lines'", "business", data(["order", "total"], 1501)),
]

CAPTURED = [  # PaymentCaptured
    ("an amount that is not the order's", "business", data(["amount"], 1499)),
    ("a negative amount", "validation", data(["amount"], -1500)),
    ("another currency than the order's", "business", data(["currency"], "EUR")),
]

FINE = [  # what is odd and yet fine
    ("a member that nobody knows", HANDLED, data(["colour"], "red")),
    ("headers that nobody knows", HANDLED, more((b"x", b"\0\xff"), (b"", b""))),
    ("a ce_time of 1970", HANDLED, header("ce_time", b"1970-01-01T00:00:00Z")),
    ("a ce_time in the future", HANDLED, header("ce_time", b"2099-01-01T00:00:00Z")),
    ("no ce_subject", HANDLED, without("ce_subject")),
    ("a traceparent that is none", HANDLED, more((b"traceparent", b"xyz"))),
]
