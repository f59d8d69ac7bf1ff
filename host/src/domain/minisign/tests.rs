//! Keys and signatures made by minisign 0.11, and every way in which they can be wrong.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::*;

const PUBLIC: &str = "untrusted comment: minisign public key 6DC68C3AB1CD295A
RWRaKc2xOozGbYSJxmr9Xc+l415AAOROvtiG7XT1ULHBW39XjzZ02XSe
";

/// Made for this test, without a password.
const SECRET: &str = "untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWinNsTqMxm21SRJb4LAzSJ3lXsuUiYRGqu+7vslHT7pHEh01A5MO14SJxmr9Xc+l415AAOROvtiG7XT1ULHBW39XjzZ02XSeAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
";

const CONTENT: &[u8] = b"a plugin, for the test\n";

const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RURaKc2xOozGbTPezeDxjbQKz/ey+bNYODhDVFU+ssHzSI4ElX5AMwTTZODLC1qg+8Pn0iJbTZWYYOZ5HbgIEypbPMvlCp14+Q8=
trusted comment: toy 1.0.0, built by ann
FbrBhAcGkrKkRn8ZMWa9GXcE/KBbtl7DksjnkRoDnBPmizwiWUSiX2RKsorwBXtadZ1wmfgjkX7p7NvzwkuCAA==
";

/// Of the content itself, as minisign signed before it hashed.
const LEGACY_SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RWRaKc2xOozGbVbdYp+Arbec4hQBU679RGE8RXeo4fTyNrEueIdo7DLLTUMgPyrInKEp3v1qKrkEo6eq3uV8p/ZjECcYlSichA0=
trusted comment: toy 1.0.0, the old way
TM3IxEI/twwbvGJKk+d8zMOYkWQFDH017fsKOhWsTp9tgOOLZRw3KEDyQo0tYFWubddBY39+QeOu5GNf8IziDQ==
";

fn public() -> PublicKey {
    PublicKey::parse(PUBLIC).unwrap()
}

fn verified(signature: &str, content: &[u8]) -> Result<String, String> {
    let signature = Signature::parse(signature).map_err(|error| error.to_string())?;
    let signer = signature.verify(&[public()], content).map_err(|fault| fault.to_string())?;
    Ok(format!("{}: {}", signer.key, signer.comment))
}

#[test]
fn what_minisign_signed_is_verified_in_both_ways_of_signing() {
    assert_eq!(verified(SIGNATURE, CONTENT), Ok("6DC68C3AB1CD295A: toy 1.0.0, built by ann".to_owned()));
    assert_eq!(
        verified(LEGACY_SIGNATURE, CONTENT),
        Ok("6DC68C3AB1CD295A: toy 1.0.0, the old way".to_owned())
    );
    // As it is after a detour over another system.
    assert!(verified(&SIGNATURE.replace('\n', "\r\n"), CONTENT).is_ok());
}

#[test]
fn a_public_key_is_read_from_its_file_or_its_line_and_writes_itself() {
    let line = PUBLIC.lines().nth(1).unwrap();
    assert_eq!(PublicKey::parse(line), Ok(public()));
    assert_eq!((public().to_string(), public().file()), (line.to_owned(), PUBLIC.to_owned()));
}

#[test]
fn every_change_is_found() {
    for changed in [&b"a plugin, for the test"[..], b"", b"A plugin, for the test\n"] {
        for signature in [SIGNATURE, LEGACY_SIGNATURE] {
            let fault = verified(signature, changed).unwrap_err();
            assert_eq!(fault, "a signature by 6DC68C3AB1CD295A that does not fit the content");
        }
    }
    let comment = SIGNATURE.replace("by ann", "by bob");
    let fault = verified(&comment, CONTENT).unwrap_err();
    assert_eq!(fault, "a signature by 6DC68C3AB1CD295A whose trusted comment was changed");
    // The signature says that it is of the other way of signing.
    let other = SIGNATURE.replace("RURaKc", "RWRaKc");
    assert!(verified(&other, CONTENT).unwrap_err().contains("does not fit the content"));
    let foreign = Signature::parse(SIGNATURE).unwrap().verify(&[], CONTENT).unwrap_err();
    assert_eq!(foreign.to_string(), "a signature by the key 6DC68C3AB1CD295A, which is none of these");
    // A key of the same id is not the same key.
    let seed = Zeroizing::new([7; 32]);
    let (same_id, _) = SecretKey::make(&seed, public().id.0).unwrap();
    let signature = Signature::parse(SIGNATURE).unwrap();
    assert_eq!(signature.verify(&[same_id.public()], CONTENT), Err(Fault::Content(public().id)));
    assert!(signature.verify(&[same_id.public(), public()], CONTENT).is_ok());
}

#[test]
fn what_is_no_signature_or_key_says_which_line_is_wrong() {
    let lines: Vec<&str> = SIGNATURE.lines().collect();
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        lines.join("\n")
    };
    let mut told = String::new();
    for (what, text) in [
        ("nothing", String::new()),
        ("two lines", lines[..2].join("\n")),
        ("five lines", format!("{SIGNATURE}more\n")),
        ("no comment", with(1, "comment: x")),
        ("no base64", with(2, "not base64 at all")),
        ("a part", with(2, &lines[1][..40])),
        ("another algorithm", with(2, &lines[1].replace("RURa", "UkRa"))),
        ("an untrusted comment", with(3, "untrusted comment: x")),
        ("an escape", with(3, "trusted comment: \u{1b}[2J")),
        ("no second signature", with(4, "")),
    ] {
        writeln!(told, "{what}: {}", Signature::parse(&text).unwrap_err()).unwrap();
    }
    for (what, text) in [
        ("no key", ""),
        ("a signature", SIGNATURE),
        ("a secret key", SECRET),
        ("half a key", "RWRaKc2xOozGbYSJxmr9Xc"),
        ("another algorithm", "RXRaKc2xOozGbYSJxmr9Xc+l415AAOROvtiG7XT1ULHBW39XjzZ02XSe"),
    ] {
        writeln!(told, "{what}: {}", PublicKey::parse(text).unwrap_err()).unwrap();
    }
    insta::assert_snapshot!(told, @r"
    nothing: it has 0 lines in the place of 4
    two lines: it has 2 lines in the place of 4
    five lines: it has 5 lines in the place of 4
    no comment: line 1 does not begin with `untrusted comment: `
    no base64: line 2 is no base64 of 74 bytes
    a part: line 2 is no base64 of 74 bytes
    another algorithm: its algorithm is not Ed25519
    an untrusted comment: line 3 does not begin with `trusted comment: `
    an escape: its trusted comment holds control characters
    no second signature: it has 3 lines in the place of 4
    no key: it has 0 lines in the place of 2
    a signature: it has 4 lines in the place of 2
    a secret key: line 2 is no base64 of 42 bytes
    half a key: line 1 is no base64 of 42 bytes
    another algorithm: its algorithm is not Ed25519
    ");
}

#[test]
fn a_key_of_minisign_signs_and_so_does_one_that_was_made_here() {
    let own = SecretKey::parse(SECRET).unwrap();
    assert_eq!(own.public(), public());
    let signature = own.sign(CONTENT, "toy 1.1.0").unwrap();
    assert_eq!(verified(&signature, CONTENT), Ok("6DC68C3AB1CD295A: toy 1.1.0".to_owned()));
    let (made, text) = SecretKey::make(&Zeroizing::new([3; 32]), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let read = SecretKey::parse(&text).unwrap();
    assert_eq!(
        (read.public(), read.public().id().to_string()),
        (made.public(), "0807060504030201".to_owned())
    );
    let signature = Signature::parse(&read.sign(b"", "").unwrap()).unwrap();
    assert_eq!(signature.verify(&[made.public()], b"").unwrap().comment, "");
    assert_eq!(own.sign(b"", "two\nlines"), Err(SecretKeyError::Comment(8_000)));
}

#[test]
fn secret_keys_with_a_password_or_a_fault_are_told_apart() {
    let line = SECRET.lines().nth(1).unwrap();
    let with = |line: &str| SecretKey::parse(&format!("untrusted comment: x\n{line}\n")).map(drop);
    assert_eq!(with(&line.replacen("RWQAAEIy", "RWRTY0Iy", 1)), Err(SecretKeyError::Password));
    let (_, text) = SecretKey::make(&Zeroizing::new([3; 32]), [0; 8]).unwrap();
    let mut changed: Vec<char> = text.lines().nth(1).unwrap().chars().collect();
    changed[90] = if changed[90] == 'A' { 'B' } else { 'A' };
    assert_eq!(with(&changed.iter().collect::<String>()), Err(SecretKeyError::Checksum));
    // Without a checksum, the halves tell.
    assert_eq!(with(&line.replacen("m21SRJb", "m21SRJc", 1)), Err(SecretKeyError::Halves));
    assert!(matches!(with(PUBLIC.lines().nth(1).unwrap()), Err(SecretKeyError::Format(_))));
}
