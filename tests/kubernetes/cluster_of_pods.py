"""The stack of deploy/kubernetes for tests that run in the node's namespaces, where the names of Services resolve."""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "compose"), str(ROOT / "tests" / "system")]

from node import NODE  # noqa: E402
from stack_of_containers import write_stack_env  # noqa: E402

STATE = pathlib.Path(os.environ.get("ORDERFLOW_NODE_STATE", ROOT / "build" / "kubernetes"))
EDGE = "http://edge"
VOLUMES = {"data-kafka-0": "10Gi", "data-postgres-0": "10Gi", "data-gateway-0": "1Gi"}


def kubectl(*arguments, check=True, text=None, timeout=180):
    done = subprocess.run(["kubectl", *map(str, arguments)], input=text, text=True, capture_output=True, check=False,
                          timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {(done.stderr or done.stdout)[-3000:]}")
    return done


def get(*arguments):
    return json.loads(kubectl("get", "-n", "orderflow", *arguments, "-o", "json").stdout)


def apply(objects):
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=objects)


def deploy():
    """Applies the namespace, volumes, Secrets and the overlay."""
    apply((ROOT / "deploy/kubernetes/base/namespace.yaml").read_text())
    apply(json.dumps(dns_of_the_node()))
    apply("".join("---\n" + json.dumps(volume(claim, size)) + "\n" for claim, size in VOLUMES.items()))
    made = subprocess.run([ROOT / "deploy/kubernetes/make-secrets", STATE / "secrets"], check=True, capture_output=True,
                          text=True)
    apply(made.stdout)
    kubectl("apply", "-k", ROOT / "deploy/kubernetes/overlays/dev")


def dns_of_the_node():
    """Returns a policy that allows the DNS of this node. The overlay's policy `dns` allows pods in kube-system only,
    but here the cluster's DNS is a process of the node."""
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "dns-of-the-node", "namespace": "orderflow"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"],
                     "egress": [{"to": [{"ipBlock": {"cidr": f"{NODE}/32"}}],
                                 "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}]}}


def volume(claim, size):
    """Returns a volume in a directory of this machine for a claim, because the node has no provisioner."""
    directory = STATE / "volumes" / claim
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": claim},
            "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"],
                     "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(directory)},
                     "claimRef": {"namespace": "orderflow", "name": claim}}}


def sick():
    """Returns the pods that are not ready and have not succeeded."""
    wrong = []
    for pod in get("pods")["items"]:
        status = pod["status"]
        ready = any(row["type"] == "Ready" and row["status"] == "True" for row in status.get("conditions", []))
        if status["phase"] != "Succeeded" and not ready:
            reasons = [(row.get("state", {}).get("waiting") or {}).get("reason") for row in status.get("containerStatuses", [])]
            wrong.append(f"{pod['metadata']['name']}: {status['phase']} {reasons}")
    return wrong


def pods(name):
    """Returns the running pods with this name, without those that are being deleted."""
    found = get("pods", "-l", f"app.kubernetes.io/name={name}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] == "Running"]


def write_env():
    secrets = STATE / "secrets"
    ca = secrets / "ca" / "ca.pem"
    write_stack_env(STATE, EDGE, secrets / "operator", ca, KAFKA_BROKERS="kafka:9092", TOPIC_REPLICATION="1",
                    STACK_KAFKA_USERS=secrets / "topics/users", GATEWAY_URL="https://gateway:3011", GATEWAY_CA_FILE=ca)
    os.environ["SSL_CERT_FILE"] = str(ca)  # for this process's own requests to the gateway
