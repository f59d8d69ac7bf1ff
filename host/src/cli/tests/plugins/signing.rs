//! `headgate plugin keygen` and `sign`, which need no host, and how signatures are shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::{command, toy};
use crate::domain::minisign::{PublicKey, Signature};

fn keygen(folder: &Path) -> String {
    let (key, public) = (folder.join("a.key"), folder.join("a.pub"));
    let ended = command(
        &["plugin", "keygen", "--key", key.to_str().unwrap(), "--public", public.to_str().unwrap()],
        Vec::new(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout
}

#[test]
fn a_pair_of_keys_signs_and_verifies_and_the_secret_one_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let told = keygen(folder.path());
    let secret = fs::read_to_string(at("a.key")).unwrap();
    assert_eq!(fs::metadata(at("a.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let line = secret.lines().nth(1).unwrap();
    assert!(!told.contains(line) && told.contains("--plugin-signatures enforce"), "{told}");

    fs::write(at("toy.wasm"), b"content").unwrap();
    let (file, key) = (at("toy.wasm"), at("a.key"));
    let arguments = ["plugin", "sign", file.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let signed = command(&[&arguments[..], &["--comment", "toy 1.0.0"]].concat(), Vec::new());
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    assert!(signed.stdout.contains("toy.wasm.minisig: signed with the key "), "{}", signed.stdout);
    let public = PublicKey::parse(&fs::read_to_string(at("a.pub")).unwrap()).unwrap();
    let read = || Signature::parse(&fs::read_to_string(at("toy.wasm.minisig")).unwrap()).unwrap();
    let verified = read().verify(std::slice::from_ref(&public), b"content");
    assert_eq!(verified.unwrap().comment, "toy 1.0.0");
    // Signed again, with what minisign writes by itself.
    assert_eq!(command(&arguments, Vec::new()).code, 0);
    let comment = read().verify(&[public], b"content").unwrap().comment;
    assert!(comment.starts_with("timestamp:") && comment.contains("\tfile:toy.wasm\t"), "{comment}");
}

#[test]
fn keys_are_not_overwritten_and_what_is_no_key_says_so() {
    let folder = tempfile::tempdir().unwrap();
    keygen(folder.path());
    let (key, public) = (folder.path().join("a.key"), folder.path().join("b.pub"));
    let again = command(
        &["plugin", "keygen", "--key", key.to_str().unwrap(), "--public", public.to_str().unwrap()],
        Vec::new(),
    );
    assert_eq!(again.code, 5);
    assert!(again.stderr.contains("is there already") && !public.exists(), "{}", again.stderr);
    let file = folder.path().join("a.pub");
    let wrong =
        command(&["plugin", "sign", file.to_str().unwrap(), "--key", file.to_str().unwrap()], Vec::new());
    assert_eq!(wrong.code, 3);
    assert!(wrong.stderr.contains("no secret key of minisign"), "{}", wrong.stderr);
}

#[test]
fn list_and_show_tell_of_signature_and_tools() {
    let mut signed = toy();
    signed["signature"] =
        json!({"state": "valid", "key": "6DC68C3AB1CD295A", "comment": "toy 1.0.0\tby ann"});
    signed["toolchain"] = json!(["Rust", "rustc 1.95.0"]);
    let shown = command(&["plugin", "show", "toy", "--incidents", "0"], vec![(200, signed.clone())]);
    for part in ["  signature   by 6DC68C3AB1CD295A: toy 1.0.0", "  built with   Rust, rustc 1.95.0\n"] {
        assert!(shown.stdout.contains(part), "no `{part}` in:\n{}", shown.stdout);
    }
    signed["signature"] =
        json!({"state": "wrong", "reason": "a signature by the key 1, which is none of these"});
    let listed = command(&["plugin", "list"], vec![(200, json!({"items": [signed], "next": Value::Null}))]);
    assert!(listed.stdout.contains("signature: a signature by the key 1"), "{}", listed.stdout);
}
