"""Stands in for the host where a plugin runs natively: the same calls, against what a test says or a real server."""

import urllib.error
import urllib.request
from base64 import b64encode
from json import dumps
from time import time
from urllib.parse import quote_plus

from headgate import host
from headgate.answers import page
from headgate.errors import HeadgateError
from headgate.host import Secret
from headgate.types import Change, Query, Target


class FakeHost:
    """`http`: a function from `{method, url, headers, body}` to `(status, value)`; without it real requests are sent.

    `secrets`: values by name. `lines` and `state` are what the plugin logged and kept.
    """

    def __init__(self, plugin, *, http=None, secrets=None):
        self.plugin = plugin
        self.lines = []
        self.state = {}
        self._answer = http or live
        self._secrets = secrets or {}
        host.bind({"log": self, "http": self, "secrets": _Named(self._secrets), "state": _Kept(self.state), "clock": self, "call": self})

    # What is lent.

    def emit(self, level, message, fields):
        self.lines.append((level, message, dict(fields)))

    def enabled(self, _level):
        return True

    def now_ms(self):
        return int(time() * 1000)

    def cancelled(self):
        return False

    def remaining_ms(self):
        return 30_000

    def send(self, request):
        sent = dict(request["headers"])
        if request["auth"]:
            sent.update(_authorization(request["auth"]))
        body = b"".join(_clear(part) for part in request["body"])
        try:
            status, value = self._answer({**request, "headers": sent, "body": body})
        except HeadgateError as error:
            return error
        return status, [], value if isinstance(value, bytes) else dumps(value).encode()

    def send_all(self, requests, _at_once):
        return [self.send(request) for request in requests]

    # What a test asks.

    def open(self, connection, nodes=()):
        return self.plugin.open(Target("1", "lab", connection, list(nodes)))

    def plan(self, key, before, after, *, revision=None, facts=None):
        return self.plugin.steps(Change(key, before, after, revision=revision), facts or {})

    @staticmethod
    def listed(session, metadata_type, limit=1_000):
        """All pages of a listing, as the host reads them."""
        found, cursor = [], None
        while True:
            query = Query(metadata_type, cursor=cursor, limit=limit)
            one = page(session.list(query), query)
            found += one.resources
            if one.next is None:
                return found
            cursor = one.next


class _Named:
    def __init__(self, values):
        self._values = values

    def get(self, name):
        if name not in self._values:
            raise HeadgateError("not-found", f"no secret is named {name}")
        return self._values[name]


class _Kept:
    def __init__(self, values):
        self._values = values

    def get(self, key):
        return self._values.get(key)

    def set(self, key, value):
        self._values[key] = value

    def delete(self, key):
        self._values.pop(key, None)


def _clear(part):
    if not isinstance(part, Secret):
        return part
    encodings = {"raw": str, "json-string": dumps, "url": quote_plus, "base64": lambda value: b64encode(value.encode()).decode()}
    return encodings[part.encoding](part.handle).encode()


def _authorization(auth):
    match auth:
        case ("bearer", value):
            return {"authorization": f"Bearer {value}"}
        case ("basic", user, value):
            return {"authorization": "Basic " + b64encode(f"{user}:{value}".encode()).decode()}
        case ("header", name, value):
            return {name: value}


def live(request):
    """A real request; redirects are answers, as in the host."""
    made = urllib.request.Request(request["url"], request["body"] or None, request["headers"], method=request["method"])
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(made, timeout=request["timeout_ms"] / 1000) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
    except TimeoutError as error:
        raise HeadgateError("timeout", f"{request['method']} {request['url']}: {error}") from error
    except (urllib.error.URLError, OSError) as error:
        raise HeadgateError("unavailable", f"{request['method']} {request['url']}: {error}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
