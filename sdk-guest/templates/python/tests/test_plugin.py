"""The plugin against a real server of the API, and against answers that no real one gives on demand."""

import threading
import unittest

from headgate import Action, HeadgateError, ResourceKey, Write
from headgate.testing import FakeHost
from plugin import plugin
from server import serve


def key(name):
    return ResourceKey("note", name)


class AgainstAServer(unittest.TestCase):
    def setUp(self):
        self.server = serve(token="s3cret")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.host, self.session = self.opened("s3cret")

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def opened(self, token):
        host = FakeHost(plugin, secrets={"token": token})
        return host, host.open({"address": self.address, "token": "token"})

    def carry_out(self, name, before, after):
        """Plans a change as the host does, and writes its steps."""
        steps = self.host.plan(key(name), before, after)
        return steps, [self.session.write(step.write, False) for step in steps]

    def test_a_note_is_made_changed_and_deleted(self):
        spec = {"text": "milk", "tags": ["home"]}
        _, [made] = self.carry_out("groceries", None, spec)
        self.assertEqual(made.revision, "1")
        self.assertEqual(self.session.get(key("groceries")).spec, spec)

        [step], _ = self.carry_out("groceries", spec, {**spec, "text": "milk, bread"})
        self.assertEqual(step.summary, "text milk → milk, bread")
        [listed] = self.host.listed(self.session, "note")
        self.assertEqual(listed.spec["text"], "milk, bread")

        [step], _ = self.carry_out("groceries", spec, None)
        self.assertTrue(step.destructive)
        self.assertIsNone(self.session.get(key("groceries")))

    def test_a_note_that_somebody_else_changed_is_not_overwritten(self):
        def write(revision, text):
            return self.session.write(Write(key("shared"), Action("replace", {"text": text}), revision), False)

        write(None, "one")
        self.assertEqual(write("1", "two").revision, "2")
        with self.assertRaises(HeadgateError) as refused:
            write("1", "three")
        self.assertEqual((refused.exception.kind, refused.exception.code), ("conflict", "HTTP_412"))

    def test_pages_end_hold_each_note_once_and_are_in_order(self):
        for name in ("c", "a", "b"):
            self.carry_out(name, None, {"text": name})
        for limit in (1, 2, 3, 1_000):
            self.assertEqual([one.key.id for one in self.host.listed(self.session, "note", limit)], ["a", "b", "c"])

    def test_a_wrong_token_is_told(self):
        _, session = self.opened("guessed")
        with self.assertRaises(HeadgateError) as refused:
            session.discover()
        self.assertEqual(refused.exception.kind, "unauthenticated")


class WithoutAServer(unittest.TestCase):
    def test_nobody_knows_whether_a_write_arrived_whose_answer_was_lost(self):
        def gone(_request):
            raise HeadgateError("unavailable", "refused")

        host = FakeHost(plugin, http=gone)
        session = host.open({"address": "10.0.0.1"})
        with self.assertRaises(HeadgateError) as lost:
            session.write(Write(key("a"), Action("create", {"text": "x"})), False)
        self.assertTrue(lost.exception.is_unknown)

    def test_equal_wishes_are_written_alike_and_an_empty_text_is_refused(self):
        once = plugin.normalize("note", {"text": "x", "tags": ["b", "a", "b"]}, {})
        self.assertEqual(once["tags"], ["a", "b"])
        self.assertEqual(plugin.normalize("note", once, {}), once)
        self.assertIn("says nothing", plugin.validate("note", {"text": " "}, {})[0].message)


if __name__ == "__main__":
    unittest.main()
