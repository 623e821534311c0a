"""The project's own commands in its pages, and whether they could be typed: against the options of every program, which
docs/operating.md has (scripts/write-options writes them there, and a system test holds them to the programs)."""

import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENDS = ";&|()<>\n"  # of a command


def options():
    """{"orderctl topics": {"--json": takes a value, …}, …}: what each program, and each command of it, knows."""
    page = (ROOT / "docs" / "operating.md").read_text()
    section = page[page.index("<!-- options: begin -->"):page.index("<!-- options: end -->")]
    found = {}
    for title, text in re.findall(r"^#### `(.+?)`\n\n```\n(.*?)\n```$", section, re.M | re.S):
        if " [OPTIONS]" in text:  # its examples name other commands' options
            text = "\n".join(line for line in text.splitlines() if re.match(r" +(-\w,)?--", line))
        known = {"--help": False}
        for name, value in re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)(=| (?:\{|[A-Z]))?", text):
            known[name] = known.get(name, False) or bool(value)
        found[title] = known
    return found


def without_comments(text):
    """Of a shell, and with continued lines joined."""
    out, quote = [], ""
    for at, char in enumerate(text):
        if quote == "#":
            quote = "" if char == "\n" else "#"
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#" and (at == 0 or text[at - 1].isspace()):
            quote = "#"
        if quote != "#":
            out.append(char)
    return "".join(out).replace("\\\n", " ")


def words_of(text):
    """Each simple command of a piece of shell, as words; without variables that are set before it."""
    lexer = shlex.shlex(without_comments(text), posix=True, punctuation_chars=ENDS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    command = []
    for word in [*lexer, "\n"]:
        if word[0] in ENDS:
            while command and re.match(r"[A-Za-z_]\w*=", command[0]):
                command.pop(0)
            if command:
                yield command
            command = []
        else:
            command.append(word)


def in_page(text):
    """Those of blocks of shell, and of pieces of code within lines."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.M | re.S):
        yield from words_of(block)
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose):
        try:
            yield from words_of(code.replace("…", ""))
        except ValueError:  # half a quotation: no command
            pass


def wrong(command, known):
    """What is wrong with a command of the project's own; None: nothing, or it is another's."""
    program = re.sub(r"^(\./)?(build/\w+/bin/)?", "", command[0])
    if program not in known:
        missing = re.match(r"(scripts|tests|deploy|proto-events)/[\w/-]+$", program) and not (ROOT / program).exists()
        return "there is no such file" if missing else None
    title, allowed, skip = program, dict(known[program]), False
    for word in command[1:]:
        if skip:
            skip = False
        elif word.startswith("--") and len(word) > 2:
            name, has_value, _ = word.partition("=")
            if name not in allowed:
                return f"{title} has no option {name}"
            skip = allowed[name] and not has_value
        elif f"{title} {word}" in known:
            title = f"{title} {word}"
            allowed |= known[title]
        elif re.match(r"[a-z]", word) and any(other.startswith(f"{title} ") for other in known):
            return f"{title} has no command {word}"
    return None
