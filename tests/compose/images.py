"""Gets the images: pulls the public ones or builds their stand-ins, and builds those of orderflow."""

import pathlib
import shutil
import subprocess
import sys
import time

from engine import CannotStart

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST_PROGRAMS = "orderflow/programs:host"
PUBLIC = ("kafka-1", "postgres", "prometheus", "alertmanager")  # the services that use them


def say(text):
    print(f"   {text}", flush=True)


def revision():
    """Returns the commit that is checked out. Without git it is `unknown`, the default of docker-compose.yml."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else "unknown"


def build_images(docker, state, version, from_source=False):
    """Builds all images with the version as their tag. Without from_source, it copies the programs of build/release and
    compiles nothing."""
    environment = docker.environment | {"ORDERFLOW_VERSION": version, "ORDERFLOW_REVISION": revision(),
                                        "COMPOSE_PROFILES": "cluster,tools"}
    pulled = subprocess.run(["docker", "compose", "pull", "--quiet", "--policy", "missing", *PUBLIC],
                            cwd=ROOT, env=environment, capture_output=True, check=False)
    if pulled.returncode != 0:
        if not shutil.which("cargo"):
            raise CannotStart("images cannot be pulled, and cargo is missing, which downloads nginx's sources")
        say("images cannot be pulled here: building stand-ins")
        subprocess.run([ROOT / "deploy/compose/offline/build"], env=docker.environment, check=True)
    arguments = []
    if not from_source:
        begin = time.monotonic()
        import_programs(docker, state / "programs")
        arguments = ["--build-arg", f"PROGRAMS={HOST_PROGRAMS}"]
        say(f"programs of build/release ({time.monotonic() - begin:.0f} s)")
    begin = time.monotonic()
    built = subprocess.run(["docker", "compose", "--progress", "plain", "build", *arguments], cwd=ROOT, env=environment,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    (state / "build.log").write_text(built.stdout)
    if built.returncode != 0:
        sys.exit("\n".join(built.stdout.splitlines()[-30:]))
    say(f"images built ({time.monotonic() - begin:.0f} s)")


def import_programs(docker, root):
    """Collects on this machine what the Dockerfile's stage `compiled` has in /out."""
    stamp = next((ROOT / ".deps/stamps").glob("librdkafka-*")).name
    subprocess.run([ROOT / "deploy/docker/collect", "--into", root / "out", "--build", ROOT / "build/release",
                    "--made-here", f"{ROOT / '.deps/prefix'}={stamp}", "--made-here", str(ROOT)], check=True,
                   stdout=subprocess.DEVNULL)
    with subprocess.Popen(["tar", "-C", root, "-c", "out"], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "-", HOST_PROGRAMS], stdin=tar.stdout, check=True,
                       env=docker.environment, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
