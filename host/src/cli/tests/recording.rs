//! Records and levels of the log as a person asks for them and reads them.

use serde_json::{Value, json};

use super::command;

fn record(action: &str, subject: &str, outcome: &str, more: Value) -> Value {
    let mut record = json!({
        "id": "01931b0e-0000-7000-8000-000000000001", "at_ms": 0, "actor": "token:ann", "request_id": "r-1",
        "action": action, "cluster": "c1", "cluster_name": "lab", "subject": subject, "part_of": null, "before": null,
        "after": null, "outcome": outcome, "message": null,
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

#[test]
fn records_are_asked_for_by_what_a_person_knows_and_read_as_lines() {
    let items = [
        record("step.edit", "topic/pay", "done", json!({"message": "config.retention.ms 1 → 2"})),
        record(
            "cluster.pause",
            "lab",
            "done",
            json!({"before": {"paused": false}, "after": {"paused": true}}),
        ),
    ];
    let page = json!({"items": items, "next": null});
    let arguments =
        ["record", "-c", "lab", "--actor", "token:ann", "--action", "step.", "--outcome", "done,failed"];
    let ended = command(&arguments, vec![(200, page.clone())]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ended.stdout, @"
        WHEN                   WHO         ACTION          CLUSTER   ON          OUTCOME   WHAT
        1970-01-01 00:00:00Z   token:ann   step.edit       lab       topic/pay   done      config.retention.ms 1 → 2
        1970-01-01 00:00:00Z   token:ann   cluster.pause   lab       lab         done      paused false → true
        ");
    assert_eq!(
        ended.asked,
        ["GET /api/v1/records?cluster=lab&actor=token%3Aann&action=step.&outcome=done%2Cfailed&limit=50"]
    );
    let whole = command(&["record", "--request", "r-1", "-o", "json"], vec![(200, page)]);
    let printed: Value = serde_json::from_str(&whole.stdout).unwrap();
    assert_eq!(printed[1]["after"], json!({"paused": true}));
    assert_eq!(whole.asked, ["GET /api/v1/records?request_id=r-1&limit=50"]);

    let since = command(
        &["record", "--since", "1h", "--until", "1m"],
        vec![(200, json!({"items": [], "next": null}))],
    );
    assert!(
        since.asked[0].contains("since_ms=") && since.asked[0].contains("until_ms="),
        "{:?}",
        since.asked
    );
    assert!(since.stderr.contains("No record"), "{}", since.stderr);
    assert_eq!(command(&["record", "--since", "soon"], Vec::new()).code, 3);
}

#[test]
fn the_levels_of_the_log_are_shown_changed_and_put_back() {
    let level = |stream: &str, level: &str| {
        json!({
            "stream": stream, "level": level, "at_start": "info", "target": format!("headgate::{stream}"),
            "about": "what it is about",
        })
    };
    let all = json!([level("heartbeat", "info"), level("sync", "debug")]);
    let shown = command(&["log-level"], vec![(200, all.clone())]);
    insta::assert_snapshot!(shown.stdout, @"
        STREAM      LEVEL   AT START   WHAT IT TELLS
        heartbeat   info    info       what it is about
        sync        debug   info       what it is about
        ");
    let one = command(&["log-level", "sync"], vec![(200, all)]);
    assert!(one.stdout.contains("sync") && !one.stdout.contains("heartbeat"), "{}", one.stdout);
    let changed = command(&["log-level", "sync", "debug"], vec![(200, level("sync", "debug"))]);
    assert_eq!(changed.asked, ["PUT /api/v1/log-levels/sync {\"level\":\"debug\"}"]);
    let back = command(&["log-level", "sync", "start"], vec![(200, level("sync", "info"))]);
    assert_eq!(back.asked, ["PUT /api/v1/log-levels/sync {\"level\":null}"]);
    for (arguments, part) in [
        (["log-level", "gossip", "debug"], "heartbeat, sync, operation, collect, metadata"),
        (["log-level", "sync", "loud"], "off, error, warn, info, debug, trace, or start"),
    ] {
        let refused = command(&arguments, Vec::new());
        assert_eq!(refused.code, 3);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}
