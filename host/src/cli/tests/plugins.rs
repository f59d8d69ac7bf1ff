//! `headgate plugin`: what a person reads of kinds, files and failures.

mod grants;
mod signing;

use serde_json::{Value, json};

use super::command;

fn toy() -> Value {
    json!({
        "kind": "toy", "origin": "directory", "file": "toy.wasm", "state": "active", "reason": null,
        "digest": "c4dd1536e0b32ca65494afe2", "version": "1.0.0", "generation": 3, "since_ms": 0,
        "refusal": {
            "file": "toy.wasm", "digest": "beef", "stage": "serve", "expected": "a version that is no worse than 1.0.0",
            "found": "version 1.1.0, taken back by headgate: it failed 2 of its first 2 calls",
            "advice": "put a corrected file in its place",
        },
        "traffic": {"calls": 7, "failures": 0, "sessions": 1, "queued": 0},
        "draining": [{"digest": "beef", "version": "1.1.0", "sessions": 1}], "earlier": [],
        "taken_back": [{
            "digest": "beef", "version": "1.1.0", "reason": "it failed 2 of its first 2 calls", "by": "headgate",
            "at_ms": 0,
        }],
        "isolated": ["lab"],
        "hosts": [
            {"host": "one", "digest": "c4dd", "version": "1.0.0", "seen_at_ms": 0},
            {"host": "two", "digest": "beef", "version": "1.1.0", "seen_at_ms": 0},
        ],
        "agreed": false,
    })
}

fn broken() -> Value {
    let mut broken = toy();
    let change = json!({
        "kind": null, "file": "broken.wasm", "state": "refused", "digest": null, "version": null, "since_ms": null,
        "refusal": {
            "file": "broken.wasm", "digest": "0a", "stage": "verify", "expected": "a WebAssembly component",
            "found": "a file of 4 bytes that begins with 74657874", "advice": "build it with the plugin SDK",
        },
        "draining": [], "taken_back": [], "isolated": [], "hosts": [], "agreed": true,
    });
    for (key, value) in change.as_object().unwrap() {
        broken[key] = value.clone();
    }
    broken
}

#[test]
fn kinds_and_files_are_listed_with_what_is_wrong_with_them() {
    let page = json!({"items": [toy(), broken()], "next": null});
    let ended = command(&["plugin", "list"], vec![(200, page)]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    for (line, parts) in [
        (0, vec!["KIND", "VERSION", "STATE", "FILE", "DIGEST", "REMARK"]),
        (
            1,
            vec![
                "toy",
                "1.0.0",
                "active",
                "c4dd1536e0b3 ",
                "its file as it is now was refused at serve",
                "stopped on lab",
            ],
        ),
        (2, vec!["refused", "broken.wasm", "refused at verify: found a file of 4 bytes"]),
    ] {
        for part in parts {
            assert!(lines[line].contains(part), "no `{part}` in: {}", lines[line]);
        }
    }
}

#[test]
fn a_plugin_is_shown_with_its_versions_hosts_and_last_failures() {
    let incident = json!({
        "id": "i1", "kind": "toy", "digest": "beef", "version": "1.1.0", "cluster": "lab", "call": "probe",
        "failure": "trap", "message": "it trapped: unreachable (boom); in the_probe", "backtrace": ["the_probe"],
        "lines": ["boom"], "charge": "call", "at_ms": 0,
    });
    let page = json!({"items": [incident], "next": null});
    let ended = command(&["plugin", "show", "toy"], vec![(200, toy()), (200, page)]);
    assert_eq!(ended.asked[1], "GET /api/v1/plugins/toy/incidents?limit=3");
    for part in [
        "toy   1.0.0   active\n",
        "  serves   since 1970-01-01 00:00:00Z, as generation 3\n",
        "  calls   7, 0 failed; 1 sessions open, 0 calls wait\n",
        "  drains   1.1.0 (beef), 1 sessions open\n",
        "  stopped on   lab\n",
        "\nRefused at serve: toy.wasm\n",
        "  do   put a corrected file in its place\n",
        "taken back by headgate: it failed 2 of its first 2 calls",
        "Hosts serve different versions",
        "\n1970-01-01 00:00:00Z   trap in `probe` on lab, version 1.1.0, charged to the call\n",
        "  it trapped: unreachable (boom); in the_probe\n  | boom\n",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in:\n{}", ended.stdout);
    }
}

#[test]
fn a_plugin_is_enabled_disabled_and_rolled_back() {
    let ended = command(&["plugin", "enable", "toy", "--downgrade"], vec![(200, toy())]);
    assert_eq!(ended.asked, ["POST /api/v1/plugins/toy/enable {\"downgrade\":true}"]);
    assert_eq!(ended.stdout, "toy is active: 1.0.0\n");
    for (verb, word) in [("disable", "disable"), ("rollback", "rollback")] {
        let ended = command(&["plugin", verb, "toy"], vec![(200, toy())]);
        assert!(
            ended.asked[0].starts_with(&format!("POST /api/v1/plugins/toy/{word} ")),
            "{:?}",
            ended.asked
        );
    }
    let refusal = json!({
        "type": "about:blank", "title": "Conflict", "status": 409, "code": "plugin-version",
        "detail": "plugin `toy` has no earlier version to go back to",
    });
    let ended = command(&["plugin", "rollback", "toy"], vec![(409, refusal)]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("has no earlier version"), "{}", ended.stderr);
}
