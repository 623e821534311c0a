"""Requests that are wrong before anyone looks at their JSON, with what each is answered.

A row: (name, text, status, problem type, what the edge answers). Every service answers with the problem and closes
the connection. The edge reads a request itself before it passes it on: SAME, or a pair of its own; where it is more
lenient (it mends what it passes on, so that no service reads it otherwise), what the mended request is answered.
"""

SAME = "same"
BARE = (None, None)  # HTTP/0.9: an answer without a header
MALFORMED, FRAMING = (400, "malformed-request"), (400, "framing")
MENDED = (200, None)  # to GET
MENDED_POST = (422, "validation")  # to POST of {}
JSON = "Content-Type: application/json\r\n"


def get(*fields, line="GET /openapi.yaml HTTP/1.1", host="Host: x\r\n", end="\r\n"):
    return line + "\r\n" + host + "".join(field + "\r\n" for field in fields) + end


def post(*fields, body="", version="1.1"):
    return f"POST /api/orders HTTP/{version}\r\nHost: x\r\n{JSON}" + "".join(f + "\r\n" for f in fields) + "\r\n" + body


def chunked(body, *fields):
    return post("Transfer-Encoding: chunked", *fields, body=body)


SMUGGLED = "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"

ROWS = [
    # The request line.
    ("no method", "/openapi.yaml\r\n\r\n", *MALFORMED, SAME),
    ("no version", get(line="GET /openapi.yaml"), *MALFORMED, BARE),
    ("another protocol", get(line="GET /openapi.yaml HTTQ/1.1"), *MALFORMED, SAME),
    ("HTTP/2.0 in text", get(line="GET /openapi.yaml HTTP/2.0"), *MALFORMED, SAME),
    ("HTTP/1.10", get(line="GET /openapi.yaml HTTP/1.10"), *MALFORMED, MENDED),
    ("a line too many", "\r\n" + get(), *MALFORMED, MENDED),
    ("a space too many", get(line="GET /openapi.yaml x HTTP/1.1"), *MALFORMED, SAME),
    ("a control character in the target", get(line="GET /openapi.yaml\x01 HTTP/1.1"), *MALFORMED, SAME),
    ("a target without a slash", get(line="GET openapi.yaml HTTP/1.1"), *MALFORMED, SAME),
    ("a target for a proxy of another protocol", get(line="GET ftp://x/openapi.yaml HTTP/1.1"), *MALFORMED, MENDED),
    ("a space behind the version", get(line="GET /openapi.yaml HTTP/1.1 "), *MALFORMED, MENDED),
    ("a delimiter in the method", get(line="G@T /openapi.yaml HTTP/1.1"), *MALFORMED, SAME),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *MALFORMED, SAME),
    ("CONNECT", get(line="CONNECT x:80 HTTP/1.1"), *MALFORMED, SAME),
    # Header fields.
    ("NUL in a value", get("X: a\0b"), *MALFORMED, SAME),
    ("NUL in a name", get("X\0: a"), *MALFORMED, SAME),
    ("a bare LF", get().replace("\r\nHost", "\nHost"), *MALFORMED, MENDED),
    ("only bare LF", get().replace("\r\n", "\n"), *MALFORMED, MENDED),
    ("a bare CR", get("X: a\rb"), *MALFORMED, SAME),
    ("a folded line", get("X: a\r\n b"), *MALFORMED, SAME),
    ("a folded line with a tab", get("X: a\r\n\tb"), *MALFORMED, SAME),
    ("a space before the colon", get("X : a"), *MALFORMED, SAME),
    ("no colon", get("X"), *MALFORMED, MENDED),
    ("no name", get(": a"), *MALFORMED, SAME),
    ("a delimiter in a name", get("X(y): a"), *MALFORMED, MENDED),
    ("no Host", get(host=""), *MALFORMED, SAME),
    ("two Hosts", get("Host: y"), *MALFORMED, SAME),
    ("no TLS here", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 64 + "\r\n\r\n", *MALFORMED, SAME),
    # Where the body ends (request smuggling, RFC 9112 §6.3, §11.2).
    ("an encoding that is not chunked", post("Transfer-Encoding: gzip", "Content-Length: 2", body="{}"),
     *FRAMING, SAME),
    ("chunked, gzip", post("Transfer-Encoding: chunked, gzip", body=SMUGGLED), *FRAMING, SAME),
    ("gzip, chunked", post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"), *FRAMING, SAME),
    ("xchunked", post("Transfer-Encoding: xchunked", body=SMUGGLED), *FRAMING, SAME),
    ("chunked twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body="0\r\n\r\n"),
     *FRAMING, MALFORMED),
    ("an encoding and a length", chunked("0\r\n\r\n" + SMUGGLED, "Content-Length: 5"), *FRAMING, MALFORMED),
    ("a length and an encoding", post("Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n"),
     *FRAMING, MALFORMED),
    ("chunked on HTTP/1.0", post("Transfer-Encoding: chunked", body="0\r\n\r\n", version="1.0"), *FRAMING, MALFORMED),
    ("two lengths", post("Content-Length: 2", "Content-Length: 3", body="{} "), *FRAMING, MALFORMED),
    ("a length twice", post("Content-Length: 2", "Content-Length: 2", body="{}"), *FRAMING, MALFORMED),
    ("a list of lengths", post("Content-Length: 2, 2", body="{}"), *FRAMING, MALFORMED),
    ("a length in words", post("Content-Length: two", body="{}"), *FRAMING, MALFORMED),
    ("a length with a sign", post("Content-Length: +2", body="{}"), *FRAMING, MALFORMED),
    ("a negative length", post("Content-Length: -2", body="{}"), *FRAMING, MALFORMED),
    ("a hexadecimal length", post("Content-Length: 0x2", body="{}"), *FRAMING, MALFORMED),
    ("a length beyond 64 bits", post("Content-Length: 18446744073709551618", body="{}"), *FRAMING, MALFORMED),
    ("no length at all", post("Content-Length: ", body="{}"), *FRAMING, MALFORMED),
    ("a chunk of no size", chunked("zz\r\n{}\r\n0\r\n\r\n"), *FRAMING, MALFORMED),
    ("a chunk beyond 64 bits", chunked("10000000000000002\r\n{}\r\n0\r\n\r\n"), *FRAMING, MALFORMED),
    ("a chunk longer than it says", chunked("1\r\n{}\r\n0\r\n\r\n"), *FRAMING, MALFORMED),
    ("a chunk extension of 2 KiB", chunked("2;x=" + "y" * 2048 + "\r\n{}\r\n0\r\n\r\n"), *FRAMING, MENDED_POST),
    ("a trailer with a length", chunked("2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"), *FRAMING, MENDED_POST),
    ("a trailer with an encoding", chunked("2\r\n{}\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"), *FRAMING, MENDED_POST),
    ("a trailer with a credential", chunked("2\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n"), *FRAMING, MENDED_POST),
    ("a trailer with a host", chunked("2\r\n{}\r\n0\r\nHost: y\r\n\r\n"), *FRAMING, MENDED_POST),
    # Sizes.
    ("a target of 2 KiB and one", get(line="GET /openapi.yaml?" + "x" * 2035 + " HTTP/1.1"), 414, "uri-too-long", SAME),
    ("a field of 9 KiB", get("X: " + "y" * 9216), 431, "headers-too-large", SAME),
    ("65 fields", get(*(f"X-{i}: y" for i in range(64))), 431, "headers-too-large", SAME),
    ("a length of 64 KiB and one", post("Content-Length: 65537"), 413, "body-too-large", SAME),
    ("70 KiB in chunks", chunked("4000\r\n" + "x" * 0x4000 + "\r\n" + 4 * ("4000\r\n" + "x" * 0x4000 + "\r\n")),
     413, "body-too-large", SAME),
    # Others.
    ("an expectation", post("Expect: 200-ok", "Content-Length: 2", body="{}"), 417, "expectation", MENDED_POST),
]
