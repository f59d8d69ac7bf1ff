"""The plugin against answers in the words of Flink 2.3, as its REST API gives them."""

import json
import unittest

from headgate import Change, HeadgateError, NamedNode, Place, Query, ResourceKey, Subject
from headgate.testing import FakeHost
from plugin import plugin

JOB = "65fbaae363c776d089d7a4e9fab94026"
SUBJECT = Subject(key=ResourceKey("job", JOB))
OVERVIEW = {"taskmanagers": 1, "slots-total": 2, "slots-available": 1, "flink-version": "2.3.0"}
LISTED = {"jid": JOB, "name": "counting", "state": "RUNNING", "start-time": 5, "end-time": -1}
CONFIG = {"jid": JOB, "execution-config": {"job-parallelism": 1, "restart-strategy": "Cluster level default restart strategy"}}

CLUSTER = {
    "GET /overview": OVERVIEW,
    "GET /taskmanagers": {"taskmanagers": [{
        "id": "tm1", "path": "pekko.tcp://flink@127.0.0.1:34567/user/rpc/taskmanager_0", "slotsNumber": 2,
        "hardware": {"cpuCores": 2, "physicalMemory": 8, "managedMemory": 4},
    }]},
    "GET /jobs/overview": {"jobs": [LISTED]},
    f"GET /jobs/{JOB}/config": CONFIG,
    f"GET /jobs/{JOB}": {**LISTED, "vertices": [{"name": "Source", "parallelism": 1, "status": "RUNNING", "id": "x"}]},
    f"GET /jobs/{JOB}/checkpoints": {"latest": {
        "completed": {"external_path": "file:/c/1", "latest_ack_timestamp": 9}, "savepoint": None,
        "restored": {"external_path": "file:/s/0"},
    }},
    f"GET /jobs/{JOB}/exceptions?maxExceptions=1": {"exceptionHistory": {"entries": [{"stacktrace": "java.lang.Boom: no\n\tat x"}]}},
    "GET /jars": {"files": [{"id": "a_b.jar", "name": "b.jar", "uploaded": 3, "entry": [{"name": "Counter"}]}]},
    "GET /jobmanager/config": [{"key": "rest.port", "value": "8081"}, {"key": "s3.secret-key", "value": "******"}],
}
REFUSED = "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not.\n\tat a.B\nCaused by: org.apache.flink.FlinkException: no slots\n\tat c.D"


class Cluster:
    """Answers by method and path; what is not named does not exist."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, request):
        path = request["url"].split(":8081", 1)[1]
        self.asked.append((request["method"], path, json.loads(request["body"] or b"null")))
        answer = self.answers.get(f"{request['method']} {path}", (404, {"errors": ["Not found: " + path]}))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, tuple) else (200, answer)


def opened(answers=None, **form):
    cluster = Cluster({**CLUSTER, **(answers or {})})
    host = FakeHost(plugin, http=cluster, secrets={"pw": "secret"})
    return host, cluster, host.open({"addresses": "10.0.0.1", **form})


class Reads(unittest.TestCase):
    def test_the_job_manager_and_its_task_managers_are_the_nodes(self):
        _, _, session = opened()
        found = session.discover()
        shown = [(node.id, node.roles, node.addresses, node.facts.get("slots")) for node in found.nodes]
        manager = ("jobmanager", ["job-manager"], [("rest", "10.0.0.1:8081")], None)
        self.assertEqual(shown, [manager, ("tm1", ["task-manager"], [("rpc", "127.0.0.1:34567")], 2)])
        self.assertEqual((found.version, found.facts["slots"]), ("2.3.0", 2))
        self.assertEqual(session.probe()[0].health, "up")
        _, _, alone = opened({"GET /overview": {**OVERVIEW, "taskmanagers": 0}})
        self.assertEqual(alone.probe()[0].health, "degraded")

    def test_jobs_jars_and_configuration_are_listed(self):
        host, _, session = opened()
        [job] = host.listed(session, "job")
        self.assertEqual((job.key.id, job.spec["name"], job.spec["parallelism"]), (JOB, "counting", 1))
        self.assertEqual(job.status, {"state": "RUNNING", "started_at_ms": 5})
        [jar] = host.listed(session, "jar")
        self.assertEqual(jar.spec, {"name": "b.jar", "entry_classes": ["Counter"]})
        [config] = host.listed(session, "config")
        self.assertEqual(config.spec["config"]["s3.secret-key"], "******")
        self.assertEqual(host.listed(opened({"GET /jars": (404, {"errors": []})})[2], "jar"), [])

    def test_one_job_is_told_with_all_that_can_be_known(self):
        _, _, session = opened()
        status = session.get(ResourceKey("job", JOB)).status
        self.assertEqual(status["last_checkpoint"], {"path": "file:/c/1", "at_ms": 9})
        self.assertEqual((status["restored_from"], status["failure"]), ("file:/s/0", "java.lang.Boom: no"))
        self.assertEqual(status["vertices"], [{"name": "Source", "parallelism": 1, "status": "RUNNING"}])
        self.assertIsNone(session.get(ResourceKey("job", "0" * 32)))

    def test_what_is_no_id_never_becomes_a_path(self):
        _, cluster, session = opened()
        for bad in ("../overview", "x", JOB.upper(), JOB + "/cancel"):
            with self.subTest(bad), self.assertRaises(HeadgateError) as refused:
                session.get(ResourceKey("job", bad))
            self.assertEqual(refused.exception.kind, "invalid-argument")
        self.assertEqual(cluster.asked, [])

    def test_a_job_whose_configuration_cannot_be_read_is_shown_without_it(self):
        host, _, session = opened({f"GET /jobs/{JOB}/config": (500, {"errors": ["Internal server error.", REFUSED]})})
        [job] = host.listed(session, "job")
        self.assertEqual((job.spec, job.partial), ({"name": "counting"}, True))

    def test_another_job_manager_is_asked_where_the_first_is_silent(self):
        cluster = Cluster(CLUSTER)

        def http(request):
            if "10.0.0.1" in request["url"]:
                raise HeadgateError("unavailable", "refused")
            return cluster(request)

        session = FakeHost(plugin, http=http).open({"addresses": "10.0.0.1,10.0.0.2"})
        self.assertEqual(session.discover().nodes[0].addresses, [("rest", "10.0.0.2:8081")])
        silent = FakeHost(plugin, http=http).open({"addresses": "10.0.0.1"})
        with self.assertRaises(HeadgateError) as refused:
            silent.probe()
        self.assertEqual(refused.exception.kind, "unavailable")

    def test_a_job_manager_that_a_person_named_is_asked_too(self):
        cluster = Cluster(CLUSTER)

        def http(request):
            if "10.0.0.1" in request["url"]:
                raise HeadgateError("unavailable", "refused")
            return cluster(request)

        nodes = [NamedNode("standby", "10.0.0.2:8081"), NamedNode("tm9", "10.0.0.9:6122", ["task-manager"])]
        session = FakeHost(plugin, http=http).open({"addresses": "10.0.0.1"}, nodes)
        self.assertEqual(session.gateway.addresses, ["10.0.0.1:8081", "10.0.0.2:8081"])
        self.assertEqual(session.discover().nodes[0].addresses, [("rest", "10.0.0.2:8081")])

    def test_a_proxy_is_told_who_asks(self):
        seen = []

        def http(request):
            seen.append(request["headers"].get("authorization"))
            return 200, OVERVIEW

        FakeHost(plugin, http=http, secrets={"pw": "secret"}).open({"addresses": "a", "username": "ops", "password": "pw"}).probe()
        self.assertEqual(seen, ["Basic b3BzOnNlY3JldA=="])

    def test_nothing_is_written_and_places_have_no_listing_of_their_own(self):
        _, _, session = opened()
        change = Change(ResourceKey("job", JOB), None, {"name": "x"})
        with self.assertRaises(HeadgateError) as refused:
            plugin.steps(change, {})
        self.assertEqual(refused.exception.kind, "unsupported")
        self.assertIn("can only be read", plugin.validate("jar", {}, {})[0].message)
        with self.assertRaises(HeadgateError):
            session.list(Query("job", place=Place("node", "tm1")))
        with self.assertRaises(HeadgateError):
            session.list(Query("table"))


class Actions(unittest.TestCase):
    RUN = "01a1ff0d-d1b3-7623-9a01-af2bf21be41c"
    TRIGGER = "01a1ff0dd1b376239a01af2bf21be41c"

    def asking(self, completed, state="RUNNING"):
        path = f"GET /jobs/{JOB}/savepoints/{self.TRIGGER}"
        told = {"status": {"id": "COMPLETED"}, "operation": completed} if completed else {"status": {"id": "IN_PROGRESS"}}
        accepted = (202, {"request-id": self.TRIGGER})
        return opened({
            path: told, f"POST /jobs/{JOB}/savepoints": accepted, f"POST /jobs/{JOB}/stop": accepted,
            f"PATCH /jobs/{JOB}?mode=cancel": (202, {}), f"GET /jobs/{JOB}": {**LISTED, "state": state},
        })

    def test_a_savepoint_is_asked_for_once_under_the_id_of_its_run(self):
        _, cluster, session = self.asking(None)
        running = session.run("take-savepoint", SUBJECT, {"target_directory": "s3://x", "format": "NATIVE"}, self.RUN)
        [(method, path, body)] = cluster.asked
        self.assertEqual((method, path), ("POST", f"/jobs/{JOB}/savepoints"))
        expected = {"triggerId": self.TRIGGER, "formatType": "NATIVE", "cancel-job": False, "target-directory": "s3://x"}
        self.assertEqual(body, expected)
        self.assertEqual(session.poll(running.handle).handle, running.handle)
        # Also another instance can ask.
        _, _, another = self.asking({"location": "file:/s/1"})
        self.assertEqual(another.poll(running.handle).output, {"location": "file:/s/1"})

    def test_a_savepoint_that_failed_says_why(self):
        _, _, session = self.asking({"failure-cause": {"class": "java.util.concurrent.CompletionException", "stack-trace": REFUSED}})
        finished = session.poll(f"take-savepoint/{JOB}/{self.TRIGGER}")
        [(part, error)] = finished.failures
        self.assertEqual((part, error.message), ("savepoint", "no slots"))

    def test_a_stop_ends_when_the_job_has_ended(self):
        for state, ended in (("RUNNING", False), ("FINISHED", True)):
            _, _, session = self.asking({"location": "file:/s/1"}, state)
            progress = session.poll(f"stop-job/{JOB}/{self.TRIGGER}")
            self.assertEqual(hasattr(progress, "output"), ended, state)

    def test_a_cancel_is_over_when_the_job_is(self):
        _, cluster, session = self.asking(None, "CANCELLING")
        running = session.run("cancel-job", SUBJECT, {}, self.RUN)
        self.assertEqual(cluster.asked[0][:2], ("PATCH", f"/jobs/{JOB}?mode=cancel"))
        self.assertEqual(session.poll(running.handle), running)
        _, _, later = self.asking(None, "CANCELED")
        self.assertEqual(later.poll(running.handle).output, {"state": "CANCELED"})

    def test_what_would_happen_is_said_before(self):
        _, cluster, session = self.asking(None)
        told = session.preview("stop-job", SUBJECT, {"drain": True})
        self.assertEqual(told.lines, ["counting: RUNNING → FINISHED, after a savepoint in the cluster's own directory"])
        self.assertIn("drained", told.warnings[0])
        self.assertIn("is lost", session.preview("cancel-job", SUBJECT, {}).warnings[0])
        self.assertNotIn("POST", [method for method, _, _ in cluster.asked])
        _, _, ended = self.asking(None, "FINISHED")
        self.assertIn("will be refused", ended.preview("take-savepoint", SUBJECT, {}).warnings[0])

    def test_an_answer_that_was_lost_is_known_to_be_unknown(self):
        _, _, session = opened({f"POST /jobs/{JOB}/stop": HeadgateError("timeout", "no answer")})
        with self.assertRaises(HeadgateError) as lost:
            session.run("stop-job", SUBJECT, {}, self.RUN)
        self.assertTrue(lost.exception.is_unknown)


class Refusals(unittest.TestCase):
    def test_the_last_cause_is_what_is_said(self):
        answers = {"GET /overview": (500, {"errors": ["Internal server error.", REFUSED]})}
        with self.assertRaises(HeadgateError) as refused:
            opened(answers)[2].probe()
        self.assertEqual((refused.exception.kind, refused.exception.message), ("internal", "look at the cluster: no slots"))
        for text, said in (
            (b"<html>Bad Gateway</html>", "look at the cluster: <html>Bad Gateway</html>"),
            (b"", "look at the cluster: the answer has the status 502"),
            (b'{"errors": ["org.apache.flink.util.FlinkException: too busy"]}', "look at the cluster: too busy"),
        ):
            with self.subTest(text), self.assertRaises(HeadgateError) as refused:
                opened({"GET /overview": (502, text)})[2].probe()
            self.assertEqual(refused.exception.message, said)


if __name__ == "__main__":
    unittest.main()
