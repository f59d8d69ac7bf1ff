"""What the host lends. Who builds a component binds what its world imports; a test binds what `headgate.testing` makes."""

import json as _json
from urllib.parse import quote_plus

from headgate.errors import HeadgateError

#: Of a request that names no other: a healthy node answers in a tenth of it, and a call outlives a few that do not.
TIMEOUT_MS = 5_000
#: Of an answer whose request names no other: a page of a listing, with room.
RESPONSE_BYTES_MAX = 4 << 20
#: Of a refusal's first line in an error: one sentence is wanted, not a page.
TEXT_CHARS_MAX = 200

_lent = {}


def bind(interfaces):
    """By the names of the contract's interfaces."""
    _lent.clear()
    _lent.update(interfaces)


def _of(name):
    if name not in _lent:
        message = f"the plugin uses {name}, which its world.wit does not import: add headgate:host/{name}@0.1.0"
        raise HeadgateError("internal", message)
    return _lent[name]


class _Log:
    def _emit(self, level, message, fields):
        if "log" in _lent:
            _lent["log"].emit(level, str(message), [(key, str(value)) for key, value in fields.items()])

    def enabled(self, level):
        """Whether anybody reads lines of that level: ask before building a long one."""
        return "log" in _lent and _lent["log"].enabled(level)

    def debug(self, message, **fields):
        self._emit("debug", message, fields)

    def info(self, message, **fields):
        self._emit("info", message, fields)

    def warn(self, message, **fields):
        self._emit("warn", message, fields)

    def error(self, message, **fields):
        self._emit("error", message, fields)


class _Call:
    def cancelled(self):
        """The host waits for an end: stop at the next safe point."""
        return _of("call").cancelled()

    def remaining_ms(self):
        """Wall time left; every host call is cut at it."""
        return _of("call").remaining_ms()


class _Clock:
    def now_ms(self):
        """Unix time."""
        return _of("clock").now_ms()


class _Secrets:
    def get(self, name):
        """A handle by its name in the connection form; the value itself stays in the host."""
        return _of("secrets").get(name)


class _State:
    """A small key-value space of this plugin and cluster."""

    def get(self, key):
        found = _of("state").get(key)
        return None if found is None else found.decode()

    def set(self, key, text):
        _of("state").set(key, text.encode())

    def delete(self, key):
        _of("state").delete(key)


class Secret:
    """A secret as a piece of a body: `Secret(handle, "json-string")`."""

    def __init__(self, handle, encoding="raw"):
        self.handle = handle
        self.encoding = encoding


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def is_success(self):
        return 200 <= self.status < 300

    def text(self):
        return self.body.decode(errors="replace")

    def json(self, what):
        """What is no JSON is a protocol error that says what was being done."""
        try:
            return _json.loads(self.body)
        except ValueError as error:
            raise HeadgateError("protocol", f"{what}: the answer is no JSON: {error}") from error

    def ok(self, what):
        """Itself; another status than 2xx as an error, for backends whose refusals say no more than their status."""
        if self.is_success:
            return self
        line = next((line.strip() for line in self.text().splitlines() if line.strip()), "")
        told = f": {line[:TEXT_CHARS_MAX]}" if line else ""
        message = f"{what}: the answer has the status {self.status}{told}"
        raise HeadgateError(kind_of_status(self.status), message, code=f"HTTP_{self.status}")


def kind_of_status(status):
    kinds = {
        400: "invalid-argument", 401: "unauthenticated", 403: "permission-denied", 404: "not-found", 405: "unsupported",
        408: "timeout", 409: "conflict", 412: "conflict", 413: "exhausted", 422: "invalid-argument", 429: "exhausted",
        501: "unsupported", 502: "unavailable", 503: "unavailable", 504: "timeout",
    }
    return kinds.get(status) or ("internal" if status >= 500 else "protocol")


class _Http:
    def send(self, method, url, **more):
        """One request; a refusal is an answer, a HeadgateError means that no whole answer came.

        One of `json` (any value), `form` (a dict; a value may be a Secret) and `body` (text, bytes, or a list of those and
        of Secrets). `auth`: ("bearer", handle), ("basic", user, handle) or ("header", name, handle). `tls`: a dict of
        server_name, trust and identity. `headers`, `timeout_ms`, `response_bytes_max`.
        """
        return self._answer(_of("http").send(request(method, url, **more)))

    def send_all(self, requests, at_once=8):
        """Requests as `headgate.host.request` makes them: a Response or a HeadgateError each, in order."""
        return [self._answer(one, False) for one in _of("http").send_all(requests, at_once)]

    @staticmethod
    def _answer(answer, raises=True):
        if isinstance(answer, HeadgateError):
            answer.lost = True
            if raises:
                raise answer
            return answer
        return Response(*answer)


def request(
    method, url, *, headers=None, json=None, form=None, body=None, auth=None, tls=None, timeout_ms=TIMEOUT_MS,
    response_bytes_max=RESPONSE_BYTES_MAX,
):
    named = [(name, str(value)) for name, value in (headers or {}).items()]
    kind, pieces = _content(json, form, body)
    if kind and not any(name.lower() == "content-type" for name, _ in named):
        named.append(("content-type", kind))
    return {
        "method": method, "url": url, "headers": named, "body": pieces, "auth": auth, "tls": tls,
        "timeout_ms": timeout_ms, "response_bytes_max": response_bytes_max,
    }


def _content(json, form, body):
    if json is not None:
        return "application/json", [_json.dumps(json).encode()]
    if form is not None:
        return "application/x-www-form-urlencoded", _form(form)
    parts = [] if body is None else body if isinstance(body, list) else [body]
    return None, [part.encode() if isinstance(part, str) else part for part in parts]


def _form(form):
    pieces = []
    for key, value in ((key, value) for key, value in form.items() if value is not None):
        before = f"{'&' if pieces else ''}{quote_plus(key)}="
        if isinstance(value, Secret):
            pieces += [before.encode(), Secret(value.handle, "url")]
        else:
            pieces.append((before + quote_plus(str(value))).encode())
    return pieces


log, call, clock, secrets, state, http = _Log(), _Call(), _Clock(), _Secrets(), _State(), _Http()
