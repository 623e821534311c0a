"""The mixed load: what the stack needs for it, and how each kind of order is to end.

bench-load --mix mixed (load_mix.cpp) chooses the kinds: a tenth of the orders fails, of all kinds evenly. Of all
charges 5 % are answered late or never: half of these by the token tok_charge_then_timeout, half by the sandbox's
faults, which strike anybody.
"""

import contextlib
import json
import urllib.error
import urllib.request

from stack import fetch

# 2.5 % of the charges, as many as bench-load's tokens; far too late is soon enough for payment's 3 s, and a request
# that waits for it costs the sandbox memory.
FAULTS = {"lateRate": 0.0125, "neverRate": 0.0125, "slowMs": 10_000}

SOLD_OUT = "ITEM-SOLD-OUT"

# kind → (state, reason) of each way to end.
ENDS = {
    "clean": {("COMPLETED", "")},
    "late-charge": {("COMPLETED", "")},
    "sold-out": {("CANCELLED", "OUT_OF_STOCK")},
    "unknown-product": {("CANCELLED", "UNKNOWN_PRODUCT")},
    "price-mismatch": {("CANCELLED", "PRICE_MISMATCH")},
    "declined": {("CANCELLED", "CARD_DECLINED")},
    "unknown-token": {("CANCELLED", "CARD_TOKEN_UNKNOWN")},
    "carrier-refused": {("CANCELLED", "CARRIER_REFUSED")},
    "storage-full": {("CANCELLED", "STORAGE_FULL")},
    "cancelled": {("CANCELLED", "CUSTOMER"), ("COMPLETED", "")},  # whoever comes first
}


@contextlib.contextmanager
def prepared(stack, mix):
    """Faults on, a product without a piece, no room in the warehouse; afterwards as it was."""
    if mix == "clean":
        yield
        return
    put(f"{stack.env['INVENTORY_URL']}/api/products/{SOLD_OUT}", {"name": "Sold out", "price": 1500, "stock": 0},
        {"If-None-Match": "*"})
    faults_url = f"http://127.0.0.1:{stack.env['GATEWAY_PORT']}/v1/faults"
    faults = json.loads(fetch(faults_url))
    capacity = stack.query("SELECT capacity FROM shipping.storage", "shipping")[0][0]
    try:
        put(faults_url, faults | FAULTS)
        stack.query("UPDATE shipping.storage SET capacity = 0", "shipping")
        yield
    finally:
        stack.query(f"UPDATE shipping.storage SET capacity = {capacity}", "shipping")
        put(faults_url, faults)


def put(url, body, headers=None):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="PUT",
                                     headers={"Content-Type": "application/json"} | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5):
            pass
    except urllib.error.HTTPError as error:
        if error.code != 412:  # the product is there, from another run
            raise
