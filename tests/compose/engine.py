"""A Docker engine for tests: the machine's own engine if it answers, otherwise one that this module starts.

Its programs are those that scripts/setup --stacks has unpacked. It runs in its own network namespace, which is
connected to the outside by slirp4netns only. So the machine's network is not changed, and the published ports of
containers cannot be reached from outside. The images that it builds stay in ~/.cache/orderflow/docker for the next run.
"""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPS = pathlib.Path(os.environ.get("ORDERFLOW_DEPS") or ROOT / ".deps")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "orderflow"
PR_SET_PDEATHSIG = 1
NEEDED = ("containerd", "dockerd", "ip", "iptables", "nsenter", "runc", "slirp4netns", "unshare")
START_S = 60


class CannotStart(Exception):
    """No engine, or no cluster (tests/kubernetes), can be started here. The text contains the reason."""


def answers(environment):
    done = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], env=environment,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def programs():
    """Returns the environment with the unpacked programs in PATH."""
    unpacked = DEPS / "docker" / "usr"
    path = f"{unpacked}/bin:{unpacked}/sbin:{os.environ['PATH']}:/usr/sbin:/sbin"
    return os.environ | {"PATH": path}


class Engine:
    """`environment`: for the command docker. `namespace`: the pid of a process in the network namespace of the
    containers; None: they are in this process's namespace."""

    def __init__(self, environment, namespace):
        self.environment = environment
        self.namespace = namespace

    def docker(self, *arguments, check=True, **options):
        options = {"capture_output": True, "text": True} | options
        done = subprocess.run(["docker", *arguments], env=self.environment, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
        return done


@contextlib.contextmanager
def engine():
    if os.environ.get("DOCKER_HOST") or shutil.which("docker") and answers(os.environ):
        if not answers(os.environ):
            raise CannotStart(f"no Docker engine answers at {os.environ['DOCKER_HOST']}")
        yield Engine(dict(os.environ), None)
        return
    environment = programs()
    if os.geteuid() != 0:
        raise CannotStart("no Docker answers, and an engine can be started by root only")
    missing = [name for name in NEEDED if not shutil.which(name, path=environment["PATH"])]
    if missing:
        raise CannotStart(f"no Docker engine answers, and {', '.join(missing)} is missing; use scripts/setup --stacks")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "docker.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart("another test uses the engine") from None
        await_end_of_another()
        with own_engine(environment) as own:
            yield own


def await_end_of_another():
    """If a test was killed, its engine gets a signal to end, but needs some time for it."""
    pid_file, end = CACHE / "docker.pid", time.monotonic() + 60
    while pid_file.exists() and time.monotonic() < end:
        pid = pid_file.read_text(encoding="utf-8").strip()
        with contextlib.suppress(FileNotFoundError):
            if b"dockerd" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                time.sleep(0.2)
                continue
        pid_file.unlink(missing_ok=True)


@contextlib.contextmanager
def own_engine(environment):
    run = pathlib.Path(tempfile.mkdtemp(prefix="orderflow-docker.", dir="/run"))  # the path of a socket must be short
    plugins = run / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    for plugin in (DEPS / "docker" / "usr" / "libexec" / "docker" / "cli-plugins").iterdir():
        (plugins / plugin.name).symlink_to(plugin)
    environment = environment | {"DOCKER_HOST": f"unix://{run}/docker.sock", "DOCKER_CONFIG": str(run / "config")}
    log = open(CACHE / "docker.log", "w", encoding="utf-8")  # pylint: disable=consider-using-with
    daemon = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh",
         "dockerd", "--host", f"unix://{run}/docker.sock", "--data-root", CACHE / "docker", "--exec-root", run / "exec",
         "--pidfile", CACHE / "docker.pid", "--storage-driver", "overlay2", "--dns", "10.0.2.3", "--mtu", "1400"],
        env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        preexec_fn=end_with_parent)
    way_out = None
    try:
        way_out = subprocess.Popen(
            ["slirp4netns", "--configure", "--mtu=1400", "--disable-host-loopback", str(namespace_of(daemon)), "tap0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=end_with_parent)
        await_answer(daemon, environment, log.name)
        yield Engine(environment, daemon.pid)
    finally:
        for process, name in ((daemon, "dockerd"), (way_out, "slirp4netns")):
            stop(process, name)
        log.close()
        shutil.rmtree(run, ignore_errors=True)


def end_with_parent(by=signal.SIGTERM):
    """For preexec_fn: the process gets this signal when its parent ends for any reason."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)


def namespace_of(daemon):
    """Waits until the daemon is in its own network namespace, and returns its pid."""
    ours, end = os.readlink("/proc/self/ns/net"), time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{daemon.pid}/ns/net") != ours:
                return daemon.pid
        time.sleep(0.02)
    raise CannotStart("unshare could not create a network namespace")


def await_answer(daemon, environment, log):
    end = time.monotonic() + START_S
    while not answers(environment):
        if daemon.poll() is not None or time.monotonic() > end:
            words = pathlib.Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
            raise CannotStart("dockerd does not start here: " + " | ".join(words[-3:]))
        time.sleep(0.2)


def stop(process, name):
    if process is None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        print(f"{name} did not end within 60 s: killed", file=sys.stderr)
        process.kill()
        process.wait()
