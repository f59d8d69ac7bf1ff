"""One session with one cluster: sends each question to the type that it concerns."""

from headgate import Check, Cluster, HeadgateError, Node, Page, Place, Session, lookups, resource

import jobs
import metadata
import runs
from gateway import Gateway

JOB_MANAGER = "jobmanager"


class Flink(Session):
    def __init__(self, form, nodes):
        self.gateway = Gateway(form, nodes)
        self.listing = (None, [])

    def probe(self):
        told = self.gateway.get("/overview", "look at the cluster")
        slots = f"{told['slots-available']} of {told['slots-total']} slots are free"
        return [Check("overview", "up" if told["taskmanagers"] else "degraded", message=slots)]

    def discover(self):
        told = self.gateway.get("/overview", "look at the cluster")
        version = told.get("flink-version")
        address = self.gateway.addresses[self.gateway.preferred]
        nodes = [Node(JOB_MANAGER, "up", roles=["job-manager"], addresses=[("rest", address)], version=version)]
        nodes += [task_manager(one, version) for one in self.gateway.get("/taskmanagers", "list the task managers")["taskmanagers"]]
        return Cluster(nodes, version=version, facts={"nodes": len(nodes), "version": version, "slots": told["slots-total"]})

    def list(self, query):
        if query.place != Place():
            raise HeadgateError("invalid-argument", "what Flink holds is the cluster's, not one task manager's")
        # The pages of one listing are of one moment.
        known, resources = self.listing
        if query.cursor is None or known != query.metadata_type:
            resources = self.read(query.metadata_type)
            self.listing = (query.metadata_type, resources)
        return Page(resources)

    def read(self, metadata_type):
        match metadata_type:
            case "job":
                return jobs.listed(self.gateway)
            case "jar":
                return self.jars()
            case "config":
                return [self.config()]
        raise metadata.unknown(metadata_type)

    def get(self, key):
        if key.metadata_type == "job":
            return jobs.found(self.gateway, job_id(key.id))
        [found] = lookups([key], self.read(key.metadata_type))
        return found

    def jars(self):
        """Where nothing can be submitted (web.submit.enable), none was uploaded."""
        told = self.gateway.find("/jars", "list the jars") or {"files": []}
        return [
            resource(
                "jar", jar["id"], {"name": jar["name"], "entry_classes": [entry["name"] for entry in jar.get("entry", [])]},
                status={"uploaded_at_ms": jar["uploaded"]},
            )
            for jar in told["files"]
        ]

    def config(self):
        entries = self.gateway.get("/jobmanager/config", "read the configuration")
        return resource("config", JOB_MANAGER, {"config": {entry["key"]: entry["value"] for entry in entries}})

    # Actions.

    def preview(self, name, subject, input):
        jid = job_id(subject.key.id)
        return runs.preview(self.gateway, name, jid, jobs.found(self.gateway, jid), input)

    def run(self, name, subject, input, operation_id):
        return runs.run(self.gateway, name, job_id(subject.key.id), input, operation_id)

    def poll(self, handle):
        return runs.poll(self.gateway, handle)


def task_manager(told, version):
    # `pekko.tcp://flink@10.0.0.5:6122/user/rpc/taskmanager_0`
    address = told.get("path", "").partition("@")[2].partition("/")[0]
    hardware = told.get("hardware") or {}
    facts = {
        "slots": told.get("slotsNumber"), "cpu_cores": hardware.get("cpuCores"), "memory_bytes": hardware.get("physicalMemory"),
        "managed_memory_bytes": hardware.get("managedMemory"),
    }
    addresses = [("rpc", address)] if address else []
    return Node(told["id"], "up", roles=["task-manager"], addresses=addresses, version=version, facts=facts)


def job_id(text):
    """What is no id of a job must not become a path."""
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise HeadgateError("invalid-argument", f'"{text}" is no id of a job: 32 of 0-9 and a-f')
    return text
