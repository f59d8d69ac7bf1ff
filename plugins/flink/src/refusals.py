"""What Flink refuses, in one sentence: its answers hold Java's stack traces."""

import json

from headgate import HeadgateError

#: Of a sentence in an error.
CHARS_MAX = 300


def read(answer, what):
    """The value of an answer; a refusal as an error with its cause."""
    if answer.is_success:
        return answer.json(what)
    kind = kinds(answer.status)
    raise HeadgateError(kind, f"{what}: {cause(answer.text()) or f'the answer has the status {answer.status}'}", code=f"HTTP_{answer.status}")


def kinds(status):
    return {
        400: "invalid-argument", 401: "unauthenticated", 403: "permission-denied", 404: "not-found", 409: "conflict",
        413: "exhausted", 503: "unavailable",
    }.get(status, "internal" if status >= 500 else "protocol")


def cause(text):
    """The last `Caused by:` says why; where there is none, the first line that is no class name alone."""
    try:
        lines = "\n".join(str(error) for error in json.loads(text)["errors"]).splitlines()
    except (ValueError, KeyError, TypeError):
        lines = text.splitlines()
    lines = [line.strip() for line in lines]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    said = causes[-1:] or [line for line in lines if line and not line.startswith("at ")]
    return plain(said[0])[:CHARS_MAX] if said else ""


def plain(line):
    """`org.apache.flink.util.FlinkException: no such job` is `no such job`."""
    name, colon, rest = line.partition(": ")
    is_class = "." in name and " " not in name and name.rpartition(".")[2][:1].isupper()
    return plain(rest) if colon and rest and is_class else line
