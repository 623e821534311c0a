"""Markdown as tests read it: prose, headings and links."""

import re


def without_blocks(text):
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)


def prose(text):
    """Without blocks of code and targets of links."""
    return re.sub(r"\]\([^)]*\)", "]", without_blocks(text))


def anchors(text):
    """The anchors that GitHub gives a page's headings."""
    found = []
    for heading in re.findall(r"^#{1,6} +(.*?)[ #]*$", without_blocks(text), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        seen = sum(re.fullmatch(re.escape(anchor) + r"(-\d+)?", other) is not None for other in found)
        found.append(f"{anchor}-{seen}" if anchor in found else anchor)
    return set(found)


def broken_links(page, text):
    """Of this text of a page: links to files, and to headings in them, that are not there."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or anchor and anchor not in anchors(file.read_text()):
            broken.append(target)
    return broken
