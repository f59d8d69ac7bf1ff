"""One session with one server of the notes API:

GET /about            {"id": "…", "version": "1.2.3"}
GET /notes            [{"name", "text", "tags", "version", "modified_at"}]
GET|PUT|DELETE /notes/NAME
"""

from urllib.parse import quote

from headgate import Check, Cluster, HeadgateError, Node, Session, Written, addresses, http, resource, secrets, shown

PORT = 8080


class Notes(Session):
    def __init__(self, form):
        self.address = shown(addresses(form["address"], PORT)[0])
        self.auth = ("bearer", secrets.get(form["token"])) if form.get("token") else None

    def probe(self):
        """Cheap enough for every few seconds."""
        self.ask("GET", "/about")
        return [Check("about", "up")]

    def discover(self):
        about = self.ask("GET", "/about")
        version = about["version"]
        node = Node(self.address, "up", roles=["server"], addresses=[("http", self.address)], version=version)
        return Cluster([node], identity=about["id"], version=version, facts={"nodes": 1, "version": version})

    def list(self, query):
        """All of a type, in any order: the SDK sorts them and cuts the pages."""
        return [read(note) for note in self.ask("GET", "/notes")]

    def get(self, key):
        """With everything that can be read of it; None where it does not exist."""
        found = self.send("GET", path(key))
        return None if found.status == 404 else read(found.ok("read the note").json("read the note"))

    def write(self, write, dry_run):
        """One write that a plan decided. What is raised says that it was not carried out, or that nobody knows."""
        headers = {"if-match": write.revision} if write.revision else {}
        if write.action.kind == "delete":
            self.send("DELETE", path(write.key), headers=headers).ok(f"delete the note {write.key.id}")
            return None
        if write.action.kind == "create":
            headers["if-none-match"] = "*"
        spec = write.action.value
        note = {"text": spec["text"], "tags": spec.get("tags", [])}
        answer = self.send("PUT", path(write.key), headers=headers, json=note)
        return Written(revision=str(answer.ok(f"write the note {write.key.id}").json("write the note")["version"]))

    def ask(self, method, where):
        return self.send(method, where).ok(f"{method} {where}").json(f"{method} {where}")

    def send(self, method, where, **more):
        return http.send(method, f"http://{self.address}{where}", auth=self.auth, **more)


def path(key):
    if key.metadata_type != "note":
        raise HeadgateError("invalid-argument", f"there is no type {key.metadata_type}")
    return f"/notes/{quote(key.id, safe='')}"


def read(note):
    spec = {"text": note["text"], "tags": sorted(note["tags"])}
    return resource("note", note["name"], spec, revision=str(note["version"]), status={"modified_at": note["modified_at"]})
