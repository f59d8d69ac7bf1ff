"""The parts of the SDK that decide, each by itself."""

import unittest

from headgate import HeadgateError, Response, addresses, differences, http, metadata_type, object_schema, resource, shown, steps
from headgate import host as lending
from headgate.answers import page
from headgate.errors import of
from headgate.host import Secret, request
from headgate.types import Change, Failure, Page, Query, ResourceKey


class Answers(unittest.TestCase):
    def test_addresses_are_read_as_people_write_them(self):
        self.assertEqual([shown(one) for one in addresses("a, b.c:12,[::1]:1,a:9,", 9)], ["a:9", "b.c:12", "[::1]:1"])
        for bad in ("a:b", "a:0", ":9", "http://a:9", "a:70000", "[::1:1"):
            with self.subTest(bad), self.assertRaises(HeadgateError):
                addresses(bad, 9)

    def test_pages_follow_each_other_in_the_order_of_bytes_and_end(self):
        ids = ["b", "a", "\U0001f600", "\uff5e", "aa"]
        whole = Page([resource("t", one, {}) for one in ids], [Failure("t", "x", HeadgateError("internal", "x"))])
        first = page(whole, Query("t", limit=3))
        second = page(whole, Query("t", limit=3, cursor=first.next))
        self.assertEqual([one.key.id for one in first.resources + second.resources], ["a", "aa", "b", "\uff5e", "\U0001f600"])
        self.assertEqual((second.next, len(first.failures), len(second.failures)), (None, 1, 0))
        self.assertEqual(page(whole, Query("t", cursor="\U0001f600")).resources, [])
        self.assertIsNone(page(whole, Query("t", limit=5)).next)

    def test_faults_of_the_plugin_are_internal(self):
        self.assertEqual(of(KeyError("x")).kind, "internal")
        self.assertEqual(HeadgateError("nonsense", "x").kind, "other")
        self.assertTrue(HeadgateError("timeout", "x", lost=True).is_unknown)
        self.assertFalse(HeadgateError("conflict", "x", lost=True).is_unknown)


class Strategy(unittest.TestCase):
    @staticmethod
    def change(before, after):
        return Change(ResourceKey("t", "x"), before, after, revision="7")

    def test_a_change_becomes_one_write_with_its_inverse_and_none_where_nothing_differs(self):
        self.assertEqual(steps(self.change({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}})), [])
        [edit] = steps(self.change({"a": 1, "b": 2}, {"a": 1, "b": None}))
        self.assertEqual(edit.summary, "b 2 → default")
        self.assertEqual((edit.write.action.value, edit.undo.action.value), ({"a": 1}, {"a": 1, "b": 2}))
        self.assertEqual(edit.write.revision, "7")
        [made] = steps(self.change(None, {"a": "one\ntwo", "b": None}))
        self.assertEqual((made.summary, made.write.action.value), ("a=one⏎two", {"a": "one\ntwo"}))
        [gone] = steps(self.change({"a": 1}, None))
        self.assertTrue(gone.destructive)
        self.assertEqual((gone.undo.action.kind, gone.undo.revision), ("create", None))
        self.assertIsNone(steps(self.change({"a": 1}, None), forgets=True)[0].undo)
        self.assertEqual([one[0] for one in differences({"a/b~": 1}, {})], ["/a~1b~0"])

    def test_a_type_that_is_written_names_its_verbs(self):
        self.assertEqual(metadata_type("t", "T", object_schema({}))["granularity"], "none")
        written = metadata_type("t", "T", object_schema({}), verbs=["update"])
        self.assertEqual((written["granularity"], written["verbs"]["create"], written["plural"]), ("whole", False, "ts"))
        with self.assertRaises(ValueError):
            metadata_type("t", "T", object_schema({}), verbs=["read"])


class Requests(unittest.TestCase):
    def test_refusals_have_the_kind_of_their_status(self):
        with self.assertRaises(HeadgateError) as refused:
            Response(403, [], b"\nno\nat all").ok("look")
        error = refused.exception
        expected = ("permission-denied", "HTTP_403", "look: the answer has the status 403: no")
        self.assertEqual((error.kind, error.code, error.message), expected)
        for status, kind in ((302, "protocol"), (500, "internal"), (503, "unavailable"), (404, "not-found")):
            with self.subTest(status), self.assertRaises(HeadgateError) as refused:
                Response(status, [], b"").ok("look")
            self.assertEqual(refused.exception.kind, kind)
        with self.assertRaises(HeadgateError):
            Response(200, [], b"<html>").json("look")

    def test_secrets_stay_handles_in_what_is_sent(self):
        made = request("POST", "http://a/", form={"user": "a b", "none": None, "password": Secret("handle")})
        user, before, secret = made["body"]
        self.assertEqual((user, before), (b"user=a+b", b"&password="))
        self.assertEqual((secret.handle, secret.encoding), ("handle", "url"))
        self.assertEqual(made["headers"], [("content-type", "application/x-www-form-urlencoded")])

    def test_what_the_world_does_not_import_is_named(self):
        lending.bind({})
        with self.assertRaises(HeadgateError) as refused:
            http.send("GET", "http://a/")
        self.assertIn("headgate:host/http@0.1.0", refused.exception.message)


if __name__ == "__main__":
    unittest.main()
