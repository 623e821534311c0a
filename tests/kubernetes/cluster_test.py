"""deploy/kubernetes/overlays/dev on a real cluster."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import threading
import time
import unittest

from cluster_of_pods import EDGE, STATE, deploy, get, kubectl, pods, sick, write_env
from judge import load_and_judge
from stack import eventually
from stack_of_containers import DEMO, await_order, reachable

FIRST_ORDER_S = 180 * 3  # asked: 180, on a machine that does nothing else
RATE = 40
SERVICES = ("order", "payment", "inventory", "shipping", "analytics")
PORTS = {"order-service": (3001,), "payment-service": (3002,), "inventory-service": (3003,), "shipping-service": (3004,),
         "analytics-service": (3005,), "edge": (3000, 8080), "kafka": (9092, 9094), "postgres": (5432,),
         "gateway": (3010, 3011, 8080)}
DATA = {"kafka:9092", "postgres:5432"}
WAYS = {"order-service": DATA, "payment-service": DATA | {"gateway:3011"}, "inventory-service": DATA,
        "shipping-service": DATA, "analytics-service": DATA, "kafka": set(), "postgres": set(), "gateway": set(),
        "edge": {"order-service:3001", "payment-service:3002", "inventory-service:3003", "shipping-service:3004",
                 "analytics-service:3005"}}


def setUpModule():
    deploy()
    write_env()
    await_order(EDGE, FIRST_ORDER_S, sick)
    began = float(os.environ.get("ORDERFLOW_CLUSTER_BEGAN", time.monotonic()))
    print(f"first order completed {time.monotonic() - began:.0f} s after the cluster's start", flush=True)


class Dev(unittest.TestCase):
    maxDiff = None

    def judged(self, orders, meanwhile=lambda: None):
        history = STATE / f"{self.id().rsplit('.', 1)[-1]}.jsonl"
        return load_and_judge(EDGE, orders, RATE, 11, history, meanwhile)

    def test_everything_is_ready(self):
        self.assertTrue(eventually(120, lambda: not sick(), 1), sick())
        for job in get("jobs")["items"]:
            self.assertEqual(job["status"].get("succeeded"), 1, job["metadata"]["name"])

    def test_orders_of_every_kind(self):
        self.judged(400)

    def test_pods_are_deleted_under_load(self):
        def blow():
            for name in ("order-service", "inventory-service", "payment-service", "kafka"):
                time.sleep(2)
                kubectl("delete", "pod", "-n", "orderflow", "--force", "--grace-period=0", pods(name)[0]["metadata"]["name"])
            self.assertTrue(eventually(120, lambda: not sick(), 1), sick())
        self.judged(600, blow)

    def test_scale_to_three_and_back(self):
        def blow():
            for replicas in (3, 2):
                for name in SERVICES:
                    kubectl("scale", "-n", "orderflow", f"deployment/{name}", f"--replicas={replicas}")
                for name in SERVICES:
                    kubectl("rollout", "status", "-n", "orderflow", f"deployment/{name}", "--timeout=120s")
                time.sleep(3)
        self.judged(600, blow)

    def test_memory_runs_out(self):
        """The kernel kills the service, as it does when a node or a container has no memory left."""
        pod = pods("order-service")[0]
        def blow():
            time.sleep(2)
            end_by_memory(pod)
        self.judged(400, blow)
        def killed():
            status = get("pod", pod["metadata"]["name"])["status"]["containerStatuses"][0]
            return status["restartCount"] == 1 and status["lastState"]["terminated"]["reason"] == "OOMKilled" and status["ready"]
        self.assertTrue(eventually(60, killed, 1), get("pod", pod["metadata"]["name"])["status"])

    def test_a_rolling_update_fails_no_request(self):
        """To another tag, every service and the edge, while orders are placed; a request is sent twice at most."""
        clients = [Client(number) for number in range(6)]
        for client in clients:
            client.start()
        try:
            time.sleep(2)
            for name in SERVICES:
                kubectl("set", "image", "-n", "orderflow", f"deployment/{name}", f"service=orderflow/{name}-service:next")
            kubectl("set", "image", "-n", "orderflow", "deployment/edge", "nginx=orderflow/edge:next")
            for name in (*SERVICES, "edge"):
                kubectl("rollout", "status", "-n", "orderflow", f"deployment/{name}", "--timeout=180s", timeout=200)
            time.sleep(2)
        finally:
            for client in clients:
                client.done.set()
            for client in clients:
                client.join()
        sent = sum(client.sent for client in clients)
        told = sorted(row for client in clients for row in client.told)
        print(f"rolling update: {sent} requests, {sum(row[1] == 1 for row in told)} sent a second time", flush=True)
        self.assertGreater(sent, 100)
        self.assertEqual([client.failed for client in clients if client.failed], [], told)

    def test_nobody_reaches_whom_he_should_not(self):
        reached = {name: reachable_from(pods(name)[0]) for name in WAYS}
        self.assertEqual(reached, {name: sorted(ways) for name, ways in WAYS.items()})

    def test_check_as_a_job(self):
        kubectl("create", "job", "-n", "orderflow", "--from=cronjob/check", "check-now")
        self.addCleanup(kubectl, "delete", "job", "-n", "orderflow", "check-now")
        def ended():
            conditions = get("job", "check-now")["status"].get("conditions", [])
            return {row["type"] for row in conditions} & {"Complete", "Failed"}
        self.assertTrue(eventually(200, ended, 1))
        said = [kubectl("logs", "-n", "orderflow", pod["metadata"]["name"]).stdout
                for pod in get("pods", "-l", "job-name=check-now")["items"]]
        self.assertEqual(ended(), {"Complete"}, said)
        self.assertTrue(any(text.startswith("clean\n") for text in said), said)

    def test_a_privileged_pod_is_refused(self):
        refused = kubectl("run", "-n", "orderflow", "shell", "--image=postgres:17.6-trixie", "--privileged", check=False)
        self.assertIn('violates PodSecurity "restricted', refused.stderr)


class Client(threading.Thread):
    """Places orders with a key, one after the other; what was not answered with 202 is sent once more, a moment later:
    whenever pods change, kube-router writes its sets anew, and for some hundredths of a second refuses every new
    connection between pods."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.sent, self.failed, self.began = 0, [], time.monotonic()
        self.told = []  # (when, at which attempt, what)
        self.done = threading.Event()

    def run(self):
        connection = None
        while not self.done.wait(0.05):
            self.sent += 1
            key = f"rolling-{self.number}-{self.sent}"
            for attempt in (1, 2):
                connection, wrong = post_order(connection, key)
                if not wrong:
                    break
                self.told.append((round(time.monotonic() - self.began, 2), attempt, wrong))
                if attempt == 2:
                    self.failed.append(key)
                time.sleep(0.25)
        if connection:
            connection.close()


def post_order(connection, key):
    connection = connection or http.client.HTTPConnection("edge", timeout=10)
    body = json.dumps(DEMO | {"customerId": key})
    try:
        connection.request("POST", "/api/orders", body, {"Content-Type": "application/json", "Idempotency-Key": key})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return None, repr(error)
    if answer.status != 202:
        connection.close()
        return None, f"{answer.status} {body[:300]}"
    return connection, None


def pid_of(pod):
    """The first process of the pod's first container."""
    container = pod["status"]["containerStatuses"][0]["containerID"].rsplit("/", 1)[1]
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if container in (directory / "cgroup").read_text():
                return int(directory.name)
    raise AssertionError(f"no process of {pod['metadata']['name']}")


def end_by_memory(pod):
    """Uses up the container's memory in its place, and makes it the one to be killed."""
    pid = pid_of(pod)
    pathlib.Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
    memory = next(line.split(":")[2] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
                  if ":memory:" in line)
    eater = subprocess.Popen(["/usr/bin/python3", "-c", "import os, sys, time\n"
                              f"open('/sys/fs/cgroup/memory{memory}/cgroup.procs', 'w').write(str(os.getpid()))\n"
                              "kept = []\n"
                              f"while os.path.exists('/proc/{pid}'):\n"
                              "    kept.append(b'x' * (1 << 20))\n"])
    eater.wait(60)


def reachable_from(pod):
    """Which of all pods' ports, and of the cluster's, answer from within this pod's network, by their addresses."""
    targets = [(name, pods(name)[0]["status"]["podIP"], port) for name, ports in PORTS.items() for port in ports]
    targets.append(("the API server", "10.96.0.1", 443))
    return sorted({f"{name}:{port}" for name, port in reachable(pid_of(pod), targets)
                   if name != pod["metadata"]["labels"]["app.kubernetes.io/name"]})
