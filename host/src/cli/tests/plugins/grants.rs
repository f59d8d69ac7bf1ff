//! `headgate plugin grant`: what is asked, what is given, and what is sent.

use serde_json::{Value, json};

use super::{command, toy};

fn asks() -> Value {
    json!([
        {"network": {"host": "${connection./addresses}", "ports": "1-65535"}},
        {"network": {"host": "*.registry.svc", "ports": "8848"}},
    ])
}

/// The old version serves with the form's addresses; the new one asks for more.
fn waiting() -> Value {
    let mut waiting = toy();
    let given =
        json!({"network": [{"host": "${connection./addresses}", "ports": "1-65535"}], "advertised": "none"});
    waiting["refusal"] = Value::Null;
    waiting["asks"] = json!([asks()[0]]);
    waiting["granted"] = json!({"given": given, "source": "default", "by": null, "at_ms": null, "digest": null, "version": null});
    waiting["waiting"] = json!({
        "file": "toy.wasm", "digest": "beef", "version": "1.1.0", "asks": asks(), "more": [asks()[1]],
    });
    waiting
}

fn decided() -> Value {
    let mut decided = waiting();
    let network = json!([asks()[0]["network"], {"host": "db.registry.svc", "ports": "8848"}]);
    decided["waiting"] = Value::Null;
    decided["version"] = json!("1.1.0");
    decided["asks"] = asks();
    decided["granted"] = json!({
        "given": {"network": network, "advertised": "same-class"}, "source": "decision", "by": "token:ann", "at_ms": 0,
        "digest": "beef", "version": "1.1.0",
    });
    decided
}

#[test]
fn without_options_it_shows_what_is_asked_in_words_and_as_options_and_sends_nothing() {
    let ended = command(&["plugin", "grant", "toy"], vec![(200, waiting())]);
    assert_eq!((ended.code, ended.asked.len()), (0, 1), "{}", ended.stderr);
    for part in [
        "toy 1.1.0 waits for a grant: toy.wasm\n",
        "*.registry.svc, port 8848",
        "--network '*.registry.svc:8848'",
        "to decide",
        "the addresses in `addresses` of each cluster's connection, any port",
        "`headgate plugin grant toy --all` gives all of it",
        "toy 1.0.0 serves: nobody decided anything, it reaches the addresses of connection forms\n",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in:\n{}", ended.stdout);
    }
}

#[test]
fn what_is_given_is_sent_with_the_content_that_was_shown() {
    let arguments =
        ["plugin", "grant", "toy", "--network", "db.registry.svc:8848", "--advertised", "same-class"];
    let ended = command(&arguments, vec![(200, waiting()), (200, decided())]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let sent: Value =
        serde_json::from_str(ended.asked[1].strip_prefix("POST /api/v1/plugins/toy/grant ").unwrap())
            .unwrap();
    assert_eq!(
        sent,
        json!({
            "all": false, "none": false, "revoke": false, "wasi": [], "advertised": "same-class", "digest": "beef",
            "network": [{"host": "db.registry.svc", "ports": "8848"}],
        })
    );
    for part in [
        "toy 1.1.0 serves: decided by token:ann at 1970-01-01 00:00:00Z for version 1.1.0 (beef)\n",
        "not given",
        "  given   db.registry.svc, port 8848\n",
        "of the same class as an address of its connection",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in:\n{}", ended.stdout);
    }
}

#[test]
fn a_version_that_is_not_there_yet_is_said_to_come() {
    let mut judged = waiting();
    judged["waiting"] = Value::Null;
    let ended = command(&["plugin", "grant", "toy", "--all"], vec![(200, waiting()), (200, judged)]);
    assert!(
        ended.stdout.starts_with("1.1.0 is let in: it serves in a moment\ntoy 1.0.0 serves"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_is_taken_back_is_taken_from_what_serves() {
    let ended = command(&["plugin", "grant", "toy", "--revoke"], vec![(200, waiting()), (200, waiting())]);
    assert!(ended.asked[1].contains(r#""digest":"c4dd1536e0b32ca65494afe2""#), "{:?}", ended.asked);
    for wrong in [
        &["--all", "--none"][..],
        &["--all", "--network", "a:1"],
        &["--network", "a"],
        &["--network", "https://a:1"],
    ] {
        let ended = command(&[&["plugin", "grant", "toy"], wrong].concat(), Vec::new());
        assert_eq!((ended.code, ended.asked.len()), (3, 0), "{wrong:?}: {}", ended.stderr);
    }
}

#[test]
fn list_and_show_say_what_a_version_waits_for() {
    let listed = command(&["plugin", "list"], vec![(200, json!({"items": [waiting()], "next": null}))]);
    let remark = "1.1.0 waits for `headgate plugin grant toy`: it asks for *.registry.svc, port 8848";
    assert!(listed.stdout.contains(remark), "{}", listed.stdout);
    let shown = command(&["plugin", "show", "toy", "--incidents", "0"], vec![(200, waiting())]);
    for part in [
        "\nWaits for a grant: version 1.1.0 in toy.wasm\n  asks for   *.registry.svc, port 8848\n",
        "  grants   nobody decided anything",
        "  asks for   the addresses in `addresses` of each cluster's connection, any port\n",
    ] {
        assert!(shown.stdout.contains(part), "no `{part}` in:\n{}", shown.stdout);
    }
}
