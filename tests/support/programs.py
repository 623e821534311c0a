"""What the programs say of themselves, where they have been built: in ORDERFLOW_BIN, else in build/release."""

import functools
import os
import pathlib
import re
import subprocess

RELEASE = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "bin"


def find(name):
    """None: it has not been built."""
    places = (pathlib.Path(os.environ.get("ORDERFLOW_BIN") or RELEASE), RELEASE)
    return next((place / name for place in places if (place / name).exists()), None)


@functools.cache
def help_of(program, *command):
    return subprocess.run([program, *command, "--help"], check=True, capture_output=True, text=True, timeout=30).stdout


def environment_names(program):
    """Which variables it reads, and its commands do."""
    listed = re.split(r"^(?i:subcommands:)", help_of(program), flags=re.M)[1:]
    commands = re.findall(r"^  (\w+) +\S", "".join(listed), re.M)
    texts = [help_of(program), *(help_of(program, command) for command in commands)]
    return set(re.findall(r"\(Env:(\w+)\)", "".join(texts)))


def default(program, option):
    """A number; how help shows it differs between versions of the library that prints it."""
    return int(re.search(rf"^ +--{option} .*?(?:=| \[)(\d+)\]?\s+\(Env:", help_of(program), re.M)[1])


def version(program):
    """What orderflow_build_info says of a program from this build."""
    cache = program.parents[1] / "CMakeCache.txt"
    return re.search(r"^CMAKE_PROJECT_VERSION:STATIC=(.+)$", cache.read_text(), re.M)[1]
