"""Every figure of GET /api/analytics once more, from the topics' beginning and nothing else."""

import datetime
import json
import math

from records import TopicReader

PRODUCERS = ("order", "inventory", "payment", "shipping")
ENDS = ("OrderCompleted", "OrderCancelled")
STEPS = {"reserve": ("OrderPlaced", "StockReserved"), "charge": ("StockReserved", "PaymentCaptured"),
         "ship": ("PaymentCaptured", "ShipmentScheduled"), "complete": ("ShipmentScheduled", "OrderCompleted")}
REASONS = ("OUT_OF_STOCK", "UNKNOWN_PRODUCT", "PRICE_MISMATCH", "CARD_DECLINED", "CARD_TOKEN_UNKNOWN", "CARRIER_REFUSED",
           "STORAGE_FULL", "CUSTOMER", "DEADLINE")
LONGEST_US = 10 * 86_400 * 1_000_000
MINUTE_US = 60 * 1_000_000


def micros(text):
    """Of an RFC 3339 time, since 1970."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((moment - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) / datetime.timedelta(microseconds=1))


def minute_of(time_us):
    return time_us // MINUTE_US * MINUTE_US


def took(start, end):
    return min(max(end - start, 0), LONGEST_US)


class Topics:
    """The orders' events as the topics hold them: {order id: {event type: (time, data)}}, the first of each type."""

    def __init__(self, stack):
        self.stack = stack
        self.readers = {}
        for producer in PRODUCERS:
            reader = TopicReader(stack.env, f"{producer}-events", from_beginning=True)
            self.readers[reader.topic] = reader
        self.orders = {}
        self.taken = dict.fromkeys(self.readers, 0)

    def read(self):
        """What has come since the last time. Records that analytics gave up count for nothing."""
        dead = {(row["topic"], row["partition"], row["offset"]) for row in self.stack.audit(
            "analytics", 'SELECT topic, partition, "offset" FROM audit_v1_parked')}
        for topic, reader in self.readers.items():
            for partition, offset, _, value, headers in reader.read()[self.taken[topic]:]:
                if (topic, partition, offset) not in dead:
                    self.take(value, headers)
            self.taken[topic] = len(reader.records)
        return self

    def take(self, value, headers):
        kind, _, version = headers.get(b"ce_type", b"").decode(errors="replace").partition(".")
        if version != "v1" or kind == "StockAdjusted":
            return
        data = json.loads(value)
        if "orderId" not in data:
            return
        if kind == "NothingToCompensate":
            kind += "." + data["participant"]
        events = self.orders.setdefault(data["orderId"], {})
        events.setdefault(kind, (micros(headers[b"ce_time"].decode()), data))


def bucket_of(us):
    """The begin and the width of the bucket in which a duration is counted: an eighth of a power of two."""
    width = 8
    while us >= 16 * width:
        width *= 2
    return us // width * width, width


def percentile_ms(durations, q):
    counts = {}
    for us in durations:
        bucket = bucket_of(us)
        counts[bucket] = counts.get(bucket, 0) + 1
    rank, below = q * len(durations), 0
    for (begin, width), n in sorted(counts.items()):
        if below + n >= rank:
            return math.floor(begin + (rank - below) / n * width + 0.5) / 1000
        below += n
    return 0.0


def figures(orders, now_us):
    """The body of GET /api/analytics for these events at that time."""
    placed = [events for events in orders.values() if "OrderPlaced" in events]
    completed = [events["OrderCompleted"] for events in orders.values() if "OrderCompleted" in events]
    cancelled = [events["OrderCancelled"] for events in orders.values() if "OrderCancelled" in events]
    by_reason = {reason: sum(data["reason"] == reason for _, data in cancelled) for reason in REASONS}
    revenue = {}
    for _, data in completed:
        revenue[data["currency"]] = revenue.get(data["currency"], 0) + data["total"]
    ended = len(completed) + len(cancelled)
    return {"orders": {"count": len(placed), "completed": len(completed), "cancelled": len(cancelled),
                       "open": sum(not any(end in events for end in ENDS) for events in placed),
                       "revenue": revenue.get("KRW", 0), "revenueByCurrency": revenue, "byReason": by_reason},
            "users": users(placed, now_us),
            "performance": {"avgResponseTime": average_response_ms(placed, now_us),
                            "errorRate": by_reason["DEADLINE"] / ended if ended else 0.0,
                            "steps": steps(orders, now_us)}}


def users(placed, now_us):
    times = {}
    for events in placed:
        time, data = events["OrderPlaced"]
        times.setdefault(data["order"]["customerId"], []).append(time)
    day_ago = now_us - 86_400 * 1_000_000
    return {"active": sum(minute_of(max(of)) >= minute_of(day_ago) for of in times.values()),
            "new": sum(minute_of(min(of)) >= minute_of(day_ago) for of in times.values())}


def window(now_us):
    return minute_of(now_us) - 5 * MINUTE_US


def average_response_ms(placed, now_us):
    responses = []
    for events in placed:
        end = next((events[end][0] for end in ENDS if end in events), None)
        if end is not None and minute_of(end) >= window(now_us):
            responses.append(took(events["OrderPlaced"][0], end))
    return math.floor(sum(responses) / len(responses) + 0.5) / 1000 if responses else 0.0


def steps(orders, now_us):
    found = {}
    for step, (first, last) in STEPS.items():
        durations = [took(events[first][0], events[last][0]) for events in orders.values()
                     if first in events and last in events and minute_of(events[last][0]) >= window(now_us)]
        found[step] = {"p50": percentile_ms(durations, 0.5), "p99": percentile_ms(durations, 0.99)}
    return found
