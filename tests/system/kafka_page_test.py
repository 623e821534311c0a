"""The routes behind the page /kafka: what they say is what Kafka's own client says, and nobody's name is in it."""

import concurrent.futures
import json
import time
import unittest
import uuid

import bad_records
from processes import frozen
from records import ends, produce
from stack import SERVICES, SystemTest, eventually, request

import kafka_clients  # from tests/support, where `records` has put its folder

PATIENCE_S = 15  # 5 s at most, and a busy machine


class KafkaTest(SystemTest):
    def get(self, path, part="edge", **query):
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return request("GET", self.stack.url(part, f"/api/kafka/{path}" + (f"?{words}" if words else "")))

    def ask(self, path, **query):
        answer = self.get(path, **query)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def group(self, service):
        return next(group for group in self.ask("groups")["groups"] if group["service"] == service)

    def of_order(self, topic, order_id):
        """(the answer with it, the record), newest first, wherever it lies"""
        for partition in ends(self.stack.env, topic):
            answer = self.ask("records", topic=topic, partition=partition, limit=100)
            for record in answer["records"]:
                if record.get("key") == order_id:
                    return answer, record
        raise AssertionError(f"{topic}: no record of {order_id}")

    def foreign_record(self, value, headers, key=b"kim@example.com"):
        """Lays it on the topic; its partition and offset."""
        return 0, produce(self.stack.env, "order-events", 0, key, value, headers)


class Topics(KafkaTest):
    def test_ends_are_those_that_kafka_says(self):
        """Between what Kafka said just before and just after: earlier tests may have left work that still goes on."""
        self.final(self.place(self.order(self.product())))
        known = kafka_clients.topics(self.stack.env)
        before = {name: ends(self.stack.env, name) for name in known}
        time.sleep(1)  # older answers are shared until then
        shown = self.ask("topics")["topics"]
        after = {name: ends(self.stack.env, name) for name in known}
        self.assertEqual(len(shown), 9)
        for topic in shown:
            name = topic["topic"]
            self.assertEqual({at["partition"]: at["replicas"] for at in topic["partitions"]}, known[name])
            for at in topic["partitions"]:
                self.assertEqual(at["inSync"], at["replicas"])
                self.assertIn("leader", at)
                self.assertLessEqual(at["begin"], at["end"])
                self.assertLessEqual(before[name][at["partition"]], at["end"], name)
                self.assertLessEqual(at["end"], after[name][at["partition"]], name)
        self.assertGreater(sum(at["end"] for topic in shown for at in topic["partitions"]), 0)

    def test_nothing_but_reading(self):
        for path in ("topics", "groups", "records?topic=order-events&partition=0"):
            for method in ("POST", "PUT", "DELETE"):
                answer = request(method, self.stack.url("analytics", f"/api/kafka/{path}"), {})
                self.assertEqual(answer.status, 405, answer.body)


class Groups(KafkaTest):
    def test_lag_grows_while_nobody_reads_and_goes(self):
        self.final(self.place(self.order(self.product())))
        quiet = lambda: (found := self.group("shipping-service"))["lag"] == 0 and found["members"] and found
        before = eventually(20, quiet, 0.5)
        self.assertTrue(before)
        self.assertEqual(before["idle"], 0)
        self.assertEqual({at["topic"] for at in before["partitions"]}, {"order-events", "payment-events"})
        members = {member["id"]: member["partitions"] for member in before["members"]}
        owned = [at["owner"] for at in before["partitions"]]
        self.assertEqual({owner: owned.count(owner) for owner in owned}, members)
        self.stack.stop("shipping")
        self.addCleanup(self.stack.restart)
        orders = [self.place(self.order(self.product())) for _ in range(3)]

        def left_behind():
            found = self.group("shipping-service")
            return found if not found["members"] and found["lag"] >= 2 * len(orders) else None
        after = eventually(20, left_behind, 0.5)
        self.assertTrue(after, self.group("shipping-service"))
        self.assertEqual([at for at in after["partitions"] if "owner" in at], [])
        for at in after["partitions"]:
            known = kafka_clients.committed(self.stack.env, after["group"], at["topic"], [at["partition"]])
            self.assertEqual(at.get("committed", -1), known[at["partition"]])
            self.assertEqual(at["lag"], at["end"] - at.get("committed", 0))
        self.stack.restart()
        for order in orders:
            self.final(order, 40)
        self.assertTrue(eventually(20, quiet, 0.5), self.group("shipping-service"))

    def test_every_service_has_its_group_and_looking_makes_none(self):
        self.ask("records", topic="order-events", partition=0)
        groups = self.ask("groups")["groups"]
        self.assertEqual([group["service"] for group in groups], [f"{service}-service" for service in SERVICES])
        self.assertEqual([group for group in groups if "trouble" in group], [])
        own = next(group for group in groups if group["service"] == "analytics-service")
        self.assertEqual({member["clientId"] for member in own["members"]}, {"analytics-service"})


class Records(KafkaTest):
    def test_nothing_of_a_person_is_in_an_order_s_events(self):
        mark = uuid.uuid4().hex[:12]
        self.customer = f"CUST-{mark}"
        shipment = {"recipient": f"Kim {mark}", "address": {
            "line1": f"{mark} Sejong-daero", "city": f"Seoul {mark}", "postalCode": f"P-{mark}", "country": "KR"}}
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        order_id = self.place(self.order(self.product(), shipment=shipment), {"traceparent": trace})
        self.final(order_id)
        seen = set()
        for topic in ("order-events", "inventory-events", "payment-events", "shipping-events"):
            answer, record = self.of_order(topic, order_id)
            self.assertNotIn(mark, json.dumps(answer), topic)
            self.assertEqual(record["value"]["orderId"], order_id)
            offsets = [one["offset"] for one in answer["records"]]
            self.assertEqual(offsets, sorted(offsets, reverse=True))
            headers = {header["name"]: header["value"] for header in record["headers"]}
            self.assertEqual(headers["ce_subject"], order_id)
            self.assertEqual(headers["traceparent"][:35], trace[:35])
            seen |= {header["name"] for header in record["headers"]}
            order = record["value"].get("order")
            if order:
                self.assertEqual({order["customerId"], order["payment"]["token"], order["shipment"]["recipient"],
                                  *(order["shipment"]["address"][part] for part in ("line1", "city", "postalCode"))},
                                 {"•••"})
                self.assertEqual((order["total"], order["items"][0]["name"]), (1500, "Laptop"))
        self.assertLessEqual({"ce_id", "ce_type", "ce_source", "ce_time"}, seen)

    def test_a_partition_is_read_to_its_begin_page_by_page(self):
        for _ in range(3):
            self.final(self.place(self.order(self.product())))
        topic = "order-events"
        partition, end = max(ends(self.stack.env, topic).items(), key=lambda pair: pair[1])
        answer, found = self.ask("records", topic=topic, partition=partition, limit=3), []
        while True:
            self.assertLessEqual(len(answer["records"]), 3)
            found += [record["offset"] for record in answer["records"]]
            if answer["from"] == answer["begin"] or len(found) > 30:
                break
            answer = self.ask("records", topic=topic, partition=partition, limit=3, before=answer["from"])
        self.assertGreaterEqual(found[0], end - 1)
        self.assertEqual(found, sorted(found, reverse=True))
        self.assertEqual(len(found), len(set(found)))

    def test_foreign_bytes_are_not_shown(self):
        mark = uuid.uuid4().hex[:12]
        good = bad_records.record("OrderCompleted.v9", "/order-service", {"customerId": mark}, b"x")
        for name, value, headers in (
                ("no event", b"\xff\x00 " + mark.encode(), [(b"x-" + mark[:4].encode(), mark.encode())]),
                ("no version that is known", good.bytes(), [*good.headers, (b"note", mark.encode())]),
                ("none at all", None, [])):
            with self.subTest(name):
                partition, offset = self.foreign_record(value, headers, mark.encode())
                answer = self.ask("records", topic="order-events", partition=partition, before=offset + 1, limit=1)
                record, = answer["records"]
                self.assertNotIn(mark, json.dumps(answer))
                self.assertNotIn("value", record)
                self.assertEqual((record["offset"], record["key"], record["bytes"]),
                                 (offset, "•••", len(value or b"")))
                self.assertLessEqual({header["value"] for header in record["headers"]}, {"•••"})

    def test_the_dead_letter_says_where_it_lies_and_not_what_it_holds(self):
        mark, order_id = uuid.uuid4().hex[:12], str(uuid.uuid4())
        dead = bad_records.record("OrderPlaced.v1", "/order-service", {"customerId": mark}, order_id.encode())
        topic = "dead-letter-queue"
        offset = produce(self.stack.env, "order-events", 0, order_id.encode(), dead.bytes(), dead.headers)

        def announced():
            for partition in ends(self.stack.env, topic):
                answer = self.ask("records", topic=topic, partition=partition, limit=100)
                self.assertNotIn(mark, json.dumps(answer))
                for record in answer["records"]:
                    at = record.get("value", {}).get("originalMessage", {})
                    if (at.get("topic"), at.get("partition"), at.get("offset")) == ("order-events", 0, offset):
                        return record
            return None
        record = eventually(20, announced, 0.3)
        self.assertTrue(record)
        self.assertEqual((record["value"]["error"], record["value"]["originalMessage"]["value"]), ("•••", "•••"))

    def test_what_cannot_be_asked_for(self):
        good = {"topic": "order-events", "partition": 0}
        for changed in ({"partition": "-1"}, {"partition": "x"}, {"partition": ""}, {"partition": "2147483648"},
                        {"limit": 0}, {"limit": 101}, {"limit": "1e1"}, {"before": -1}, {"before": "x"}, {"offset": 1},
                        {"before": "9223372036854775808"}, {"topic": "%ff"}):
            with self.subTest(changed):
                answer = self.get("records", "analytics", **good | changed)
                self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/query"), answer.body)
        for missing in good:
            with self.subTest(missing=missing):
                answer = self.get("records", "analytics", **{name: good[name] for name in good if name != missing})
                self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/query"))
        for changed in ({"topic": "__consumer_offsets"}, {"topic": "nothing"}, {"topic": ""}, {"partition": 4000}):
            with self.subTest(changed):
                self.assertEqual(self.get("records", "analytics", **good | changed).status, 404)


class Away(KafkaTest):
    def test_a_kafka_that_is_frozen_holds_up_nothing_else(self):
        self.ask("topics")
        time.sleep(1)  # the answer is shared until then
        paths = ("topics", "groups", "records?topic=order-events&partition=0")
        with frozen(self.stack.pid("kafka")), concurrent.futures.ThreadPoolExecutor(60) as pool:
            asked = [pool.submit(self.timed, f"/api/kafka/{path}") for path in paths for _ in range(15)]
            while not all(one.done() for one in asked):
                answer, took_s = self.timed("/api/analytics")
                self.assertEqual(answer.status, 200)
                self.assertLess(took_s, 2)
            for answer, took_s in (one.result() for one in asked):
                self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/unavailable"), answer.body)
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
                self.assertNotRegex(answer.body, rb"Kafka|broker|127\.0")
                self.assertLess(took_s, PATIENCE_S)
        for path in paths:
            with self.subTest(path):
                there = lambda asked=path: self.timed(f"/api/kafka/{asked}")[0].status == 200
                self.assertTrue(eventually(20, there, 0.5))

    def timed(self, path):
        begun = time.monotonic()
        answer = request("GET", self.stack.url("analytics", path), timeout=20)
        return answer, time.monotonic() - begun


if __name__ == "__main__":
    unittest.main()
