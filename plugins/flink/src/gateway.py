"""The job managers' REST ports as one thing to ask: whichever answers. One of them leads, and the others ask it."""

from headgate import HeadgateError, addresses, http, secrets, shown
from headgate.host import request

import refusals

#: Flink's own default.
PORT = 8081

#: A job manager answers from memory; one that is busy with garbage takes a second or two.
TIMEOUT_MS = 5_000

#: The plan of a large job has some hundred kilobytes; with room.
ANSWER_BYTES_MAX = 8 << 20

#: Requests under way: all questions go to one process, which coordinates the jobs.
AT_ONCE = 4


class Gateway:
    def __init__(self, form, nodes):
        # Task managers have no REST port: of the nodes that a person named only the others are one more address to begin at.
        named = [node.address for node in nodes if "task-manager" not in node.roles]
        listed = addresses(",".join([form["addresses"], *named]), PORT)
        self.addresses = [shown(address) for address in listed]
        is_secured = form.get("security") == "SSL"
        self.scheme = "https" if is_secured else "http"
        trust = {"trust": "ca"} if form.get("ca") else {}
        identity = {"identity": form["identity"]} if form.get("identity") else {}
        more = {"tls": {**trust, **identity} or None} if is_secured else {}
        if form.get("username"):
            more["auth"] = ("basic", form["username"], secrets.get(form["password"]))
        self.more = {**more, "timeout_ms": TIMEOUT_MS, "response_bytes_max": ANSWER_BYTES_MAX}
        self.preferred = 0

    def get(self, path, what):
        """Of the first job manager that answers."""
        silent = []
        for step in range(len(self.addresses)):
            index = (self.preferred + step) % len(self.addresses)
            try:
                answer = http.send("GET", self.url(index, path), **self.more)
            except HeadgateError as error:
                if error.kind not in ("unavailable", "timeout"):
                    raise
                silent.append(error)
                continue
            self.preferred = index
            return refusals.read(answer, what)
        if len(silent) == 1:
            raise silent[0]
        raise HeadgateError("unavailable", f"no job manager answers: {'; '.join(error.message for error in silent)}")

    def find(self, path, what):
        """None for what does not exist."""
        try:
            return self.get(path, what)
        except HeadgateError as error:
            if error.kind == "not-found":
                return None
            raise

    def get_all(self, paths, what):
        """Of the one that answered last: a value or an error each."""
        answers = http.send_all([request("GET", self.url(self.preferred, path), **self.more) for path in paths], AT_ONCE)
        return [answer if isinstance(answer, HeadgateError) else attempt(answer, what) for answer in answers]

    def send(self, method, path, what, body=None):
        """To one only: where its answer is lost, another would do it again."""
        answer = http.send(method, self.url(self.preferred, path), json=body, **self.more)
        return refusals.read(answer, what) if answer.body or not answer.is_success else {}

    def url(self, index, path):
        return f"{self.scheme}://{self.addresses[index]}{path}"


def attempt(answer, what):
    try:
        return refusals.read(answer, what)
    except HeadgateError as error:
        return error
