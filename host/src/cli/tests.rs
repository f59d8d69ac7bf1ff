//! Whole commands against a host that is one in name only.

mod plugins;
mod recording;

use serde_json::{Value, json};

use super::client::fake::FakeHost;
use super::terminal::recorded::Sheet;
use super::*;

struct Ended {
    code: u8,
    stdout: String,
    stderr: String,
    asked: Vec<String>,
}

fn command(arguments: &[&str], answers: Vec<(u16, Value)>) -> Ended {
    let (terminal, stdout, stderr) = Terminal::recorded("");
    ended(arguments, answers, terminal, &stdout, &stderr)
}

fn ended(
    arguments: &[&str],
    answers: Vec<(u16, Value)>,
    mut terminal: Terminal,
    stdout: &Sheet,
    stderr: &Sheet,
) -> Ended {
    let host =
        FakeHost::start(answers.into_iter().map(|(status, body)| (status, body.to_string())).collect());
    let given = ["headgate", "--url", &host.url, "--token", "hg_test", "--data", "absent"];
    let all = given.iter().chain(arguments).map(OsString::from);
    let code = run(all, &mut terminal).code();
    Ended {
        code,
        stdout: stdout.text(),
        stderr: stderr.text().replace(&host.url, "HOST"),
        asked: host.asked(),
    }
}

fn cluster() -> Value {
    json!({
        "id": "c1", "organization": "o1", "name": "lab", "kind": "kafka", "connection": {"bootstrap": "127.0.0.1:9092"},
        "credential_revision": 1, "authority": "manage", "paused": false, "identity": "abc", "backend_version": "4.3.1",
        "facts": {}, "discovered_at_ms": 0, "reach": {"state": "reachable"}, "created_at_ms": 0, "updated_at_ms": 0,
        "version": 1, "addresses": {"prefer": "outside", "rules": []}, "named_nodes": [], "secrets": [], "sweeps": [], "counts": [{"type": "topic", "place": "cluster", "status": "synced", "count": 2}],
        "nodes": (1..=3).map(|id| json!({
            "id": id.to_string(), "roles": ["broker"], "group": null, "rank": 0, "addresses": [["PLAINTEXT", "h:1"]],
            "version": null, "rack": null, "health": "up", "facts": {}, "seen_at_ms": 0, "source": "found",
            "ways": [{"name": "PLAINTEXT", "inside": "h:1", "outside": null, "used": "inside"}],
        })).collect::<Vec<_>>(),
    })
}

fn step(seq: u32, verb: &str, id: &str, summary: &str) -> Value {
    json!({
        "seq": seq, "key": {"type": "topic", "id": id, "place": "cluster"}, "verb": verb, "write": null,
        "summary": summary, "before": null, "after": null, "undo": null, "destructive": verb == "delete",
        "restart": [], "depends_on": [], "state": "waiting", "attempt": 0, "outcome": null, "message": null,
        "started_at_ms": null, "ended_at_ms": null,
    })
}

fn plan(state: &str, steps: &[Value]) -> Value {
    json!({
        "id": "0197c0de", "cluster": "c1", "state": state, "reason": {"reason": "documents"}, "created_by": "owner",
        "created_at_ms": 0, "updated_at_ms": 0, "wishes": [], "base": [], "steps": steps, "blocked": [], "warnings": [],
        "unchanged": 0, "exceeded": [], "allow_destructive": false, "deletes_max": null, "message": null, "version": 1,
        "cluster_name": "lab", "summary": "Plan 0197c0de: 1 create, 1 edit. Nothing is destructive.", "counts": {},
    })
}

fn two_steps(state: &str) -> Value {
    plan(
        state,
        &[
            step(0, "create", "pay.events", "5 partitions × 3, cleanup.policy=compact,delete"),
            step(1, "edit", "pay.audit", "config.min.insync.replicas 1 → 2"),
        ],
    )
}

fn topic_file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topics.yaml");
    std::fs::write(&path, "cluster: lab\ntype: topic\nname: pay.events\nspec:\n  partitions: 5\n").unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn the_commands_are_well_formed() {
    command_tree().debug_assert();
}

#[test]
fn every_command_teaches_by_examples() {
    for name in command_tree().get_subcommands() {
        let help = name.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{}", name.get_name());
    }
}

#[test]
fn bad_usage_is_exit_3_and_help_is_a_result() {
    for arguments in
        [&["fly"][..], &["get"], &["apply"], &["plan"], &["apply", "-f", "absent.yaml", "--yes"], &["drift"]]
    {
        assert_eq!(command(arguments, Vec::new()).code, 3, "{arguments:?}");
    }
    let help = command(&["--help"], Vec::new());
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("Exit codes:") && help.stdout.contains("HEADGATE_TOKEN"));
}

#[test]
fn a_plan_reads_as_its_steps() {
    let (_folder, path) = topic_file();
    let ended = command(&["plan", "-f", &path], vec![(201, two_steps("proposed")), (200, cluster())]);
    assert_eq!((ended.code, ended.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(ended.stdout, @"
        lab   kafka 4.3.1, 3 nodes

          + topic pay.events   create   5 partitions × 3, cleanup.policy=compact,delete
          ~ topic pay.audit    edit     config.min.insync.replicas 1 → 2

        Plan 0197c0de: 1 create, 1 edit. Nothing is destructive. Apply: headgate apply 0197c0de
        ");
    insta::assert_snapshot!(ended.asked.join("\n"), @r#"
        POST /api/v1/plans {"cluster":"lab","complete":false,"documents":[{"delete":false,"name":"pay.events","spec":{"partitions":5},"type":"topic"}],"dry_run":false}
        GET /api/v1/clusters/lab
        "#);
}

#[test]
fn a_plan_of_nothing_is_exit_0() {
    let (_folder, path) = topic_file();
    let ended = command(&["plan", "-f", &path], vec![(200, plan("proposed", &[])), (200, cluster())]);
    assert_eq!(ended.code, 0);
}

#[test]
fn what_the_host_refuses_is_told_by_file_and_line() {
    let (_folder, path) = topic_file();
    let problem = json!({
        "type": "urn:headgate:problem:invalid-documents", "title": "Unprocessable Content", "status": 422,
        "code": "invalid-documents", "detail": "1 document is wrong",
        "errors": [{"pointer": "/documents/0/spec/partitions", "message": "5 is fewer than the 6 that there are"}],
    });
    let ended = command(&["plan", "-f", &path], vec![(422, problem)]);
    assert_eq!(ended.code, 3);
    insta::assert_snapshot!(ended.stderr.replace(&path, "FILE"), @"error: FILE:5 (document 1), topic pay.events: /spec/partitions: 5 is fewer than the 6 that there are");
}

#[test]
fn an_applied_plan_was_shown_approved_and_followed() {
    let (_folder, path) = topic_file();
    let answers = vec![
        (201, two_steps("proposed")),
        (200, cluster()),
        (202, two_steps("approved")),
        (200, two_steps("applying")),
        (200, two_steps("applied")),
    ];
    let ended = command(&["apply", "-f", &path, "--yes"], answers);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout.lines().last().unwrap(), @"Applied plan 0197c0de on lab: 2 steps done.");
    insta::assert_snapshot!(ended.stderr, @"
        lab: approved, 0 of 2 steps done
        lab: applying, 0 of 2 steps done
        ");
    assert_eq!(ended.asked[2], "POST /api/v1/plans/0197c0de/approve {\"allow_destructive\":false}");
}

#[test]
fn a_failed_plan_names_its_steps() {
    let mut failed = two_steps("failed");
    failed["steps"][0]["state"] = json!("failed");
    failed["steps"][0]["message"] = json!("POLICY_VIOLATION: too many partitions");
    failed["steps"][1]["state"] = json!("done");
    let ended = command(&["apply", "0197c0de"], vec![(200, failed)]);
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.stderr, @"
        Plan 0197c0de on lab failed
          failed: topic pay.events, 5 partitions × 3, cleanup.policy=compact,delete: POLICY_VIOLATION: too many partitions
          lab: failed, 1 of 2 steps done, 1 failed
        ");
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let (_folder, path) = topic_file();
    let ended = command(&["apply", "-f", &path], Vec::new());
    assert_eq!((ended.code, ended.asked.len()), (3, 0));
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
}

#[test]
fn a_no_leaves_the_plan() {
    let (_folder, path) = topic_file();
    let (terminal, stdout, stderr) = Terminal::recorded("no\n");
    let answers = vec![(201, two_steps("proposed")), (200, cluster())];
    let ended = ended(&["apply", "-f", &path], answers, terminal.with_person(), &stdout, &stderr);
    assert_eq!((ended.code, ended.asked.len()), (2, 2));
}

#[test]
fn destructive_steps_need_their_own_word() {
    let destructive = || plan("proposed", &[step(0, "delete", "pay.events", "5 partitions")]);
    let arguments = ["delete", "topic", "pay.events", "-c", "lab", "--yes"];
    let ended = command(&arguments, vec![(201, destructive()), (200, cluster())]);
    assert_eq!((ended.code, ended.asked.len()), (5, 2));
    assert!(ended.stderr.contains("--allow-destructive"), "{}", ended.stderr);
    let answers = vec![(201, destructive()), (200, cluster()), (202, plan("applied", &[]))];
    let allowed = command(&[&arguments[..], &["--allow-destructive"]].concat(), answers);
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
    assert_eq!(allowed.asked[2], "POST /api/v1/plans/0197c0de/approve {\"allow_destructive\":true}");
}

#[test]
fn plans_of_several_clusters_are_made_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.yaml");
    std::fs::write(
        &path,
        "cluster: lab\ntype: topic\nname: a\nspec: {}\n---\ncluster: gone\ntype: topic\nname: a\nspec: {}\n",
    )
    .unwrap();
    let problem = json!({
        "type": "urn:headgate:problem:not-found", "title": "Not Found", "status": 404, "code": "not-found",
        "detail": "there is no cluster `gone`", "advice": "`headgate cluster list` shows them",
    });
    let answers = vec![(201, two_steps("proposed")), (404, problem), (200, two_steps("cancelled"))];
    let ended = command(&["plan", "-f", &path.display().to_string()], answers);
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""));
    insta::assert_snapshot!(ended.stderr, @"
        error: not found: there is no cluster `gone`
          `headgate cluster list` shows them
        ");
    assert_eq!(ended.asked[2], "POST /api/v1/plans/0197c0de/cancel {}");
}

fn topic(id: &str, status: &str, desired: &Value) -> Value {
    json!({
        "key": {"type": "topic", "id": id, "place": "cluster"}, "desired": desired, "applied": desired,
        "presence": "present", "observed": {"partitions": 6, "replication_factor": 3, "config": {"retention.ms": "7200000"}},
        "status_document": {"under_replicated": 0}, "revision": null, "incarnation": "i", "internal": false,
        "partial": false, "owned": !desired.is_null(), "owned_incarnation": null, "difference": "synced",
        "activity": {"activity": "idle"}, "status": status, "written_at_ms": null, "updated_at_ms": 0, "version": 1,
        "observed_at_ms": null,
    })
}

fn topics() -> Value {
    let wish = json!({"partitions": 6, "config": {"retention.ms": "7200000", "cleanup.policy": null}});
    json!({"items": [topic("pay.events", "synced", &wish), topic("2024", "unmanaged", &Value::Null)], "next": null})
}

#[test]
fn resources_are_listed_with_their_own_columns() {
    let ended =
        command(&["get", "topic", "-c", "lab", "--status", "synced,unmanaged"], vec![(200, topics())]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout, @"
        NAME         STATUS      PARTITIONS   REPLICATION_FACTOR   UNDER_REPLICATED   OURS
        pay.events   synced      6            3                    0                  yes
        2024         unmanaged   6            3                    0
        ");
    insta::assert_snapshot!(ended.asked.join("\n"), @"GET /api/v1/clusters/lab/resources?type=topic&status=synced%2Cunmanaged&internal=false&limit=1000");
}

#[test]
fn what_get_prints_apply_takes() {
    let ended = command(&["get", "topic", "-c", "lab", "-o", "yaml"], vec![(200, topics())]);
    insta::assert_snapshot!(ended.stdout, @r#"
        cluster: lab
        type: topic
        name: pay.events
        spec:
          config:
            cleanup.policy: null
            retention.ms: "7200000"
          partitions: 6
        ---
        cluster: lab
        type: topic
        name: "2024"
        spec:
          config:
            retention.ms: "7200000"
          partitions: 6
          replication_factor: 3
        "#);
    let (mut terminal, _, _) = Terminal::recorded(&ended.stdout);
    let read = documents::read(&[PathBuf::from("-")], None, &mut terminal).unwrap();
    let wishes: Vec<_> =
        read.iter().map(|document| (document.body.name.as_str(), document.body.spec.clone())).collect();
    assert_eq!(
        wishes,
        [
            (
                "pay.events",
                Some(json!({"partitions": 6, "config": {"retention.ms": "7200000", "cleanup.policy": null}}))
            ),
            (
                "2024",
                Some(
                    json!({"partitions": 6, "replication_factor": 3, "config": {"retention.ms": "7200000"}})
                )
            ),
        ]
    );
}

#[test]
fn one_resource_shows_its_three_images() {
    let mut detail = topic("pay.events", "drifted", &json!({"config": {"retention.ms": "7200000"}}));
    let more = json!({
        "fields": [{"path": "/config/retention.ms", "desired": "7200000", "applied": "7200000", "observed": null, "state": "drifted", "ignored": false}],
        "effective": null, "live": true, "live_error": null,
        "transitions": [{"key": {"type": "topic", "id": "pay.events", "place": "cluster"}, "from": "synced", "to": "drifted", "cause": "sweep", "at_ms": 0}],
    });
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ended = command(&["get", "topic", "pay/events", "-c", "lab"], vec![(200, detail)]);
    assert_eq!(ended.asked, ["GET /api/v1/clusters/lab/resources/topic/pay%2Fevents"]);
    insta::assert_snapshot!(ended.stdout, @r#"
        topic pay.events   drifted
          cluster     lab
          ours        yes
          seen        just now

        Not as wished
          FIELD                  STATE     DESIRED   APPLIED   OBSERVED
          /config/retention.ms   drifted   7200000   7200000   (default)

        Wished
          config:
            retention.ms: "7200000"

        Observed
          config:
            retention.ms: "7200000"
          partitions: 6
          replication_factor: 3

        Status
          under_replicated: 0

        Transitions
          WHEN                   FROM     TO        CAUSE
          1970-01-01 00:00:00Z   synced   drifted   sweep
        "#);
}

#[test]
fn clusters_are_listed_and_shown() {
    let list = command(&["cluster", "list"], vec![(200, json!({"items": [cluster()], "next": null}))]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    assert!(list.stdout.contains("2 synced"), "{}", list.stdout);
    let show = command(&["cluster", "show", "lab"], vec![(200, cluster())]);
    assert_eq!(show.code, 0, "{}", show.stderr);
    assert!(show.stdout.contains("lab   kafka 4.3.1   reachable"), "{}", show.stdout);
}

#[test]
fn a_cluster_is_added_with_its_forms_types() {
    let kind = json!({"connection": {"properties": {"bootstrap": {"type": "string"}, "timeout_ms": {"type": "integer"}}}});
    let arguments = [
        "cluster",
        "add",
        "lab",
        "--kind",
        "kafka",
        "--set",
        "bootstrap=h:1",
        "--set",
        "timeout_ms=5",
        "--authority",
        "observe",
    ];
    let ended = command(&arguments, vec![(200, kind), (201, cluster())]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!(ended.asked.join("\n"), @r#"
        GET /api/v1/kinds/kafka
        POST /api/v1/clusters {"authority":"observe","connection":{"bootstrap":"h:1","timeout_ms":5},"kind":"kafka","name":"lab","secrets":{}}
        "#);
}

#[test]
fn drift_found_is_exit_2() {
    let mut item = topic("pay.events", "drifted", &json!({"partitions": 6}));
    item["fields"] = json!([]);
    let found = command(&["drift", "-c", "lab"], vec![(200, json!({"items": [item], "next": null}))]);
    assert_eq!(found.code, 2, "{}", found.stderr);
    let none = command(&["drift", "-c", "lab"], vec![(200, json!({"items": [], "next": null}))]);
    assert_eq!((none.code, none.stdout.as_str()), (0, "Nothing drifted in lab.\n"));
}

#[test]
fn a_policy_keeps_what_is_not_named() {
    let stands = json!([{"drift": "propose", "deletes_max": 3}, {"type": "topic", "drift": "show"}]);
    let arguments =
        ["policy", "set", "lab", "--protect", "true", "--unset", "drift", "--ignore", "tmp.*#/config/x"];
    let answer = json!({"deletes_max": 3, "protect": true});
    let ended = command(&arguments, vec![(200, stands), (200, answer)]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!(ended.asked.join("\n"), @r#"
        GET /api/v1/clusters/lab/policies
        PUT /api/v1/clusters/lab/policies {"deletes_max":3,"ignore":[{"field":"/config/x","pattern":"tmp.*"}],"protect":true}
        "#);
}

#[test]
fn completions_name_the_commands() {
    let ended = command(&["completion", "bash"], Vec::new());
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("headgate") && ended.stdout.contains("drift"));
}

/// A command of the host's own machine, with its data folder.
fn own(data: &std::path::Path, arguments: &[&str]) -> (u8, String) {
    let (mut terminal, stdout, stderr) = Terminal::recorded("");
    let data = data.display().to_string();
    let all = ["headgate", "--data", &data].into_iter().chain(arguments.iter().copied()).map(OsString::from);
    let code = run(all, &mut terminal).code();
    (code, format!("{}{}", stdout.text(), stderr.text()))
}

#[test]
fn a_backup_goes_into_another_data_folder() {
    use crate::store::{Options, SealingKey, Store, sqlite_url};
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    let key = SealingKey::load_or_create(&from.join("key")).unwrap();
    let options = Options { url: sqlite_url(&from.join("headgate.db")), key };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let running = runtime.block_on(Store::open(options, Arc::new(SystemClock))).unwrap();
    let file = folder.path().join("monday.backup").display().to_string();
    assert_eq!(own(&from, &["backup", &file]).0, 0);
    let (code, told) = own(&to, &["restore", &file]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(std::fs::read(from.join("key")).unwrap(), std::fs::read(to.join("key")).unwrap());
    assert!(to.join("headgate.db").exists());
    let (code, told) = own(&from, &["restore", &file, "--replace"]);
    assert_eq!(code, 5, "a running host holds it: {told}");
    drop(running);
}

#[test]
fn what_is_no_backup_and_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file").display().to_string();
    let (no_key, told_key) = own(folder.path(), &["backup", &file]);
    std::fs::write(&file, "something else\n").unwrap();
    let (no_backup, told_backup) = own(folder.path(), &["restore", &file]);
    assert_eq!((no_key, no_backup), (3, 3));
    insta::assert_snapshot!((told_key + &told_backup).replace(&folder.path().display().to_string(), "DATA"), @"
        error: cannot read the sealing key `DATA/key`: No such file or directory (os error 2)
        error: `DATA/file` is no backup that this headgate can read: its first line is not the one of a backup
        ");
}

#[test]
fn a_policy_of_a_type_is_named_in_the_query() {
    let stands =
        json!([{"drift": "propose"}, {"type": "topic", "protect": true}, {"type": "acl", "drift": "show"}]);
    let answer = json!({"type": "topic", "drift": "revert", "protect": true});
    let ended = command(
        &["policy", "set", "lab", "topic", "--drift", "revert"],
        vec![(200, stands.clone()), (200, answer)],
    );
    assert_eq!(
        ended.asked[1],
        "PUT /api/v1/clusters/lab/policies?type=topic {\"drift\":\"revert\",\"protect\":true}"
    );
    let shown = command(&["policy", "show", "lab", "topic"], vec![(200, stands)]);
    insta::assert_snapshot!(shown.stdout, @"
        TYPE    PROTECT
        topic   true
        ");
}

#[test]
fn events_are_read_since_a_time() {
    let event = json!({
        "id": "01931b0e-0000-7000-8000-000000000001", "at_ms": 0, "cluster": null, "kind": "plan.applied",
        "subject": "lab", "data": {"steps": 2}, "actor": "owner",
    });
    let ended = command(&["events", "--since", "1h"], vec![(200, json!({"items": [event], "next": null}))]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout, @r#"1970-01-01 00:00:00Z   plan.applied               lab   {"steps":2}   by owner"#);
    assert!(ended.asked[0].starts_with("GET /api/v1/events?after=01"), "{}", ended.asked[0]);
    assert_eq!(command(&["events", "--since", "soon"], Vec::new()).code, 3);
}
