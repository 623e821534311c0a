"""What is deployed says the same as what it follows from: manifests as the catalog, the published rights and the programs'
--help, .env as docker-compose.yml, images as their version; and what no stack may have: a port for everybody, a tag that
moves."""

import functools
import os
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "compose")]
import capacity_page  # pylint: disable=wrong-import-position
import kafka_access  # pylint: disable=wrong-import-position
import programs  # pylint: disable=wrong-import-position

COMPOSE = ROOT / "docker-compose.yml"
OURS = "${ORDERFLOW_REGISTRY:-orderflow}/"
KUBERNETES = ROOT / "deploy" / "kubernetes"
DEPS = pathlib.Path(os.environ.get("ORDERFLOW_DEPS") or ROOT / ".deps")


def compose():
    return yaml.safe_load(COMPOSE.read_text())["services"]


def name_of(image):
    """order-service of [REGISTRY/]order-service:TAG"""
    return image.rsplit("/", 1)[-1].split(":")[0]


def skip(what, reason):
    print(f"not run here: {what} ({reason})", flush=True)
    raise unittest.SkipTest(reason)


def built(name):
    return programs.find(name) or skip(f"what {name} --help says", "it is not built")


def variables_and_ports(image):
    """What the program of an image reads from its environment, and where it listens; None: it is no program of ours."""
    name = name_of(image)
    if not image.startswith((OURS, "orderflow/")) or name in ("edge", "secrets"):
        return None
    program = built(name)
    return programs.environment_names(program), None if name == "orderctl" else programs.default(program, "port")


class Compose(unittest.TestCase):
    maxDiff = None

    def test_every_variable_stands_in_env_with_its_default(self):
        used = dict(re.findall(r"\$\{(\w+):?-([^}]*)\}", COMPOSE.read_text()))
        listed = dict(re.findall(r"^#?(\w+)=(.*)$", (ROOT / ".env").read_text(), re.M))
        self.assertEqual(listed.pop("COMPOSE_PROFILES"), "cluster")
        self.assertEqual(listed, used)

    def test_ports_are_published_on_loopback(self):
        for name, service in compose().items():
            for port in service.get("ports", ()):
                self.assertRegex(port, r"^127\.0\.0\.1:\$\{ORDERFLOW_\w+_PORT:-\d+\}:\d+$", name)

    def test_images_have_exact_tags(self):
        for name, service in compose().items():
            self.assertRegex(service["image"], r":(\$\{ORDERFLOW_VERSION:-[\d.]+\}|v?\d+\.\d+[\w.-]*)$", name)

    def test_our_images_are_built_and_not_pulled(self):
        """Nobody owns their names in a public registry; all others are somebody's."""
        built = {service["image"] for service in compose().values() if "build" in service}
        for name, service in compose().items():
            ours = service["image"].startswith(OURS)
            self.assertEqual(service.get("pull_policy", "missing"), "${ORDERFLOW_PULL:-never}" if ours else "missing", name)
            self.assertEqual(service["image"] in built, ours, name)

    def test_everything_is_confined(self):
        for name, service in compose().items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertIn("restart", service, name)
            self.assertIn("logging", service, name)
            if service["image"].startswith(OURS):
                self.assertTrue(service["read_only"], name)
            self.assertIn("memory", service["deploy"]["resources"]["limits"], name)
            self.assertIn("pids", service["deploy"]["resources"]["limits"], name)

    def test_secrets_belong_to_the_user_who_runs(self):
        """Each volume NAME-secrets has the owner and the group of every service that sees it; migrations share one."""
        owners = dict(re.findall(r"\[([\w-]+)\]=(\d+)", (ROOT / "deploy/compose/make-secrets").read_text()))
        users = dict(re.findall(r"^FROM scratch AS ([\w-]+)\n(?:.+\n)*?USER (\S+)$",
                                (ROOT / "deploy/docker/Dockerfile").read_text(), re.M))
        seen = set()
        for name, service in compose().items():
            user = service.get("user") or users.get(name_of(service["image"]))
            for reader in re.findall(r"'([\w-]+)-secrets:/(?:run|etc/kafka)/secrets:ro'", str(service.get("volumes"))):
                if reader != "migrations":
                    self.assertEqual(user, f"{owners[reader]}:{owners[reader]}", f"{name} reads what is {reader}'s")
                    seen.add(reader)
        self.assertEqual(seen, set(owners))

    def test_programs_get_what_they_read_and_are_asked_where_they_listen(self):
        scraped = dict(re.findall(r'(?:names: \[|"(?=check))(\w+)(?:\], type: A, port: |:)(\d+)',
                                  (ROOT / "deploy/compose/prometheus.yml").read_text()))
        for name, service in compose().items():
            if told := re.search(r" --metrics 0\.0\.0\.0:(\d+) ", str(service.get("command", ""))):
                self.assertEqual(scraped.pop(name, None), told[1])
            with self.subTest(name):
                known = variables_and_ports(service["image"])
                if known is None:
                    continue
                self.assertLessEqual(set(service.get("environment", ())), known[0])
                if "healthcheck" in service:
                    self.assertIn(f"http://127.0.0.1:{known[1]}/", service["healthcheck"]["test"][-1])
                    self.assertEqual(scraped.pop(name, str(known[1])), str(known[1]))
        self.assertEqual(scraped, {})

    def test_no_password_stands_in_it(self):
        for name, value in re.findall(r"^\s+(\w*(?:PASSWORD|SECRET|TOKEN)\w*): (.*)$", COMPOSE.read_text(), re.M):
            self.assertRegex(value, r"^/run/secrets/", name)

    def test_images_carry_the_version_of_the_programs(self):
        version = programs.version(built("order-service"))
        said = set(re.findall(r"ARG VERSION=(.*)", (ROOT / "deploy/docker/Dockerfile").read_text()))
        said |= set(re.findall(r"ORDERFLOW_VERSION:-([\d.]+)", COMPOSE.read_text()))
        for overlay in KUBERNETES.glob("overlays/*/kustomization.yaml"):
            said |= set(re.findall(r"name: orderflow/[\w-]+, newTag: ([\w.]+)", overlay.read_text()))
        self.assertEqual(said, {version})


class Capacity(unittest.TestCase):
    """Requests and limits are what was measured."""

    maxDiff = None

    def test_what_follows_from_the_figures_is_up_to_date(self):
        figures = json.loads(capacity_page.FIGURES.read_text())
        self.assertEqual(capacity_page.page(figures), capacity_page.PAGE.read_text())
        self.assertEqual(capacity_page.resources(figures), capacity_page.RESOURCES.read_text())
        self.assertEqual(capacity_page.compose(COMPOSE.read_text(), figures), COMPOSE.read_text())

    def test_limits_that_do_not_follow_leave_room(self):
        """Kafka's, PostgreSQL's and Prometheus', which depend on what is kept: half as much again as was measured."""
        services, loads = compose(), json.loads(capacity_page.FIGURES.read_text())["loads"].values()
        for name in {name for load in loads for name in load["memory_mb"]} - set(capacity_page.LIMITED):
            limit = services[name]["deploy"]["resources"]["limits"]["memory"]
            limit_mb = int(limit[:-1]) * {"g": 1024, "m": 1}[limit[-1]]
            self.assertGreaterEqual(limit_mb, 1.5 * max(load["memory_mb"][name] for load in loads), name)

    def test_five_services_are_small(self):
        memory = json.loads(capacity_page.FIGURES.read_text())["loads"]["200/s"]["memory_mb"]
        self.assertLessEqual(sum(memory[name] for name in capacity_page.SERVICES), 250)


class Kubernetes(unittest.TestCase):
    maxDiff = None

    def test_what_is_generated_is_up_to_date(self):
        done = subprocess.run([KUBERNETES / "generate", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_kafkas_users_may_what_is_published(self):
        rights = {}
        for user in yaml.safe_load_all((KUBERNETES / "components/kafka-strimzi/users.yaml").read_text()):
            for acl in user["spec"]["authorization"]["acls"]:
                resource = (acl["resource"]["type"], acl["resource"].get("name", ""))
                operations = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in acl["operations"]}
                rights.setdefault(user["metadata"]["name"], {})[resource] = operations
        self.assertEqual(rights, kafka_access.published())

    def test_one_way_of_scaling(self):
        for overlay in KUBERNETES.glob("overlays/*/kustomization.yaml"):
            ways = re.findall(r"components/autoscaling-(\w+)", overlay.read_text())
            self.assertLessEqual(len(ways), 1, overlay)


@functools.cache
def rendered():
    """{overlay: its documents of YAML}; where there is no kubectl, who asks is skipped."""
    kubectl = shutil.which("kubectl") or skip("the overlays of deploy/kubernetes", "no kubectl")
    return {overlay.name: subprocess.run([kubectl, "kustomize", overlay], check=True, capture_output=True,
                                         text=True).stdout.split("\n---\n")
            for overlay in sorted((KUBERNETES / "overlays").iterdir())}


class Demands(unittest.TestCase):
    """What every pod of an overlay has, and every Deployment beside it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast
        cls.objects = {name: [yaml.load(text, loader) for text in documents] for name, documents in rendered().items()}

    def kinds(self, *kinds):
        """(overlay, object)"""
        return [(overlay, item) for overlay, items in self.objects.items() for item in items if item["kind"] in kinds]

    def pods(self):
        for overlay, item in self.kinds("Deployment", "StatefulSet", "Job"):
            yield f"{overlay} {item['metadata']['name']}", item["spec"]["template"]["spec"]
        for overlay, item in self.kinds("CronJob"):
            yield f"{overlay} {item['metadata']['name']}", item["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    def test_pods_have_no_token_and_are_restricted(self):
        for name, pod in self.pods():
            with self.subTest(name):
                self.assertFalse(pod["automountServiceAccountToken"])
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in pod["containers"]:
                    self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
                    self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
                    if container["image"].startswith("orderflow/"):
                        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
                    self.assertLessEqual({"cpu", "memory"}, set(container["resources"]["requests"]))
                    self.assertIn("memory", container["resources"]["limits"])

    def test_deployments_end_in_good_order_and_are_spread(self):
        for overlay, item in self.kinds("Deployment"):
            with self.subTest(f"{overlay} {item['metadata']['name']}"):
                pod = item["spec"]["template"]["spec"]
                container, = pod["containers"]
                self.assertLessEqual({"startupProbe", "readinessProbe", "livenessProbe"}, set(container))
                sleep_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
                self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], sleep_s + 10)
                self.assertEqual({row["topologyKey"] for row in pod["topologySpreadConstraints"]},
                                 {"kubernetes.io/hostname", "topology.kubernetes.io/zone"})
                self.assertEqual(item["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0)
                self.assertIn(item["spec"]["selector"]["matchLabels"],
                              [budget["spec"]["selector"]["matchLabels"] for where, budget in self.kinds("PodDisruptionBudget")
                               if where == overlay])

    def test_programs_get_what_they_read_and_are_reached_where_they_listen(self):
        for name, pod in self.pods():
            for container in pod["containers"]:
                with self.subTest(f"{name} {container['name']}"):
                    known = variables_and_ports(container["image"])
                    if known is None:
                        continue
                    self.assertLessEqual({variable["name"] for variable in container.get("env", ())}, known[0])
                    for port in container.get("ports", ()):
                        self.assertEqual(port["containerPort"], known[1])

    def most_pods(self, name):
        """More would have no partition. The edge reads none."""
        if name == "edge":
            return 6
        program, catalog = f"{name}-service", json.loads((ROOT / "proto-events" / "catalog.json").read_text())
        read = {event["topic"] for event in catalog["events"] if program in event["consumers"]}
        partitions = max(topic["partitions"] for topic in catalog["topics"] if topic["name"] in read)
        return partitions // programs.default(built(program), "consumers")

    def test_each_deployment_has_two_pods_or_one_autoscaler_up_to_its_partitions(self):
        for overlay, item in self.kinds("Deployment"):
            with self.subTest(f"{overlay} {item['metadata']['name']}"):
                scalers = [scaler["spec"] for where, scaler in self.kinds("HorizontalPodAutoscaler", "ScaledObject")
                           if where == overlay and scaler["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"]]
                bounds = [tuple(value for name, value in sorted(spec.items(), reverse=True) if "Replica" in name)
                          for spec in scalers]  # the least, the most
                if "replicas" in item["spec"]:
                    self.assertEqual((item["spec"]["replicas"], bounds), (2, []))
                else:
                    self.assertEqual(bounds, [(2, self.most_pods(item["metadata"]["name"]))])

    def test_nobody_reaches_anybody_unless_it_is_said(self):
        for overlay in self.objects:
            policies = {item["metadata"]["name"]: item["spec"] for where, item in self.kinds("NetworkPolicy") if where == overlay}
            ports = {name: {port["port"] for way in policies[name]["egress"] for port in way["ports"]}
                     for name in ("dns", "payment", "check", "orderctl")}
            self.assertEqual(policies["default-deny"], {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
            self.assertEqual((policies["dns"]["podSelector"], ports["dns"]), ({}, {53}))
            self.assertLessEqual(ports["payment"], ports["check"] | ports["orderctl"], f"{overlay}: both ask the gateway")

    def test_the_check_asks_only_a_gateway_that_has_a_ledger(self):
        with_sandbox = {overlay for overlay, item in self.kinds("StatefulSet") if item["metadata"]["name"] == "gateway"}
        self.assertEqual(with_sandbox, {"dev"})
        for overlay, item in self.kinds("CronJob"):
            arguments = item["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]
            if arguments[0] == "check":
                self.assertEqual("--without-gateway" not in arguments, overlay in with_sandbox, overlay)

    def test_demo_products_are_for_trying_only(self):
        for overlay, item in self.kinds("ConfigMap"):
            if item["metadata"]["name"] == "products":
                self.assertEqual(item["data"]["products.jsonl"] != "", overlay == "dev", overlay)

    def test_kafka_has_its_full_name_where_it_is_asked_from_another_namespace(self):
        asked = {trigger["metadata"]["bootstrapServers"] for _, item in self.kinds("ScaledObject")
                 for trigger in item["spec"]["triggers"] if trigger["type"] == "kafka"}
        (_, kafka), = self.kinds("Kafka")
        self.assertEqual(asked, {f"{kafka['metadata']['name']}-kafka-bootstrap.{kafka['metadata']['namespace']}.svc:9092"})

    def test_full_scale_has_its_connections_and_no_alarm(self):
        """Six of each service, one more of each in an update; the alert fires at 80 % of what PostgreSQL allows."""
        loads = json.loads(capacity_page.FIGURES.read_text())["loads"].values()
        one_of_each = max(sum(load["connections"]["postgresql"].values()) for load in loads)
        (_, cluster), = self.kinds("Cluster")
        most = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
        for overlay, item in self.kinds("PrometheusRule"):
            rule, = (rule for group in item["spec"]["groups"] for rule in group["rules"]
                     if rule.get("alert") == "OrderflowDatabaseConnectionsHigh")
            threshold = int(rule["expr"].rsplit("> ", 1)[1])
            self.assertEqual(threshold, most * 8 // 10, overlay)
            self.assertGreater(threshold, one_of_each * 7, overlay)

    def test_kafka_lets_in_whom_a_policy_lets_out(self):
        """Strimzi's own NetworkPolicy lets in everybody where the listener names nobody."""
        (_, kafka), = self.kinds("Kafka")
        listener, = kafka["spec"]["kafka"]["listeners"]
        self.assertEqual(listener["networkPolicyPeers"], [
            {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "service"}}},
            {"podSelector": {"matchExpressions": [
                {"key": "app.kubernetes.io/name", "operator": "In", "values": ["check", "orderctl"]}]}},
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}])


class Schemas(unittest.TestCase):
    """Every object of every overlay against the schemas of Kubernetes 1.33, where scripts/setup --stacks has brought them
    and there is a kubectl. Operators' kinds have none there; tests/kubernetes/definitions_test.py asks an API server."""

    maxDiff = None
    MODULES = DEPS / "kubernetes-validate"
    OPERATORS = {"Cluster", "Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "PodMonitor", "PrometheusRule", "ScaledObject",
                 "ServiceMonitor", "TriggerAuthentication"}

    @classmethod
    def setUpClass(cls):
        if not cls.MODULES.is_dir():
            skip("the overlays against Kubernetes' schemas", "no kubernetes-validate; scripts/setup --stacks brings it")
        cls.rendered = rendered()

    def judged(self, texts):
        """What it says of each file of {name: text}, by the line."""
        with tempfile.TemporaryDirectory() as directory:
            for name, text in texts.items():
                pathlib.Path(directory, name).write_text(text)
            done = subprocess.run(["/usr/bin/python3", "-m", "kubernetes_validate", "--strict", "--kubernetes-version", "1.33",
                                   "--quiet", *texts], cwd=directory, env=os.environ | {"PYTHONPATH": str(self.MODULES)},
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def test_overlays_are_valid(self):
        texts, seen = {}, set()  # what several overlays have is looked at once
        for overlay, documents in self.rendered.items():
            texts[overlay] = "\n---\n".join(text for text in documents if text not in seen)
            seen.update(documents)
        unknown = r"WARN \w+ Couldn't find schema for kind (\w+) "
        said = self.judged(texts)
        self.assertEqual([line for line in said if not re.match(unknown, line)], [])
        self.assertEqual({re.match(unknown, line)[1] for line in said}, self.OPERATORS)

    def test_a_mistake_is_found(self):
        mistakes = {"a-member": ("terminationGracePeriodSeconds:", "terminationGraceSeconds:"),
                    "a-type": ("containerPort: 3001", "containerPort: three"),
                    "a-value": ("whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: [ScheduleAnyway]"),
                    "a-missing-one": ("selector:", "labelSelector:"),
                    "a-version": ("apiVersion: apps/v1", "apiVersion: apps/v2")}
        document = next(text for text in self.rendered["dev"] if "\nkind: Deployment\n" in text and "\n  name: order\n" in text)
        for right, _ in mistakes.values():
            self.assertIn(right, document)
        said = self.judged({name: document.replace(*mistake) for name, mistake in mistakes.items()})
        self.assertEqual([line.split()[1] for line in said], list(mistakes), said)
