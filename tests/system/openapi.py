"""api/openapi.yaml as a judge: says what an answer, and the request that it answers, do not keep of the contract."""

import json
import pathlib
import re
import urllib.parse

import jsonschema
import yaml

PATH = pathlib.Path(__file__).resolve().parents[2] / "api" / "openapi.yaml"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Times stay text."""


Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers
                                          if tag != "tag:yaml.org,2002:timestamp"]
                                  for first, resolvers in Loader.yaml_implicit_resolvers.items()}
DOCUMENT = yaml.load(PATH.read_text(encoding="utf-8"), Loader)  # noqa: S506 (a SafeLoader)


def resolved(node):
    """What a local $ref leads to."""
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


METHODS = ("get", "put", "post", "delete", "patch")
VALIDATORS = {}


def errors(value, schema):
    """["/items/0/price: -1 is less than the minimum of 0", …]"""
    validator = VALIDATORS.get(id(schema))
    if validator is None:  # the schemas are the document's, and live as long
        rooted = {"allOf": [schema], "components": DOCUMENT["components"]}
        validator = VALIDATORS[id(schema)] = jsonschema.Draft202012Validator(rooted)
    return ["/" + "/".join(map(str, error.absolute_path)) + ": " + error.message
            for error in validator.iter_errors(value)]


def pattern_of(template):
    parts = [re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+)"
             for i, part in enumerate(re.split(r"{(\w+)}", template))]
    return re.compile("".join(parts))


PATTERNS = sorted(((pattern_of(template), template) for template in DOCUMENT["paths"]),
                  key=lambda pair: pair[1].count("{"))  # literals first, as the router


def route(path):
    """(item, path variables), of the template that fits; None if none does."""
    for pattern, template in PATTERNS:
        if found := pattern.fullmatch(path):
            return DOCUMENT["paths"][template], {name: urllib.parse.unquote(value)
                                                 for name, value in found.groupdict().items()}
    return None


def parsed(data):
    """What a body says in JSON; None if it does not."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# What any request may be answered, whether its path and method are described or not.
ANYWHERE = {400: "Malformed", 403: "ForeignOrigin", 404: "NotFound", 405: "MethodNotAllowed", 408: "Timeout",
            413: "TooLarge", 414: "UriTooLong", 417: "Expectation", 431: "HeadersTooLarge", 503: "Unavailable"}


def methods(part, item):
    """The methods of the path that a service, or the edge, says it has; whoever is not known may have them all."""
    found = {method for method in METHODS if method in item}
    if part == "edge":
        return {method for method in found if any(server["url"].endswith(":3000") for server
                                                  in item[method].get("servers", item["servers"]))}
    if part in (tag["name"] for tag in DOCUMENT["tags"]):
        return {method for method in found if part in item[method]["tags"]}
    return found


def judge(part, method, path, request_body, status, headers, body):
    """What is wrong, line by line. `part` answered: "order", "edge", …; `path` is without query; `headers` knows names
    without case; `body` of an answer to HEAD is None."""
    found = route(path)
    if found and not methods(part, found[0]):
        found = None
    item, variables = found or ({}, {})
    operation = item.get("get" if method == "HEAD" else method.lower())
    if operation is None or status == 405:
        if status not in ANYWHERE or status == 404 and found:
            return [f"{status} is not described"]
        return judge_answer(DOCUMENT["components"]["responses"][ANYWHERE[status]], headers, body)
    response = operation["responses"].get(str(status))
    if response is None:
        return [f"{status} is not described"]
    wrong = judge_answer(resolved(response), headers, body)
    return wrong + judge_request(operation, item, variables, request_body, status, body)


def judge_answer(response, headers, body):
    wrong = []
    for name, header in response.get("headers", {}).items():
        header, value = resolved(header), headers.get(name)
        if value is None:
            wrong += [f"the header {name} is missing"] if header.get("required") else []
        else:
            integer = resolved(header["schema"]).get("type") == "integer" and value.isdecimal()
            wrong += [f"{name}{error}" for error in errors(int(value) if integer else value, header["schema"])]
    content = response.get("content", {})
    media = (headers.get("Content-Type") or "").split(";")[0]
    if body is None or not content and not body:
        return wrong
    if media not in content:
        return wrong + [f"the content type {media!r} is not described"]
    if media.endswith("json"):
        return wrong + errors(json.loads(body), content[media]["schema"])
    return wrong


def costs_nothing(request):
    """An order of which every line has the price 0."""
    lines = request.get("items") if isinstance(request, dict) else None
    return bool(lines) and all(isinstance(line, dict) and line.get("price") == 0 for line in lines)


def judge_request(operation, item, variables, request_body, status, body):
    """What was accepted is valid; what was refused as invalid is not."""
    wrong = []
    for parameter in map(resolved, item.get("parameters", []) + operation.get("parameters", [])):
        if parameter["in"] == "path":
            wrong += errors(variables[parameter["name"]], parameter["schema"])
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content and request_body:
        wrong += errors(parsed(request_body), content["schema"])
    if status < 300 and wrong:
        return ["accepted: " + error for error in wrong]
    if content and request_body and costs_nothing(parsed(request_body)):
        wrong.append("the order costs nothing, which a schema does not see")
    if status == 422 and json.loads(body)["type"] == "/problems/validation" and not wrong:
        return ["refused as invalid, which it is not: " + body.decode(errors="replace")]
    return []
