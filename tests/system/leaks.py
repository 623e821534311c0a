"""Passwords and keys of a stack where they must not stand: logs, command lines, what else can be read."""

import pathlib
import re

PARTS = ("postgres", "kafka", "gateway", "order", "payment", "inventory", "shipping", "analytics", "edge")
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", re.S)


def secrets_of(env):
    """{what it is: its text as bytes} of all that the stack's data holds."""
    data, found = pathlib.Path(env["STACK_DATA"]), {}
    for line in (data / "secrets").read_text().splitlines():
        name, value = line.split("=", 1)
        found[name] = value
    for file in [*data.glob("passwords/kafka/*"), *data.glob("passwords/gateway")]:
        found[f"the password in {file}"] = file.read_text().strip()
    for file in data.glob("passwords/gateway"):
        found["the gateway's token"] = file.read_text().strip()
    for file in data.glob("tls/*.*"):
        for number, line in enumerate(line for key in KEY.findall(file.read_text()) for line in key.split()):
            found[f"line {number} of the key in {file.name}"] = line
    return {name: text.encode() for name, text in found.items()}


def found_in(texts, secrets):
    """Sentences, one for each secret in each text of {where: bytes}."""
    return [f"{name} stands in {where}" for where, text in texts.items() for name, secret in secrets.items()
            if secret in text]


def logs(env):
    return {str(file): file.read_bytes() for file in (pathlib.Path(env["STACK_STATE"]) / "log").iterdir()}


def processes(env, what):
    """{/proc/PID/`what`: its bytes} of the stack's processes and their children; `what`: cmdline or environ."""
    started = {env[f"{part.upper()}_PID"] for part in PARTS if f"{part.upper()}_PID" in env}
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = (directory / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if started & {directory.name, parent}:
                name = (directory / "comm").read_text().strip()
                found[f"{directory / what} ({name})"] = (directory / what).read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
