"""More and fewer instances of a service in docker-compose.yml: how they share partitions, and the throughput."""

import contextlib
import json
import os
import re
import subprocess
import threading
import time
import unittest

from compose_test import FIRST_ORDER_S, STATE, ContainersTest, text_of
from confluent_kafka.admin import AdminClient, NewTopic
from records import kafka_clients
from stack import Stack, eventually
from stack_of_containers import DEMO, PORT, PROJECT, ROOT, Containers, call

SAGA = ("order-events", "inventory-events", "payment-events", "shipping-events")
PARTITIONS = 3
FOUND_S = 5  # the requirement: in this time the edge notices an instance that starts or stops
GROUP = "inventory-service"
TOPIC = "order-events"  # the only topic that inventory reads


class ScaleTest(ContainersTest):
    """Each derived class starts its own stack."""

    PROFILE = "cluster"

    def setUp(self):
        self.containers = Containers(STATE, self.PROFILE)

    @classmethod
    def start(cls, partitions=None):
        containers = Containers(STATE, cls.PROFILE)
        containers.down("--volumes")
        cls.addClassCleanup(containers.down, "--volumes")
        if partitions:
            containers.up("--wait", *containers.brokers)
            make_topics(containers, partitions)
        containers.up()
        containers.await_order(FIRST_ORDER_S)

    def scale(self, service, instances):
        self.containers.compose("up", "--detach", "--no-build", "--no-recreate", "--no-deps", "--scale",
                                f"{service}={instances}", service)
        self.containers.look_again()

    def limit(self, service, cpus):
        for container in self.containers.inspect()[service]:
            self.containers.docker("update", "--cpus", str(cpus), container["Id"])

    def ctl(self, *arguments):
        done = subprocess.run([ROOT / "build/release/bin/orderctl", "--stack-env", os.environ["ORDERFLOW_TEST_STACK"],
                               *arguments], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


def make_topics(containers, partitions):
    """Creates the topics like the job `topics`, but with this number of partitions. The job does not change topics that
    exist."""
    key = containers.secrets("topics") / "topics.pem"
    admin = AdminClient({"bootstrap.servers": containers.bootstrap.replace(":9092", ":9094"), "security.protocol": "SSL",
                         "ssl.ca.location": str(containers.secrets("topics") / "ca.pem"),
                         "ssl.certificate.location": str(key), "ssl.key.location": str(key)})
    kafka_clients.results(admin.create_topics([
        NewTopic(name, partitions, 3, config={"min.insync.replicas": "2"}) for name in SAGA]))


class Groups(ScaleTest):
    @classmethod
    def setUpClass(cls):
        cls.start(PARTITIONS)

    def shares(self):
        """Returns the number of partitions of each member of inventory's group, sorted."""
        group = kafka_clients.results(kafka_clients.admin(Stack().env).describe_consumer_groups([GROUP]))[GROUP]
        return sorted(len(member.assignment.topic_partitions) for member in group.members)

    def await_shares(self, *wanted):
        self.assertTrue(eventually(60, lambda: self.shares() == list(wanted), 0.5), f"{self.shares()}, not {wanted}")

    def reported(self):
        """Returns the row of inventory in `orderctl lag`, and the lag of its partitions."""
        document = json.loads(self.ctl("--json", "lag"))
        service = next(row for row in document["services"] if row["service"] == "inventory")
        return service, [row["lag"] for row in document["partitions"] if row["service"] == "inventory"]

    def test_members_share_partitions(self):
        """Under load: 2 and then 3 members for 3 partitions. Then one is stopped, and another one gets its
        partition."""
        self.scale("inventory", 2)
        self.await_shares(1, 2)
        def grow_and_shrink():
            self.scale("inventory", 3)
            self.await_shares(1, 1, 1)
            time.sleep(2)
            self.containers.docker("stop", self.containers.inspect()["inventory"][-1]["Id"])
            self.await_shares(1, 2)
        self.judged(900, grow_and_shrink)

    def test_an_idle_member_is_reported(self):
        self.scale("inventory", 4)
        self.await_shares(0, 1, 1, 1)
        service, _ = self.reported()
        self.assertEqual((service["members"], service["idle"], service["partitions"]), (4, 1, 3))
        self.assertIn("1 of 4 members is idle", self.ctl("lag"))
        self.scale("inventory", 3)
        self.await_shares(1, 1, 1)
        self.assertNotIn("idle", self.ctl("lag"))

    def test_fewer_members_than_partitions_and_their_lag_are_reported(self):
        self.scale("inventory", 2)
        self.await_shares(1, 2)
        self.addCleanup(self.limit, "inventory", 1)
        self.limit("inventory", 0.01)
        def is_reported():
            service, lags = self.reported()  # it has no figures during a rebalance
            figures = (service.get("members"), service.get("idle"), service.get("partitions"))
            return sum(lags) > 100 and figures == (2, 0, 3) and "2 members for 3 partitions" in self.ctl("lag")
        def look():
            self.assertTrue(eventually(60, is_reported, 0.5), self.reported())
            self.limit("inventory", 1)
        self.judged(1200, look)


    def test_the_edge_finds_an_instance_and_leaves_one_that_ends(self):
        """Reads one order all the time, and measures after which time a second instance of order answers, and for how
        long requests fail when it is stopped."""
        old = {container["Id"] for container in self.containers.inspect()["order"]}
        order = f"{self.containers.edge}/api/orders/{call('POST', f'{self.containers.edge}/api/orders', DEMO)['orderId']}"
        self.addCleanup(self.scale, "order", 1)
        with asked_all_the_time(order) as failed:
            self.scale("order", 2)
            new, = (one for one in self.containers.inspect()["order"] if one["Id"] not in old)
            def is_healthy():
                state = self.containers.docker("inspect", "-f", "{{.State.Health.Status}}", new["Id"]).stdout.strip()
                return state == "healthy"
            self.assertTrue(eventually(60, is_healthy))
            healthy = time.monotonic()
            address = new["NetworkSettings"]["Networks"][f"{PROJECT}_services"]["IPAddress"]
            counted = re.escape('orderflow_http_requests_total{method="GET",route="/api/orders/{id}",status="200"} ')
            def has_answered():
                return re.search(f"^{counted}[1-9]", text_of(f"http://{address}:{PORT['order']}/metrics"), re.M)
            self.assertTrue(eventually(FOUND_S, has_answered), f"no request in {FOUND_S} s")
            found_s = time.monotonic() - healthy
            stopped = time.monotonic()
            self.containers.docker("stop", new["Id"])
            time.sleep(2 * FOUND_S)
        failed_s = max((at - stopped for at in failed), default=0)
        print(f"the edge: a new instance got its first request {found_s:.1f} s after it was healthy; the last request that"
              f" failed was {max(failed_s, 0):.1f} s after an instance stopped ({len(failed)} failed in all)", flush=True)
        self.assertLessEqual(failed_s, FOUND_S)


@contextlib.contextmanager
def asked_all_the_time(url):
    """Sends a request every 20 ms, and collects the times of those that were not answered with 2xx."""
    failed, over = [], threading.Event()
    def ask():
        while not over.wait(0.02):
            if call("GET", url) is None:
                failed.append(time.monotonic())
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failed
    finally:
        over.set()
        thread.join()


class Throughput(ScaleTest):
    """Each instance of shipping has a twentieth of a core, and handles one record in each transaction. The more
    instances there are, the faster they process a backlog of orders.

    With three times as much CPU, an instance would wait for the disk, and the other programs would use both cores, so
    that CPU would not limit it. """

    PROFILE = "single"  # this test does not measure the cost of three brokers
    CPUS = 0.05
    ORDERS = 1500
    RATE = 300  # orders accepted per second before the measurement

    @classmethod
    def setUpClass(cls):
        slow = STATE / "one-by-one.yml"
        slow.write_text("services: {shipping: {environment: {BATCH_RECORDS: 1},"
                        f" deploy: {{resources: {{limits: {{cpus: '{cls.CPUS}'}}}}}}}}}}\n")
        os.environ["COMPOSE_FILE"] = f"{ROOT}/docker-compose.yml:{slow}"
        cls.addClassCleanup(os.environ.pop, "COMPOSE_FILE")
        cls.start()

    def drained(self, instances):
        """Returns the orders that so many instances complete per second while all of them have work: from 10 % to 60 %
        of the orders."""
        self.scale("shipping", instances)
        self.containers.compose("stop", "payment")
        since = Stack().audit("orders", "SELECT now() AS now")[0]["now"]
        subprocess.run([ROOT / "build/release/bin/bench-load", "--target", self.containers.edge, "--rate", str(self.RATE),
                        "--duration", str(self.ORDERS // self.RATE)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        time.sleep(10)  # until stock is reserved and shipping's group has assigned its partitions
        self.containers.compose("start", "payment")
        mine = f"audit_v1_orders WHERE placed_at >= '{since}'"
        still_open = f"SELECT count(*) FILTER (WHERE finished_at IS NULL) AS n FROM {mine}"
        self.assertTrue(eventually(600, lambda: Stack().audit("orders", still_open)[0]["n"] == 0, 1))
        ends = Stack().audit("orders", f"SELECT extract(epoch FROM finished_at) AS at FROM {mine} AND state = 'COMPLETED'"
                             " ORDER BY 1")
        self.assertEqual(len(ends), self.ORDERS)
        begin, end = len(ends) // 10, len(ends) * 6 // 10
        return (end - begin) / (ends[end]["at"] - ends[begin]["at"])

    def test_more_instances_complete_more(self):
        rates = {instances: self.drained(instances) for instances in (1, 2, 4)}
        more = {instances: rates[instances] / rates[1] for instances in (2, 4)}
        print("completed/s by instances of shipping: "
              + ", ".join(f"{instances}: {rate:.0f}" for instances, rate in rates.items())
              + f" ({more[2]:.2f} and {more[4]:.2f} times as many)", flush=True)
        self.assertGreaterEqual(more[2], 1.7)
        self.assertGreaterEqual(more[4], 3)
