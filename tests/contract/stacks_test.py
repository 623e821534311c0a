"""What is deployed says the same as what it follows from: manifests as the catalog and the published rights, .env as
docker-compose.yml, images as their version; and what no stack may have: a port for everybody, a tag that moves."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
import kafka_access  # pylint: disable=wrong-import-position

COMPOSE = ROOT / "docker-compose.yml"
KUBERNETES = ROOT / "deploy" / "kubernetes"
DEPS = pathlib.Path(os.environ.get("ORDERFLOW_DEPS") or ROOT / ".deps")
JOBS = re.compile(r"secrets|roles|topics(-single)?|products|\w+-migrate|orderctl")


def compose():
    return yaml.safe_load(COMPOSE.read_text())["services"]


class Compose(unittest.TestCase):
    maxDiff = None

    def test_every_variable_stands_in_env_with_its_default(self):
        used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE.read_text()))
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

    def test_everything_is_confined(self):
        for name, service in compose().items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertIn("restart", service, name)
            self.assertIn("logging", service, name)
            if service["image"].startswith("orderflow/"):
                self.assertTrue(service["read_only"], name)
            if not JOBS.fullmatch(name):
                self.assertIn("memory", service["deploy"]["resources"]["limits"], name)
                self.assertIn("pids", service["deploy"]["resources"]["limits"], name)

    def test_no_password_stands_in_it(self):
        for name, value in re.findall(r"^\s+(\w*(?:PASSWORD|SECRET|TOKEN)\w*): (.*)$", COMPOSE.read_text(), re.M):
            self.assertRegex(value, r"^/run/secrets/", name)

    def test_images_carry_the_version_of_the_programs(self):
        version = re.search(r"project\(orderflow VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        said = set(re.findall(r"ARG VERSION=(.*)", (ROOT / "deploy/docker/Dockerfile").read_text()))
        said |= set(re.findall(r"ORDERFLOW_VERSION:-([\d.]+)", COMPOSE.read_text()))
        for overlay in KUBERNETES.glob("overlays/*/kustomization.yaml"):
            said |= set(re.findall(r"name: orderflow/[\w-]+, newTag: ([\w.]+)", overlay.read_text()))
        self.assertEqual(said, {version})


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


class Schemas(unittest.TestCase):
    """Every object of every overlay against the schemas of Kubernetes 1.33, where scripts/setup --stacks has brought them
    and there is a kubectl. Operators' kinds have none there; tests/kubernetes/definitions_test.py asks an API server."""

    maxDiff = None
    MODULES = DEPS / "kubernetes-validate"
    OPERATORS = {"Cluster", "HTTPRoute", "Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "PrometheusRule", "ScaledObject",
                 "ServiceMonitor", "TriggerAuthentication"}

    @classmethod
    def setUpClass(cls):
        kubectl = shutil.which("kubectl")
        missing = [name for name, there in (("kubectl", kubectl), (cls.MODULES.name, cls.MODULES.is_dir())) if not there]
        if missing:
            print(f"not run here: the overlays against Kubernetes' schemas (no {', no '.join(missing)})", flush=True)
            raise unittest.SkipTest(f"no {', no '.join(missing)}")
        cls.rendered = {overlay.name: subprocess.run([kubectl, "kustomize", overlay], check=True, capture_output=True,
                                                     text=True).stdout
                        for overlay in sorted((KUBERNETES / "overlays").iterdir())}

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
        unknown = r"WARN \w+ Couldn't find schema for kind (\w+) "
        said = self.judged(self.rendered)
        self.assertEqual([line for line in said if not re.match(unknown, line)], [])
        self.assertEqual({re.match(unknown, line)[1] for line in said}, self.OPERATORS)

    def test_a_mistake_is_found(self):
        mistakes = {"a-member": ("terminationGracePeriodSeconds:", "terminationGraceSeconds:"),
                    "a-type": ("containerPort: 3001", "containerPort: three"),
                    "a-value": ("whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: [ScheduleAnyway]"),
                    "a-missing-one": ("selector:", "labelSelector:"),
                    "a-version": ("apiVersion: apps/v1", "apiVersion: apps/v2")}
        document = next(text for text in self.rendered["dev"].split("\n---\n")
                        if "\nkind: Deployment\n" in text and "\n  name: order\n" in text)
        for right, _ in mistakes.values():
            self.assertIn(right, document)
        said = self.judged({name: document.replace(*mistake) for name, mistake in mistakes.items()})
        self.assertEqual([line.split()[1] for line in said], list(mistakes), said)
