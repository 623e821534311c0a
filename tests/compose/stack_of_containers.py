"""The stack of docker-compose.yml for tests that run in its network namespace.

Tests reach containers under the names that the containers use for each other: this process has its own hosts file with
these names. A stack.env like that of scripts/up allows the modules of tests/system to work on this stack too.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = "orderflow-test"
SERVICES = ("order", "payment", "inventory", "shipping", "analytics")
DATABASE = {"order": "orders", "payment": "payments", "inventory": "inventory", "shipping": "shipping",
            "analytics": "analytics"}
PORT = {"order": 3001, "payment": 3002, "inventory": 3003, "shipping": 3004, "analytics": 3005}
LASTING = (*SERVICES, "postgres", "sandbox", "gateway", "edge", "check", "prometheus", "alertmanager")
JOBS = ("secrets", "roles", "topics", "products", *(f"{name}-migrate" for name in SERVICES))
DEMO = {"customerId": "CUST-001",
        "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}

# A separate program, because this process could not return from another network namespace.
CONNECT = """import json, socket, sys
reached = []
for name, address, port in json.load(sys.stdin):
    try:
        socket.create_connection((address, port), 1).close()
        reached.append((name, port))
    except OSError:
        pass
print(json.dumps(reached))
"""


class Containers:
    def __init__(self, state, profile="cluster"):
        self.state = pathlib.Path(state)
        self.environment = os.environ | {"COMPOSE_PROFILES": profile, "COMPOSE_ANSI": "never",
                                         "ORDERFLOW_VERSION": os.environ.get("ORDERFLOW_VERSION", "test")}
        self.brokers = ("kafka-1", "kafka-2", "kafka-3") if profile == "cluster" else ("kafka-single",)
        self.bootstrap = ",".join(f"{broker.replace('single', '1')}:9092" for broker in self.brokers)
        self.jobs = [job if profile == "cluster" else job.replace("topics", "topics-single") for job in JOBS]
        self.edge = f"http://127.0.0.1:{os.environ.get('ORDERFLOW_EDGE_PORT', 3000)}"
        self.edge_tls = f"https://localhost:{os.environ.get('ORDERFLOW_EDGE_TLS_PORT', 3443)}"

    # ---- docker ------------------------------------------------------------------------------------

    def docker(self, *arguments, check=True, timeout=300):
        done = subprocess.run(["docker", *arguments], env=self.environment, cwd=ROOT, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, arguments))}: {done.stdout[-3000:]}")
        return done

    def compose(self, *arguments, **options):
        return self.docker("compose", "-p", PROJECT, *arguments, **options)

    def inspect(self):
        """Returns {service: [`docker inspect` of each of its containers]}, including containers that have ended."""
        ids = self.docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={PROJECT}").stdout.split()
        found = {}
        if ids:
            for container in json.loads(self.docker("inspect", *ids).stdout):
                labels = container["Config"]["Labels"]
                if labels["com.docker.compose.oneoff"] == "False":
                    found.setdefault(labels["com.docker.compose.service"], []).append(container)
        return found

    def pid(self, service, number=0):
        return self.inspect()[service][number]["State"]["Pid"]

    def kill(self, service):
        """Sends SIGKILL to the process, not to the container, so that Docker starts it again."""
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def volume(self, name):
        """Returns the directory of the volume's files."""
        answer = self.docker("volume", "inspect", f"{PROJECT}_{name}", "--format", "{{.Mountpoint}}")
        return pathlib.Path(answer.stdout.strip())

    def secrets(self, reader):
        """Returns the directory of the files that this reader has in /run/secrets."""
        return self.volume(f"{reader}-secrets")

    def logs(self, *services):
        return self.compose("logs", "--no-color", "--no-log-prefix", *services).stdout

    # ---- up and down -------------------------------------------------------------------------------

    def up(self, *more):
        self.compose("up", "--detach", "--no-build", "--quiet-pull", *more, timeout=600)
        self.look_again()

    def down(self, *more):
        self.compose("down", "--remove-orphans", *more)

    def look_again(self):
        """Reads the addresses again after containers were started, stopped or recreated."""
        lines = ["127.0.0.1 localhost"]
        for service, containers in self.inspect().items():
            for container in containers:
                networks = container["NetworkSettings"]["Networks"].values()
                name = service.replace("kafka-single", "kafka-1")
                lines += [f"{network['IPAddress']} {name}" for network in networks if network["IPAddress"]]
        pathlib.Path("/etc/hosts").write_text("\n".join(lines) + "\n")
        operator = self.secrets("operator")
        write_stack_env(self.state, self.edge, operator, operator / "ca.pem", KAFKA_BROKERS=self.bootstrap,
                        STACK_KAFKA_USERS=self.secrets("topics") / "users", GATEWAY_URL="http://sandbox:3010")

    def await_order(self, deadline_s):
        await_order(self.edge, deadline_s, self.sick)

    def sick(self):
        """Returns the jobs that have not succeeded and the containers that are not healthy."""
        found, wrong = self.inspect(), []
        for job in self.jobs:
            states = [container["State"] for container in found.get(job, [])]
            if [(state["Status"], state["ExitCode"]) for state in states] != [("exited", 0)]:
                wrong.append(f"{job}: {[state['Status'] for state in states]}")
        for service in (*LASTING, *self.brokers):
            for container in found.get(service, []) or [None]:
                state = container and container["State"]
                if not state or state["Status"] != "running" or state.get("Health", {}).get("Status", "healthy") != "healthy":
                    wrong.append(f"{service}: {state and state['Status']} {state and state.get('Health', {}).get('Status')}")
        if "violated" in (said := self.logs("check")):
            wrong.append(f"check: {said}")
        return wrong


# ---- shared with tests/kubernetes ------------------------------------------------------------------

def write_stack_env(state, edge, operator, ca, **more):
    """Writes STATE/stack.env for tests/system. The parts of the stack have the names of docker-compose.yml.
    `operator`: the directory of the operator's secrets."""
    settings = f"security.protocol=SASL_SSL;sasl.mechanism=SCRAM-SHA-512;sasl.username=operator;ssl.ca.location={ca}"
    values = {
        "STACK_STATE": state, "STACK_BIN": ROOT / "build" / "release" / "bin", "STACK_SCRIPTS": ROOT / "scripts",
        "EDGE_URL": edge, "GATEWAY_CREDENTIALS_FILE": operator / "gateway", "KAFKA_SETTINGS": settings,
        "KAFKA_PASSWORD_FILE": operator / "kafka", "POSTGRES_BIN": postgres_bin(), **more}
    for service, database in DATABASE.items():
        values[f"{service.upper()}_URL"] = f"http://{service}:{PORT[service]}"
        for role in ("operator", "auditor"):
            values[f"{role}_{database}_DATABASE_URL".upper()] = (
                f"host=postgres dbname={database} user={role} sslmode=verify-full sslrootcert={ca}"
                f" passfile={passfile(state, operator)}")
    (state / "stack.env").write_text("".join(f'{name}="{value}"\n' for name, value in values.items()))


def passfile(state, operator):
    """Writes the passwords into a file in the format of libpq, which psql reads."""
    file = state / "pgpass"
    file.touch(0o600)
    file.write_text("".join(f"*:*:*:{role}:{(operator / f'database-{role}').read_text()}\n"
                            for role in ("operator", "auditor")))
    return file


def postgres_bin():
    return max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def await_order(edge, deadline_s, sick):
    """Places an order as soon as it is accepted, and waits until it is COMPLETED. An order that was placed before the
    products existed is CANCELLED; then it places another one. `sick`: called after a timeout, for the text of the
    error."""
    end, order = time.monotonic() + deadline_s, None
    while time.monotonic() < end:
        if order is None:
            order = (call("POST", f"{edge}/api/orders", DEMO) or {}).get("orderId")
        else:
            status = (call("GET", f"{edge}/api/orders/{order}") or {}).get("status")
            if status == "CANCELLED":
                order = None
            if status == "COMPLETED":
                return
        time.sleep(0.2)
    raise AssertionError(f"no order has been completed within {deadline_s} s: {sick()}")


def reachable(pid, targets):
    """Returns {(name, port)} of the targets (name, address, port) that accept a connection from the network namespace
    of process `pid`."""
    done = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "/usr/bin/python3", "-c", CONNECT], check=True,
                          input=json.dumps(targets), capture_output=True, text=True)
    return {(name, port) for name, port in json.loads(done.stdout)}


def call(method, url, body=None):
    """Returns the JSON of the answer, or None if there is no answer with 2xx."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:
            return json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError):
        return None
