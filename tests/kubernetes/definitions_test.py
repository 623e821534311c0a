"""Tests each overlay with a server-side dry run, which uses the operators' real definitions, and with a linter. The dry
run must also reject a copy with a mistake, otherwise it would prove nothing."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from cluster_of_pods import ROOT, kubectl
from stack import eventually

OVERLAYS = ("dev", "production", "managed")
ALONE = ("gateway-api",)  # components that no overlay uses
DEFINITIONS = pathlib.Path.home() / ".cache/orderflow/kubernetes/crds"
# Findings of kube-score that are intended. Left out everywhere, by a flag or the name of the test:
#   CPU limits: a service that is throttled in a burst makes orders wait. Requests define the share of each service when
#   all need more CPU.
#   pull policy Always: images have exact tags.
#   pod anti-affinity: topologySpreadConstraints spread the pods, and do not reject a pod if there are few nodes.
IGNORED = ("--ignore-container-cpu-limit", "--ignore-test", "container-image-pull-policy",
           "--ignore-test", "deployment-has-host-podantiaffinity")
EXPLAINED = {
    "The NetworkPolicys selector doesn't match any pods": {"kafka", "postgres"},  # the operators create the pods
    "Deployment few replicas": {"order", "payment", "inventory", "shipping", "analytics"},  # KEDA sets at least two
}


def setUpModule():
    kubectl("apply", "--server-side", "-f", DEFINITIONS, "--recursive", timeout=300)
    kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    kubectl("apply", "--server-side", "-f", ROOT / "deploy/kubernetes/base/namespace.yaml")
    kubectl("delete", "jobs", "--all", "-n", "orderflow")  # Jobs of another overlay: a Job cannot be changed


def rendered(overlay):
    return kubectl("kustomize", ROOT / "deploy/kubernetes/overlays" / overlay).stdout


def rendered_alone(component):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.relpath(ROOT / "deploy/kubernetes/components" / component, pathlib.Path(directory).resolve())
        pathlib.Path(directory, "kustomization.yaml").write_text(f"namespace: orderflow\ncomponents: [{path}]\n")
        return kubectl("kustomize", directory).stdout


def dry_run(objects):
    return kubectl("apply", "--server-side", "--dry-run=server", "--field-manager=test", "--force-conflicts",
                   "--validate=strict", "-f", "-", text=objects, check=False)


class Definitions(unittest.TestCase):
    maxDiff = None

    def test_overlays_are_taken(self):
        everything = {overlay: rendered(overlay) for overlay in OVERLAYS}
        everything |= {component: rendered_alone(component) for component in ALONE}
        for name, objects in everything.items():
            with self.subTest(name):
                # The API server may not know a new kind immediately after its definition was applied.
                done = eventually(30, lambda objects=objects: dry_run(objects).returncode == 0, 2)
                self.assertTrue(done, dry_run(objects).stderr)

    def test_a_mistake_is_refused(self):
        for overlay, right, wrong in (
                ("production", "minReplicaCount: 2", "minReplicas: 2"),
                ("production", "type: scram-sha-512", "type: scram-sha-511"),
                ("production", "instances: 3", "instances: 0"), ("production", "jobLabel:", "jobLable:"),
                ("dev", "terminationGracePeriodSeconds: 20", "terminationGraceSeconds: 20")):
            objects = rendered(overlay)
            self.assertIn(right, objects)
            with self.subTest(wrong):
                self.assertNotEqual(dry_run(objects.replace(right, wrong)).returncode, 0, wrong)

    def test_no_pod_would_be_refused(self):
        """`enforce: restricted` rejects pods only; for a Deployment the dry run prints a warning."""
        for overlay in OVERLAYS:
            self.assertNotIn("would violate PodSecurity", dry_run(rendered(overlay)).stderr, overlay)

    def test_what_a_linter_finds_is_explained(self):
        for overlay in OVERLAYS:
            done = subprocess.run(["kube-score", "score", "--output-format", "json", *IGNORED, "-"], input=rendered(overlay),
                                  capture_output=True, text=True, check=False)
            for item in json.loads(done.stdout):
                for check in item["checks"]:
                    for comment in check["comments"] or () if check["grade"] < 10 and not check["skipped"] else ():
                        names = EXPLAINED.get(comment["summary"], set())
                        self.assertIn(item["object_meta"]["name"], names, f"{overlay}: {check['check']['name']}: {comment}")
