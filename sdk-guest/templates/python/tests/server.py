"""A server of the notes API that keeps them in memory, for the tests and to try the plugin by hand.

    python3 tests/server.py [PORT] [TOKEN]
"""

import json
import re
import sys
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


def answer(notes, method, path, headers, body):
    """(status, value)"""
    if path == "/about":
        return 200, {"id": "notes-in-memory", "version": "1.0.0"}
    if path == "/notes":
        return 200, list(notes.values())
    match = re.fullmatch(r"/notes/([^/]+)", path)
    if not match:
        return 404, {"error": "no such path"}
    name = unquote(match[1])
    known = notes.get(name)
    if method != "PUT" and not known:
        return 404, {"error": f"no note {name}"}
    expected = headers.get("if-match")
    is_taken = headers.get("if-none-match") == "*" and known
    if is_taken or (expected and expected != str(known and known["version"])):
        return 412, {"error": f"the note {name} has changed"}
    if method == "DELETE":
        return 200, notes.pop(name)
    if method == "PUT":
        given = json.loads(body)
        version = known["version"] + 1 if known else 1
        now = datetime.now(timezone.utc).isoformat()
        notes[name] = {"name": name, "text": given["text"], "tags": given.get("tags", []), "version": version, "modified_at": now}
    return 200, notes[name]


def serve(port=0, token=None):
    notes = {}

    class Handler(BaseHTTPRequestHandler):
        def do(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if token and self.headers.get("authorization") != f"Bearer {token}":
                status, value = 401, {"error": "the token is wrong"}
            else:
                status, value = answer(notes, self.command, self.path, self.headers, body)
            self.send_response(status)
            text = json.dumps(value).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_DELETE = do

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    port, token = (sys.argv[1:] + ["8080", None][len(sys.argv) - 1 :])[:2]
    server = serve(int(port), token)
    print(f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
