"""A real Kubernetes cluster of one node, with the programs that tests/kubernetes/parts has built.

All of it runs in one network namespace and one mount namespace, which end with the process that holds them: etcd, the
control plane, kubelet with containerd and runc, kube-proxy, kube-router as the controller of NetworkPolicies, and
CoreDNS as a process of the node. The network namespace has no connection to the outside. The machine's own settings do
not change: kubelet reads the kernel settings that it requires from files of this module. Containers are in cgroups
below /orderflow-test; at the end all processes in these cgroups are killed. """

import contextlib
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from engine import CACHE, DEPS, CannotStart, end_with_parent

PARTS = CACHE / "kubernetes"
BIN = PARTS / "bin"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
            "kube-router", "coredns")
NEEDED = ("ip", "ipset", "iptables", "nsenter", "openssl", "runc", "unshare")
DOCKER = DEPS / "docker" / "usr" / "bin"
NODE = "172.31.0.1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
CGROUP = "orderflow-test"
PAUSE = "docker.io/orderflow/pause:1"
KERNEL = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
          "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}

PAUSE_C = """#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap); for (;;) pause(); }
"""


killed_with_parent = functools.partial(end_with_parent, signal.SIGKILL)


def check_parts():
    if os.geteuid() != 0:
        raise CannotStart("a node can be made by root only")
    missing = [name for name in PROGRAMS if not (BIN / name).exists()]
    if missing:
        raise CannotStart(f"no {', '.join(missing)} in {BIN}: tests/kubernetes/parts builds them once")
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        raise CannotStart(f"no {', '.join(missing)} on this machine; scripts/setup --stacks brings them")
    if not pathlib.Path("/sys/fs/cgroup/memory").is_dir():
        raise CannotStart("written for cgroup v1, which this machine does not have")


class Node:
    """A context manager: `with` starts the node. `kubectl` and `enter` run commands in it."""

    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.log = self.state / "log"
        self.pki = self.state / "pki"
        self.volumes = self.state / "volumes"
        self.kubeconfig = self.state / "admin.kubeconfig"
        self.processes = []
        self.holder = None
        self.run = None

    # ---- life ---------------------------------------------------------------------------------------

    def __enter__(self):
        check_parts()
        end_containers()  # those of an earlier node that was killed
        shutil.rmtree(self.state, ignore_errors=True)
        for directory in (self.log, self.pki, self.volumes):
            directory.mkdir(parents=True)
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="orderflow-node.", dir="/run"))
        try:
            self.make_certificates()
            self.make_namespaces()
            self.start_control_plane()
            self.start_worker()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()
        end_containers()
        if self.holder:
            self.holder.kill()
            self.holder.wait()
        shutil.rmtree(self.run, ignore_errors=True)

    def make_namespaces(self):
        """Starts a sleeping process that holds the namespaces."""
        fakes = self.state / "kernel"
        fakes.mkdir()
        lines = ["set -e", "mount --make-rprivate /", "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns"]
        for name, value in KERNEL.items():
            if pathlib.Path("/proc/sys", name).exists():
                fake = fakes / name.replace("/", "_")
                fake.write_text(f"{value}\n")
                lines.append(f"mount --bind {fake} /proc/sys/{name}")
        resolv = self.state / "resolv.conf"
        resolv.write_text(f"nameserver {NODE}\nsearch orderflow.svc.cluster.local svc.cluster.local cluster.local\n"
                          "options ndots:5\n")
        lines += ["mount --make-rshared /", f"mount --bind {resolv} /etc/resolv.conf",
                  "ip link set lo up", "ip link add node0 type bridge", f"ip address add {NODE}/24 dev node0",
                  "ip link set node0 up", "ip route add default via 172.31.0.254 dev node0",
                  "sysctl -qw net.ipv4.ip_forward=1", f"touch {self.run}/made", "exec sleep infinity"]
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", "\n".join(lines)],
                                       stdin=subprocess.DEVNULL, stderr=open(self.log / "namespaces", "w"),
                                       start_new_session=True, preexec_fn=killed_with_parent)
        self.wait("the namespaces", 10, (self.run / "made").exists, self.holder)

    def enter(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", f"--mount=/proc/{self.holder.pid}/ns/mnt",
                *map(str, command)]

    def start(self, name, *command):
        with open(self.log / name, "w", encoding="utf-8") as log:
            process = subprocess.Popen(self.enter(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=os.environ | {"PATH": f"{BIN}:{DOCKER}:{os.environ['PATH']}:/usr/sbin:/sbin"},
                                       start_new_session=True, preexec_fn=killed_with_parent)
        self.processes.append(process)
        return process

    def wait(self, what, seconds, done, process=None):
        end = time.monotonic() + seconds
        while not done():
            if process and process.poll() is not None or time.monotonic() > end:
                raise CannotStart(f"{what} did not come; logs: {self.log}")
            time.sleep(0.1)

    # ---- the control plane --------------------------------------------------------------------------

    def make_certificates(self):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key", "-out", "ca.crt",
                     "-subj", "/CN=test-ca")
        for name, subject, names in (
                ("apiserver", "/CN=kube-apiserver", "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
                                                    f"DNS:localhost,IP:127.0.0.1,IP:{NODE},IP:10.96.0.1"),
                ("admin", "/O=system:masters/CN=admin", ""),
                ("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client", ""),
                ("controllers", "/CN=system:kube-controller-manager", ""),
                ("scheduler", "/CN=system:kube-scheduler", ""),
                ("node", "/O=system:nodes/CN=system:node:node1", f"DNS:node1,IP:{NODE},IP:127.0.0.1"),
                ("proxy", "/CN=system:kube-proxy", "")):
            extra = ["-addext", f"subjectAltName={names}"] if names else []
            self.openssl("req", "-x509", "-CA", "ca.crt", "-CAkey", "ca.key", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                         "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", subject,
                         "-addext", "extendedKeyUsage=clientAuth,serverAuth", "-addext", "basicConstraints=CA:FALSE", *extra)
            self.write_kubeconfig(name)
        self.openssl("genrsa", "-out", "accounts.key", "2048")
        self.openssl("rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.pki, check=True, capture_output=True)

    def write_kubeconfig(self, name):
        (self.state / f"{name}.kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": "https://127.0.0.1:6443",
                                                      "certificate-authority": str(self.pki / "ca.crt")}}],
            "users": [{"name": "test", "user": {"client-certificate": str(self.pki / f"{name}.crt"),
                                                "client-key": str(self.pki / f"{name}.key")}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}))

    def start_control_plane(self):
        pki = self.pki
        self.start("etcd", BIN / "etcd", "--data-dir", self.state / "etcd", "--listen-client-urls", "http://127.0.0.1:2379",
                   "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", "http://127.0.0.1:2380",
                   "--unsafe-no-fsync")
        server = self.start(
            "apiserver", BIN / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443",
            "--bind-address=0.0.0.0", f"--advertise-address={NODE}", f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key", f"--client-ca-file={pki}/ca.crt",
            f"--service-account-key-file={pki}/accounts.pub", f"--service-account-signing-key-file={pki}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICES}",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt", f"--kubelet-client-key={pki}/kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP")
        self.wait("the API server", 60, lambda: self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0, server)
        self.start("controllers", BIN / "kube-controller-manager", f"--kubeconfig={self.state}/controllers.kubeconfig",
                   f"--service-account-private-key-file={pki}/accounts.key", f"--root-ca-file={pki}/ca.crt",
                   "--use-service-account-credentials=true", "--leader-elect=false", "--bind-address=127.0.0.1",
                   f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key")
        self.start("scheduler", BIN / "kube-scheduler", f"--kubeconfig={self.state}/scheduler.kubeconfig",
                   "--leader-elect=false", "--bind-address=127.0.0.1")

    def kubectl(self, *arguments, check=True, text=None, timeout=120):
        command = self.enter(BIN / "kubectl", "--kubeconfig", self.kubeconfig, *arguments)
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
        return done

    # ---- the worker ---------------------------------------------------------------------------------

    def start_worker(self):
        self.write_containerd()
        self.write_kubelet()
        self.containerd = self.start("containerd", DOCKER / "containerd", "-c", self.state / "containerd.toml")
        self.wait("containerd", 30, lambda: self.ctr("version", check=False).returncode == 0, self.containerd)
        self.make_pause()
        self.start("kubelet", BIN / "kubelet", f"--config={self.state}/kubelet.json",
                   f"--kubeconfig={self.state}/node.kubeconfig", "--hostname-override=node1", f"--node-ip={NODE}",
                   f"--root-dir={self.state}/kubelet", f"--cert-dir={self.state}/kubelet/pki")
        (self.state / "proxy.json").write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
            "clientConnection": {"kubeconfig": f"{self.state}/proxy.kubeconfig"}, "hostnameOverride": "node1",
            "clusterCIDR": PODS, "iptables": {"minSyncPeriod": "0s", "syncPeriod": "5s"},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}}))
        self.start("proxy", BIN / "kube-proxy", f"--config={self.state}/proxy.json")
        (self.state / "Corefile").write_text(
            f"cluster.local:53 in-addr.arpa:53 {{\n  bind {NODE}\n  kubernetes cluster.local in-addr.arpa {{\n"
            f"    kubeconfig {self.kubeconfig}\n    ttl 5\n  }}\n  errors\n}}\n")
        self.start("coredns", BIN / "coredns", "-conf", self.state / "Corefile")
        self.wait("the node", 90, self.is_ready)
        router = self.start("kube-router", BIN / "kube-router", f"--kubeconfig={self.kubeconfig}", "--run-firewall=true",
                   "-v=1", "--run-router=false", "--run-service-proxy=false", "--run-loadbalancer=false",
                   "--hostname-override=node1", f"--service-cluster-ip-range={SERVICES}")
        self.wait("kube-router", 30, lambda: "Starting network policy controller" in (self.log / "kube-router").read_text(), router)

    def is_ready(self):
        answer = self.kubectl("get", "node", "node1", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
                              check=False)
        return answer.stdout == "True"

    def write_containerd(self):
        root = self.state / "containerd"
        network = self.state / "network"
        network.mkdir()
        (network / "10-pods.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "pods", "plugins": [
                {"type": "ptp", "ipMasq": False, "mtu": 1400, "dns": {},
                 "ipam": {"type": "host-local", "dataDir": str(self.state / "addresses"), "routes": [{"dst": "0.0.0.0/0"}],
                          "ranges": [[{"subnet": PODS}]]}},
                {"type": "portmap", "capabilities": {"portMappings": True}}]}))
        (self.state / "containerd.toml").write_text(f"""version = 2
root = "{root}/root"
state = "{self.run}/containerd"
[grpc]
  address = "{self.run}/containerd.sock"
[ttrpc]
  address = "{self.run}/containerd.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{PAUSE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{PARTS}/cni"
    conf_dir = "{network}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
""")

    def write_kubelet(self):
        for controller in ("cpu", "cpuacct", "cpuset", "memory", "pids", "systemd", "blkio", "devices", "freezer"):
            if pathlib.Path("/sys/fs/cgroup", controller).is_dir():
                pathlib.Path("/sys/fs/cgroup", controller, CGROUP).mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            value = pathlib.Path("/sys/fs/cgroup/cpuset", name).read_text()
            pathlib.Path("/sys/fs/cgroup/cpuset", CGROUP, name).write_text(value)
        (self.state / "kubelet.json").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "address": NODE,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": f"{self.pki}/ca.crt"}},
            "authorization": {"mode": "Webhook"}, "tlsCertFile": f"{self.pki}/node.crt",
            "tlsPrivateKeyFile": f"{self.pki}/node.key",
            "containerRuntimeEndpoint": f"unix://{self.run}/containerd.sock", "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{CGROUP}", "cgroupsPerQOS": True, "enforceNodeAllocatable": ["pods"], "failSwapOn": False,
            "failCgroupV1": False, "clusterDNS": [NODE], "clusterDomain": "cluster.local",
            "resolvConf": "/etc/resolv.conf", "podLogsDir": f"{self.state}/pods", "registerNode": True,
            "protectKernelDefaults": True, "makeIPTablesUtilChains": False, "maxPods": 60, "serializeImagePulls": False,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100, "healthzBindAddress": "127.0.0.1",
            "systemReserved": {}, "kubeReserved": {}, "volumePluginDir": f"{self.state}/plugins"}))

    def ctr(self, *arguments, check=True, **options):
        return subprocess.run(self.enter(DOCKER / "ctr", "-a", f"{self.run}/containerd.sock", "-n", "k8s.io", *arguments),
                              check=check, capture_output=True, **options)

    def import_images(self, archive):
        self.ctr("images", "import", archive)

    def make_pause(self):
        """Builds the image of each pod's first container from ten lines of C, because no image can be pulled."""
        work = self.state / "pause"
        root = work / "root"
        root.mkdir(parents=True)
        (work / "pause.c").write_text(PAUSE_C)
        subprocess.run(["gcc", "-Os", "-static", "-o", root / "pause", work / "pause.c"], check=True)
        write_image(work / "image", root, PAUSE, ["/pause"])
        self.ctr("images", "import", work / "image.tar")


def write_image(directory, root, name, command):
    """Writes an image archive of one layer in the format of `docker save`, without Docker."""
    directory.mkdir()
    subprocess.run(["tar", "-C", root, "--owner=0", "--group=0", "--numeric-owner", "-cf", directory / "layer.tar", "."],
                   check=True)
    digest = subprocess.run(["sha256sum", directory / "layer.tar"], check=True, capture_output=True, text=True).stdout.split()[0]
    (directory / "config.json").write_text(json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": command, "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}))
    (directory / "manifest.json").write_text(json.dumps([
        {"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]))
    subprocess.run(["tar", "-C", directory, "-cf", f"{directory}.tar", "manifest.json", "config.json", "layer.tar"],
                   check=True)


def end_containers():
    """Kills all processes in the cgroups of this module and removes the cgroups; also kills the containerd-shim of each
    container."""
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (directory / "cmdline").read_bytes()
            if b"containerd-shim" in command and b"/run/orderflow-node." in command:
                os.kill(int(directory.name), signal.SIGKILL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        left = set()
        for tasks in pathlib.Path("/sys/fs/cgroup/memory", CGROUP).glob("**/cgroup.procs"):
            with contextlib.suppress(OSError):
                left |= {int(pid) for pid in tasks.read_text().split()}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            break
        time.sleep(0.2)
    for controller in pathlib.Path("/sys/fs/cgroup").iterdir():
        for directory in sorted((controller / CGROUP).glob("**/"), reverse=True):
            with contextlib.suppress(OSError):
                directory.rmdir()
