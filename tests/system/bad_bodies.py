"""Bodies that are no order and no offer: what is sent, with the exact status, problem type and pointer of the answer.

A row: (name, bytes, status, problem type, JSON Pointer or None). `rows(good, number, text)` makes them from a valid
document, in which it puts something else for one of its numbers or texts.
"""

import json

SYNTAX, LIMITS, NUMBER = (400, "json-syntax"), (400, "json-limits"), (400, "json-number")
TWICE, UNKNOWN, INVALID = (400, "json-duplicate-key"), (400, "unknown-field"), (422, "validation")


def syntax_rows(good, text):
    """Not JSON at all."""
    as_text = good.encode()
    return [
        ("half a body", as_text[:-1], *SYNTAX, None),
        ("something behind it", as_text + b"x", *SYNTAX, None),
        ("two documents", as_text + as_text, *SYNTAX, None),
        ("NUL behind it", as_text + b"\0", *SYNTAX, None),
        ("a byte order mark", b"\xef\xbb\xbf" + as_text, *SYNTAX, None),
        ("UTF-16", good.encode("utf-16"), *SYNTAX, None),
        ("a comment", as_text.replace(b"{", b"{/* x */", 1), *SYNTAX, None),
        ("a comma too many", as_text[:-1] + b",}", *SYNTAX, None),
        ("single quotes", as_text.replace(b'"', b"'"), *SYNTAX, None),
        ("only a blank", b" ", *SYNTAX, None),
        ("a form instead", b"customerId=1&items=2", *SYNTAX, None),
        ("an invalid byte", as_text.replace(text, b"\xff"), *SYNTAX, None),
        ("an overlong slash", as_text.replace(text, b"\xc0\xaf"), *SYNTAX, None),
        ("half a character", as_text.replace(text, b"\xf0\x9f\x98"), *SYNTAX, None),
        ("a surrogate in UTF-8", as_text.replace(text, b"\xed\xa0\x80"), *SYNTAX, None),
        ("beyond Unicode", as_text.replace(text, b"\xf5\x80\x80\x80"), *SYNTAX, None),
        ("a lone high surrogate", as_text.replace(text, rb"\ud800"), *SYNTAX, None),
        ("a lone low surrogate", as_text.replace(text, rb"\udc00"), *SYNTAX, None),
        ("surrogates the wrong way round", as_text.replace(text, rb"\udc00\ud800"), *SYNTAX, None),
        ("a tab in a string", as_text.replace(text, b"a\tb"), *SYNTAX, None),
        ("a NUL byte in a string", as_text.replace(text, b"a\0b"), *SYNTAX, None),
        ("an escape that is none", as_text.replace(text, rb"\x41"), *SYNTAX, None),
        ("an escape cut off", as_text.replace(text, rb"\u12"), *SYNTAX, None),
    ]


def number_rows(good, number, pointer):
    def but(value):
        return good.replace(number, value).encode()

    return [
        ("NaN", but("NaN"), *SYNTAX, None),
        ("Infinity", but("Infinity"), *SYNTAX, None),
        ("a leading zero", but("01500"), *SYNTAX, None),
        ("a plus", but("+1500"), *SYNTAX, None),
        ("hexadecimal", but("0x5dc"), *SYNTAX, None),
        ("no digit behind the point", but("1500."), *SYNTAX, None),
        ("a fraction", but("1500.5"), *NUMBER, pointer),
        ("a whole number as a fraction", but("1500.0"), *NUMBER, pointer),
        ("an exponent", but("15e2"), *NUMBER, pointer),
        ("minus zero", but("-0"), *NUMBER, pointer),
        ("beyond 64 bits", but("9223372036854775808"), *NUMBER, pointer),
        ("21 digits", but("1" * 21), *NUMBER, pointer),
        ("4,000 digits", but("1" * 4000), *NUMBER, None),
        ("an exponent that wraps around", but("0.0000000000e-2147483639"), *NUMBER, pointer),
        ("an exponent beyond everything", but("1e999999999999"), *NUMBER, None),
        ("a negative price", but("-1"), *INVALID, pointer),
        ("too high a price", but("1000000000001"), *INVALID, pointer),
        ("the highest 64-bit integer", but("9223372036854775807"), *INVALID, pointer),
        ("a price as text", but('"1500"'), *INVALID, pointer),
        ("a price as null", but("null"), *INVALID, pointer),
        ("a price as a list", but("[1500]"), *INVALID, pointer),
    ]


def shape_rows(good, text, pointer):
    """JSON, and not what is meant."""
    deep = "[" * 17 + "]" * 17
    return [
        ("null", b"null", *INVALID, None),
        ("true", b"true", *INVALID, None),
        ("a number", b"42", *INVALID, None),
        ("text", b'"order"', *INVALID, None),
        ("a list", b"[]", *INVALID, None),
        ("the list that broke RapidJSON 1.1.0", b"[0.0000000000e-2147483639]", *INVALID, None),
        ("nested 17 deep", good.replace(text, deep).encode(), *LIMITS, None),
        ("nested 30,000 deep", b"[" * 30_000 + b"]" * 30_000, *LIMITS, None),
        ("nested 60,000 deep and cut off", b'{"a":' * 12_000, *LIMITS, None),
        ("30,000 values", b"[" + b"0," * 30_000 + b"0]", *LIMITS, None),
        ("a member twice", ('{"name":"a",' + good[1:]).encode() if good.startswith('{"name"')
         else ('{"customerId":"a",' + good[1:]).encode(), *TWICE, None),
        ("an unknown member", (good[:-1] + ',"discount":5}').encode(), *UNKNOWN, None),
        ("an unknown member with a strange number", (good[:-1] + ',"x":1e999}').encode(), *NUMBER, None),
        ("__proto__", (good[:-1] + ',"__proto__":{}}').encode(), *UNKNOWN, None),
        ("U+0000 in a text", good.replace(text, r'"a\u0000b"').encode(), *INVALID, pointer),
        ("a name of 201 characters", good.replace(text, json.dumps("é" * 201)).encode(), *INVALID, pointer),
        ("a name of 4,097 characters", good.replace(text, json.dumps("x" * 4097)).encode(), *INVALID, pointer),
        ("no name", good.replace(text, '""').encode(), *INVALID, pointer),
        ("a name that is a number", good.replace(text, "7").encode(), *INVALID, pointer),
    ]


ORDER = '{"customerId":"CUST-1","items":[{"productId":"ITEM-1","name":"Laptop","price":1500,"quantity":1}]}'
OFFER = '{"name":"Laptop","price":1500,"stock":5}'


def order_rows():
    """What only an order can get wrong."""
    good = json.loads(ORDER)
    line = good["items"][0]
    to = {"recipient": "x", "address": {"line1": "a", "city": "b", "postalCode": "c", "country": "KR"}}
    for name, change, pointer in (
            ("no customer", {"customerId": None}, "/customerId"),
            ("an empty customer", {"customerId": ""}, "/customerId"),
            ("a long customer", {"customerId": "x" * 65}, "/customerId"), ("no lines", {"items": []}, "/items"),
            ("101 lines", {"items": [line] * 101}, "/items"), ("lines that are none", {"items": {}}, "/items"),
            ("a line that is none", {"items": [1]}, "/items/0"),
            ("nothing of it", {"items": [line | {"quantity": 0}]}, "/items/0/quantity"),
            ("less than nothing", {"items": [line | {"quantity": -1}]}, "/items/0/quantity"),
            ("101 pieces", {"items": [line | {"quantity": 101}]}, "/items/0/quantity"),
            ("the second line", {"items": [line, line | {"price": -1}]}, "/items/1/price"),
            ("nothing to pay", {"items": [line | {"price": 0}, line | {"price": 0}]}, "/items"),
            ("a product with a long id", {"items": [line | {"productId": "x" * 65}]}, "/items/0/productId"),
            ("a currency in small letters", {"currency": "krw"}, "/currency"),
            ("a currency of two letters", {"currency": "KR"}, "/currency"),
            ("cash", {"payment": {"method": "cash", "token": "x"}}, "/payment/method"),
            ("no token", {"payment": {"method": "card", "token": ""}}, "/payment/token"),
            ("a country in small letters", {"shipment": to | {"address": to["address"] | {"country": "kr"}}},
             "/shipment/address/country"),
            ("no address", {"shipment": {"recipient": "x"}}, "/shipment/address"),
            ("storage by word", {"warehouseStorage": "yes"}, "/warehouseStorage")):
        changed = {key: value for key, value in (good | change).items() if value is not None}
        yield name, json.dumps(changed).encode(), *INVALID, pointer
    yield "501 lines that are none", json.dumps(good | {"items": [0] * 501}).encode(), *INVALID, None
    yield "20,000 lines", json.dumps(good | {"items": [0] * 20_000}).encode(), *LIMITS, None


def member_rows():
    """Members of an order that stand twice, are nobody's, are of another type, or missing: however deep."""
    good = json.loads(ORDER)
    line, card = good["items"][0], {"method": "card", "token": "tok_ok"}
    address = {"line1": "a", "city": "b", "postalCode": "c", "country": "KR"}
    to = {"recipient": "x", "address": address}
    for name, text, pointer in (
            ("twice in a line", ORDER.replace('"name"', '"name":"a","name"'), "/items/0/name"),
            ("twice, the same", ORDER.replace('"quantity":1', '"quantity":1,"quantity":1'), "/items/0/quantity"),
            ("twice, once escaped", ORDER.replace("{", r'{"customer\u0049d":"a",', 1), "/customerId")):
        yield name, text.encode(), *TWICE, pointer
    for name, change, pointer in (
            ("unknown in a line", {"items": [line | {"x": 1}]}, "/items/0"),
            ("unknown in a payment", {"payment": card | {"x": 1}}, "/payment"),
            ("unknown in a shipment", {"shipment": to | {"x": 1}}, "/shipment"),
            ("unknown in an address", {"shipment": to | {"address": address | {"x": 1}}}, "/shipment/address"),
            ("an id of the client's", {"orderId": "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"}, None),
            ("a status of the client's", {"status": "COMPLETED"}, None),
            ("a total of the client's", {"total": 1}, None),
            ("501 unknown members", {f"m{i}": i for i in range(501)}, None),
            ("a member in other letters", {"customerID": "x"}, None), ("a member without a name", {"": 1}, None)):
        yield name, json.dumps(good | change).encode(), *UNKNOWN, pointer
    for name, change, pointer in (
            ("lines that are null", {"items": None}, "/items"),
            ("a customer as a number", {"customerId": 7}, "/customerId"),
            ("a payment that is null", {"payment": None}, "/payment"),
            ("a payment by word", {"payment": "x"}, "/payment"),
            ("a shipment that is a list", {"shipment": []}, "/shipment"),
            ("pieces as text", {"items": [line | {"quantity": "1"}]}, "/items/0/quantity"),
            ("pieces as true", {"items": [line | {"quantity": True}]}, "/items/0/quantity"),
            ("a line without a price", {"items": [{"productId": "x", "name": "x", "quantity": 1}]}, "/items/0/price"),
            ("storage as a number", {"warehouseStorage": 1}, "/warehouseStorage"),
            ("a currency as a number", {"currency": 410}, "/currency"),
            ("a long token", {"payment": card | {"token": "x" * 65}}, "/payment/token"),
            ("a long street", {"shipment": to | {"address": address | {"line1": "x" * 201}}},
             "/shipment/address/line1"),
            ("U+0000 in a customer", {"customerId": "a\0b"}, "/customerId"),
            ("U+0000 in a product", {"items": [line | {"productId": "a\0b"}]}, "/items/0/productId"),
            ("U+0000 in a token", {"payment": card | {"token": "a\0b"}}, "/payment/token")):
        yield name, json.dumps(good | change).encode(), *INVALID, pointer
    yield "501 lines", json.dumps(good | {"items": [line] * 501}).encode(), *LIMITS, "/items"


ROWS = {
    "/api/orders": ("POST", syntax_rows(ORDER, b"Laptop") + number_rows(ORDER, "1500", "/items/0/price")
                    + shape_rows(ORDER, '"Laptop"', "/items/0/name") + list(order_rows()) + list(member_rows())),
    "/api/products/ITEM-BAD": ("PUT", syntax_rows(OFFER, b"Laptop") + number_rows(OFFER, "1500", "/price")
                               + shape_rows(OFFER, '"Laptop"', "/name")
                               + [("no stock", b'{"name":"x","price":1}', 422, "stock-required", "/stock"),
                                  ("negative stock", b'{"name":"x","price":1,"stock":-1}', *INVALID, "/stock")]),
}
