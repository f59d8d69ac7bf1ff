//! Whether a file that was loaded may serve its kind: the first file stays, nothing grows older by itself, and what was
//! taken back stays out.

use std::cmp::Ordering;

use super::super::refusal::{Refusal, Stage};
use crate::domain::plugin::{Origin, PluginRecord, compare_versions};

/// A version that was loaded from a file.
#[derive(Clone, Copy)]
pub(in crate::plugins) struct Newcomer<'a> {
    pub(in crate::plugins) file: &'a str,
    pub(in crate::plugins) kind: &'a str,
    pub(in crate::plugins) digest: &'a str,
    pub(in crate::plugins) version: &'a str,
}

/// The version that serves the kind now.
#[derive(Clone, Copy)]
pub(in crate::plugins) struct Standing<'a> {
    pub(in crate::plugins) origin: Origin,
    pub(in crate::plugins) file: &'a str,
    pub(in crate::plugins) file_is_there: bool,
    pub(in crate::plugins) digest: &'a str,
    pub(in crate::plugins) version: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Admission {
    Takes,
    /// It serves already, perhaps under another file name.
    Serves,
}

/// `downgrade`: the operator asked for this content though it is older.
pub(in crate::plugins) fn admit(
    newcomer: Newcomer<'_>,
    standing: Option<Standing<'_>>,
    record: &PluginRecord,
    downgrade: bool,
) -> Result<Admission, Refusal> {
    let Newcomer { file, kind, digest, version } = newcomer;
    let refuse = |stage: Stage, expected: &str, found: String, advice: &str| {
        Err(Refusal::new(file, stage, expected, found, advice))
    };
    if let Some(standing) = standing {
        if standing.origin == Origin::Builtin {
            // It would get the clusters and secrets of the first.
            let found = format!("the kind `{kind}`, which the host carries itself");
            let advice = "remove the file, or give its manifest another kind";
            return refuse(Stage::Activate, "a kind of its own", found, advice);
        }
        if standing.file != file && standing.file_is_there {
            let found = format!("the kind `{kind}`, which `{}` serves", standing.file);
            let advice = "keep one of the two files, or give one manifest another kind";
            return refuse(Stage::Activate, "a kind of its own", found, advice);
        }
        if standing.digest == digest {
            return Ok(Admission::Serves);
        }
    }
    if let Some(out) = record.was_taken_back(digest) {
        let found = format!("version {version}, which was taken back by {}: {}", out.by, out.reason);
        let advice =
            format!("put a corrected file in its place; `headgate plugin enable {kind}` tries this one");
        return refuse(Stage::Serve, "a version that was not taken back", found, &advice);
    }
    let Some(standing) = standing else { return Ok(Admission::Takes) };
    if compare_versions(version, standing.version) == Some(Ordering::Less) && !downgrade {
        let expected = format!("a version of {} or later", standing.version);
        let advice = format!("`headgate plugin enable {kind} --downgrade` takes it all the same");
        return refuse(Stage::Activate, &expected, version.to_owned(), &advice);
    }
    Ok(Admission::Takes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plugin::PluginVersion;

    const SERVES: Standing<'_> = Standing {
        origin: Origin::Directory,
        file: "toy.wasm",
        file_is_there: true,
        digest: "a",
        version: "1.2.0",
    };

    fn newcomer<'a>(file: &'a str, digest: &'a str, version: &'a str) -> Newcomer<'a> {
        Newcomer { file, kind: "toy", digest, version }
    }

    fn check(
        newcomer: Newcomer<'_>,
        standing: Option<Standing<'_>>,
        expected: Result<Admission, (Stage, &str)>,
    ) {
        let record = PluginRecord::of("toy");
        let decided = admit(newcomer, standing, &record, false);
        match (decided, expected) {
            (Ok(decided), Ok(expected)) => assert_eq!(decided, expected),
            (Err(refusal), Err((stage, part))) => {
                assert_eq!(refusal.stage, stage);
                assert!(refusal.to_string().contains(part), "no `{part}`: {refusal}");
            }
            (decided, expected) => panic!("{decided:?} in place of {expected:?}"),
        }
    }

    #[test]
    fn a_free_kind_is_taken_and_a_newer_version_follows_in_the_same_file() {
        check(newcomer("toy.wasm", "a", "1.0.0"), None, Ok(Admission::Takes));
        check(newcomer("toy.wasm", "b", "1.2.1"), Some(SERVES), Ok(Admission::Takes));
        // A developer builds many contents of one version.
        check(newcomer("toy.wasm", "b", "1.2.0"), Some(SERVES), Ok(Admission::Takes));
        check(newcomer("toy.wasm", "a", "1.2.0"), Some(SERVES), Ok(Admission::Serves));
    }

    #[test]
    fn the_first_of_two_files_stays_unless_it_is_gone() {
        let second = "the kind `toy`, which `toy.wasm` serves";
        check(newcomer("z.wasm", "b", "9.0.0"), Some(SERVES), Err((Stage::Activate, second)));
        check(newcomer("z.wasm", "a", "1.2.0"), Some(SERVES), Err((Stage::Activate, second)));
        let gone = Standing { file_is_there: false, ..SERVES };
        check(newcomer("z.wasm", "a", "1.2.0"), Some(gone), Ok(Admission::Serves));
        check(newcomer("z.wasm", "b", "1.3.0"), Some(gone), Ok(Admission::Takes));
    }

    #[test]
    fn a_builtin_kind_is_never_replaced() {
        let builtin = Standing { origin: Origin::Builtin, file: "", ..SERVES };
        let expected = Err((Stage::Activate, "which the host carries itself"));
        check(newcomer("toy.wasm", "b", "9.0.0"), Some(builtin), expected);
    }

    #[test]
    fn an_older_version_serves_only_when_it_is_asked_for() {
        let older = newcomer("toy.wasm", "b", "1.1.9");
        check(older, Some(SERVES), Err((Stage::Activate, "headgate plugin enable toy --downgrade")));
        let asked = admit(older, Some(SERVES), &PluginRecord::of("toy"), true);
        assert_eq!(asked, Ok(Admission::Takes));
    }

    #[test]
    fn what_was_taken_back_stays_out() {
        let mut record = PluginRecord::of("toy");
        for digest in ["a", "b"] {
            let (digest, version) = (digest.to_owned(), "1.2.0".to_owned());
            let file = "toy.wasm".to_owned();
            record.activate(PluginVersion { digest, version, file, ..PluginVersion::default() });
        }
        record.take_back("it failed 2 of 2 calls", "headgate", 1);
        let refusal = admit(newcomer("toy.wasm", "b", "1.3.0"), Some(SERVES), &record, true).unwrap_err();
        assert_eq!(refusal.stage, Stage::Serve);
        assert!(refusal.to_string().contains("taken back by headgate: it failed 2 of 2 calls"), "{refusal}");
    }
}
