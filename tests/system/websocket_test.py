"""Clients that watch orders over WebSockets hear each step once and in order, cut or not, wherever it is handled."""

import asyncio
import contextlib
import json
import random
import re
import sys
import threading
import time
import unittest
import uuid

import websockets

from processes import Instance, frozen, kill, settings
from stack import ROOT, Stack, SystemTest, eventually, request

sys.path.append(str(ROOT / "tests" / "support"))
import light_websocket  # pylint: disable=wrong-import-position

FINAL = ("ORDER_COMPLETED", "ORDER_CANCELLED")
COMPLETED = ["OrderPlaced", "StockReserved", "PaymentCaptured", "OrderCompleted"]
RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
PATIENCE_S = 30


def topic(order):
    return f"/topic/order/{order}"


class Client:
    """One socket of a well-kept library."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, origin):
        url = origin.replace("http", "ws", 1) + "/ws"
        async with websockets.connect(url, compression=None, open_timeout=PATIENCE_S) as socket:
            yield cls(socket)

    async def send(self, frame):
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self):
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_S))

    async def subscribe(self, order, **since):
        """The answer; frames follow."""
        await self.send({"subscribe": topic(order)} | since)
        return await self.receive()

    async def frames(self, count):
        return [await self.receive() for _ in range(count)]

    async def until_final(self):
        frames = []
        while not frames or frames[-1]["type"] not in FINAL:
            frames.append(await self.receive())
        return frames

    async def close_code(self):
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code


class WebSocketTest(SystemTest):
    def edge(self):
        return Client.to(self.stack.url("edge", ""))

    def watch(self, order):
        """(SUBSCRIBED, every frame) of an order from its beginning to its end."""
        async def run():
            async with self.edge() as client:
                return await client.subscribe(order), await client.until_final()
        return asyncio.run(run())

    def assert_numbered(self, frames, first=1):
        self.assertEqual([frame["seq"] for frame in frames], list(range(first, first + len(frames))), frames)

    def read(self, order):
        return request("GET", self.stack.url("edge", f"/api/orders/{order}")).json()


class Frames(WebSocketTest):
    def test_each_step_comes_once_whether_it_was_before_the_subscription_or_after(self):
        product = self.product()

        async def run():
            async with self.edge() as client:
                with frozen(self.stack.pid("payment")):
                    order = self.place(self.order(product))
                    reserved = eventually(10, lambda: self.read(order)["seq"] == 2)
                    self.assertTrue(reserved, "no stock was reserved")
                    subscribed = await client.subscribe(order)
                    before = await client.frames(2)
                return order, subscribed, before + await client.until_final()
        order, subscribed, frames = asyncio.run(run())
        self.assertEqual(subscribed, {"type": "SUBSCRIBED", "topic": topic(order), "seq": 2,
                                      "epoch": frames[0]["epoch"]})
        self.assert_numbered(frames)
        self.assertEqual([frame["step"] for frame in frames], COMPLETED)
        for frame in frames:
            self.assertEqual((frame["topic"], frame["orderId"]), (topic(order), order))
            self.assertEqual(frame["epoch"], subscribed["epoch"])
            self.assertRegex(frame["timestamp"], RFC_3339)
            self.assertTrue(frame["title"] and frame["message"], frame)
            self.assertEqual(frame["status"], "PROCESSING" if frame["seq"] < 4 else "COMPLETED")
        self.assertEqual([frame["service"] for frame in frames],
                         ["order-service", "inventory-service", "payment-service", "order-service"])
        last = frames[-1]
        self.assertEqual((last["type"], last["title"]), ("ORDER_COMPLETED", "🎉 주문 완료!"))
        self.assertEqual(last["message"], "주문 및 결제가 성공적으로 완료되었습니다!")
        polled = self.final(order)
        self.assertEqual((polled["status"], polled["seq"], polled["epoch"]), ("COMPLETED", 4, last["epoch"]))
        shipment = request("GET", self.stack.url("edge", f"/api/shipments/{order}")).json()
        self.assertEqual(last["shipmentId"], shipment["shipmentId"])

    def test_a_cancelled_order_tells_its_reason_each_answer_and_what_was_undone(self):
        order = self.place(self.order(self.product(), token="tok_declined"))
        _, frames = self.watch(order)
        self.assert_numbered(frames)
        steps = [frame["step"] for frame in frames]
        self.assertEqual(steps[:2], ["OrderPlaced", "StockReserved"])
        self.assertEqual((steps[2], steps[-1], len(steps)), ("CancellationStarted", "OrderCancelled", 7))
        self.assertEqual(sorted(steps[3:6]), ["NothingToCompensate", "NothingToCompensate", "StockReleased"])
        self.assertEqual({frame["service"] for frame in frames[3:6]},
                         {"inventory-service", "payment-service", "shipping-service"})
        self.assertEqual([frame["status"] for frame in frames], ["PROCESSING"] * 2 + ["CANCELLING"] * 4 + ["CANCELLED"])
        last = frames[-1]
        self.assertEqual((last["type"], last["reason"], last["undone"]),
                         ("ORDER_CANCELLED", "CARD_DECLINED", ["StockReleased"]))
        polled = self.final(order)
        self.assertEqual((polled["seq"], polled["epoch"]), (7, last["epoch"]))

    def test_a_resume_brings_exactly_the_rest(self):
        order = self.place(self.order(self.product()))
        _, whole = self.watch(order)
        epoch = whole[0]["epoch"]

        async def resume(**since):
            async with self.edge() as client:
                answer = await client.subscribe(order, **since)
                self.assertEqual((answer["type"], answer["seq"], answer["epoch"]), ("SUBSCRIBED", 4, epoch))
                # What comes for another command comes behind all frames of this one.
                await client.send({"subscribe": "/topic/order/none"})
                frames = []
                while (frame := await client.receive())["type"] != "ERROR":
                    frames.append(frame)
                return frames
        for since in range(5):
            self.assertEqual(asyncio.run(resume(since=since, epoch=epoch)), whole[since:], f"since {since}")
        self.assertEqual(asyncio.run(resume(since=2, epoch="another")), whole)
        self.assertEqual(asyncio.run(resume()), whole)

    def test_after_unsubscribing_nothing_comes(self):
        product = self.product()

        async def run():
            async with self.edge() as client:
                with frozen(self.stack.pid("payment")):
                    quiet, heard = (self.place(self.order(product)) for _ in range(2))
                    await client.subscribe(quiet)
                    await client.send({"unsubscribe": topic(quiet)})
                    await client.send({"subscribe": topic(heard)})
                    while (await client.receive()).get("topic") != topic(heard):
                        pass
                self.final(quiet)
                return heard, [frame["orderId"] for frame in await client.until_final()]
        heard, orders = asyncio.run(run())
        self.assertEqual(set(orders), {heard})


class Refusals(WebSocketTest):
    def test_a_mistake_is_told_and_the_fifth_ends_the_socket(self):
        absent = topic(uuid.uuid4())
        mistakes = [("{", "json-syntax"), ('{"shout":"x"}', "unknown-command"),
                    ('{"subscribe":7}', "validation"), ({"subscribe": absent}, "not-found"), ("[]", "validation")]

        async def run():
            async with self.edge() as client:
                errors = []
                for frame, _ in mistakes:
                    await client.send(frame)
                    errors.append(await client.receive())
                return errors, await client.close_code()
        errors, code = asyncio.run(run())
        self.assertEqual([error["type"] for error in errors], ["ERROR"] * 5)
        self.assertEqual([error["code"] for error in errors], [code for _, code in mistakes])
        self.assertTrue(all(error["detail"] for error in errors), errors)
        self.assertEqual(errors[3]["topic"], absent)
        self.assertEqual(code, 1008)

    def test_orders_that_have_ended_make_room_for_others(self):
        product = self.product()
        orders = [self.place(self.order(product)) for _ in range(201)]
        for order in orders:
            self.final(order)

        async def run():
            async with self.edge() as client:
                ends = []
                for order in orders:
                    await client.send({"subscribe": topic(order)})
                    while (frame := await client.receive())["type"] == "SUBSCRIBED" or frame["seq"] < 4:
                        pass
                    ends.append(frame["type"])
                return ends
        self.assertEqual(asyncio.run(run()), ["ORDER_COMPLETED"] * 201)

    def test_the_edge_passes_on_what_is_no_handshake(self):
        for path in ("/ws", "/ws/analytics"):
            answer = request("GET", self.stack.url("edge", path))
            self.assertEqual(answer.status, 426, answer.body)
            self.assertEqual(answer.headers["Upgrade"], "websocket")
            self.assertEqual(answer.json()["type"], "/problems/upgrade-required")
        self.assertEqual(request("POST", self.stack.url("edge", "/ws"), {}).status, 405)


class OtherInstance(WebSocketTest):
    def test_a_step_is_heard_at_the_instance_that_did_not_handle_it(self):
        product = self.product()
        with Instance(self.stack, "order") as second:
            origins = [self.stack.url("order", ""), second.url]
            shared = eventually(60, lambda: self.both_work(product, origins))
            self.assertTrue(shared, "the partitions are not shared")

            async def follow(order, origin):
                async with Client.to(origin) as client:
                    await client.subscribe(order)
                    return await client.until_final()

            async def run(orders):
                return await asyncio.gather(*(follow(order, origin) for order in orders for origin in origins))
            orders = [self.place(self.order(product)) for _ in range(30)]  # of all partitions
            for frames in asyncio.run(run(orders)):
                self.assert_numbered(frames)
                self.assertEqual([frame["step"] for frame in frames], COMPLETED)

    def both_work(self, product, origins):
        for order in [self.place(self.order(product)) for _ in range(12)]:
            self.final(order)
        return all(re.search(r"^orderflow_batches_total\S* [1-9]", request("GET", origin + "/metrics").body.decode(),
                             re.M) for origin in origins)


class Follower:
    """Watches its orders through whatever cuts: resumes where it was, and takes down what it hears. In the middle of
    each order it cuts itself."""

    def __init__(self, url):
        self.url = url
        self.orders = []
        self.heard = {}      # order → frames of its epoch
        self.epochs = {}
        self.wrong = []      # frames that came twice, or too early
        self.resumed = []    # (order, since): what it asked for again
        self.socket = None
        self.cuts = 0

    async def connect(self):
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            self.socket = await light_websocket.connect(self.url, self.on_text, self.on_end)
            for order in self.orders:
                self.subscribe(order)

    def follow(self, order):
        self.orders.append(order)
        if self.socket:
            self.subscribe(order)

    def subscribe(self, order):
        command = {"subscribe": topic(order)}
        if order in self.epochs:
            since = len(self.heard[order])
            command |= {"since": since, "epoch": self.epochs[order]}
            self.resumed.append((order, since))
        self.socket.send(json.dumps(command))

    def on_text(self, socket, payload):
        if socket is not self.socket:
            return
        frame = json.loads(payload)
        order = frame["topic"].rsplit("/", 1)[1]
        if frame["type"] == "ERROR":
            self.wrong.append(frame)
        elif self.epochs.setdefault(order, frame["epoch"]) != frame["epoch"]:
            self.wrong.append(frame)
        elif frame["type"] != "SUBSCRIBED":
            frames = self.heard.setdefault(order, [])
            if frame["seq"] != len(frames) + 1:
                self.wrong.append(frame)
            frames.append(frame)
            if len(frames) == 2 and frame["type"] not in FINAL:
                asyncio.get_running_loop().call_later(random.uniform(0, 1), self.cut)
        else:
            self.heard.setdefault(order, [])

    def on_end(self, socket, _):
        if socket is self.socket:
            self.socket = None

    def cut(self):
        """Without a word, in the middle of whatever comes."""
        if self.socket:
            self.socket.transport.abort()
            self.socket = None
            self.cuts += 1

    def resumed_half_way(self):
        return any(0 < since < len(self.heard[order]) for order, since in self.resumed)

    def done(self):
        return all(self.heard.get(order) and self.heard[order][-1]["type"] in FINAL for order in self.orders)


class Cuts(WebSocketTest):
    """A gateway that takes its time: so an order is under way long enough to be cut in its middle."""

    CLIENTS, CUTS, ORDERS, RATE = 1000, 20, 1000, 30
    CUTTING_S, CHARGE_MS = 36, 2000
    HALF_WAY = 800

    def setUp(self):
        super().setUp()
        self.stopped = threading.Event()

    def test_clients_that_are_cut_again_and_again_and_a_killed_service_lose_and_repeat_nothing(self):
        with settings("gateway", GATEWAY_DELAY_MS=str(self.CHARGE_MS)) as stack:
            self.stack = stack
            self.followers = [Follower(self.stack.url("edge", "").replace("http", "ws", 1) + "/ws")
                              for _ in range(self.CLIENTS)]
            self.product_id = self.product(stock=2 * self.ORDERS)  # some are accepted without an answer
            asyncio.run(self.run_all())
        self.assertGreaterEqual(min(follower.cuts for follower in self.followers), self.CUTS)
        self.assertEqual(sum(len(follower.orders) for follower in self.followers), self.ORDERS)
        for follower in self.followers:
            self.assertEqual(follower.wrong, [])
            for order in follower.orders:
                frames = follower.heard[order]
                self.assert_numbered(frames)
                # A service that has lagged may read of the shipment before it reads of the stock.
                self.assertEqual((frames[0]["step"], frames[-1]["step"]), (COMPLETED[0], COMPLETED[-1]))
        half_way = sum(follower.resumed_half_way() for follower in self.followers)
        print(f"{half_way} of {self.CLIENTS} clients were cut in the middle of their order")
        self.assertGreaterEqual(half_way, self.HALF_WAY)
        for follower in self.followers[::20]:
            polled = self.read(follower.orders[0])
            self.assertEqual(polled["seq"], len(follower.heard[follower.orders[0]]))

    async def run_all(self):
        loop = asyncio.get_running_loop()
        cutting = [self.cut_at_random(follower) for follower in self.followers]
        try:
            await asyncio.gather(loop.run_in_executor(None, self.place_all, loop),
                                 loop.run_in_executor(None, self.kill_order_service), *cutting)
        finally:
            self.stopped.set()
        for _ in range(60):
            behind = [follower for follower in self.followers if not follower.done()]
            if not behind:
                return
            await asyncio.gather(*(follower.connect() for follower in behind if not follower.socket))
            await asyncio.sleep(0.5)
        self.fail(f"{len(behind)} clients have not heard the end of their orders")

    async def cut_at_random(self, follower):
        """Until it was cut CUTS times in the middle of a connection; the service may be away meanwhile."""
        mean_s = self.CUTTING_S / self.CUTS
        while follower.cuts < self.CUTS:
            if not follower.socket:
                await follower.connect()
            await asyncio.sleep(random.uniform(0, 2 * mean_s))
            follower.cut()
        await follower.connect()

    def place_all(self, loop):
        """At RATE, until so many were accepted; while the service is away none is, afterwards it is made up for."""
        begin, accepted = time.monotonic(), 0
        while accepted < self.ORDERS and not self.stopped.wait(begin + accepted / self.RATE - time.monotonic()):
            with contextlib.suppress(OSError):
                answer = request("POST", self.stack.url("edge", "/api/orders"), self.order(self.product_id))
                if answer.status == 202:
                    follower = self.followers[accepted % self.CLIENTS]
                    loop.call_soon_threadsafe(follower.follow, answer.json()["orderId"])
                    accepted += 1

    def kill_order_service(self):
        self.stopped.wait(self.CUTTING_S / 3)
        kill(Stack().pid("order"))
        Stack().restart(GATEWAY_DELAY_MS=str(self.CHARGE_MS))


if __name__ == "__main__":
    unittest.main()
