//! Programs of the author's machine: which there are, in which version, and what they say.

use std::path::Path;
use std::process::{Command, Stdio};

use super::KitError;

/// A program that a language needs, and from which version on.
pub(super) struct Need {
    pub(super) program: &'static str,
    /// How it is asked for its version.
    pub(super) argument: &'static str,
    /// Major and minor.
    pub(super) least: (u32, u32),
    pub(super) advice: &'static str,
}

impl Need {
    /// Its version.
    pub(super) fn find(&self) -> Result<String, KitError> {
        let (major, minor) = self.least;
        let lacks = |found: String| KitError::Tool {
            need: format!("{} {major}.{minor} or later", self.program),
            found,
            advice: self.advice.to_owned(),
        };
        let output = Command::new(self.program).arg(self.argument).stdin(Stdio::null()).output();
        let output = output.map_err(|error| lacks(format!("it does not start: {error}")))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match version(&said) {
            Some((found, _)) if found < self.least => Err(lacks(format!("{} is here", said.trim()))),
            Some((_, text)) => Ok(text),
            None => Err(lacks(format!("it tells no version: `{}`", said.trim()))),
        }
    }
}

/// The first `1.2…` in a line.
fn version(said: &str) -> Option<((u32, u32), String)> {
    said.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches('v');
        let mut parts = word.split('.').map(str::parse::<u32>);
        let found = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some((found, word.to_owned()))
    })
}

/// Waits for it. What it says is kept for its failure, or goes to standard error as it comes.
pub(super) fn run(what: &str, folder: &Path, command: &mut Command, aloud: bool) -> Result<(), KitError> {
    let failed = |said: String| KitError::Build { what: what.to_owned(), said };
    command.current_dir(folder).stdin(Stdio::null());
    if aloud {
        // Both to standard error: standard output holds our own result.
        command.stdout(std::io::stderr()).stderr(Stdio::inherit());
        let status = command.status().map_err(|error| failed(format!("it does not start: {error}")))?;
        return if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) };
    }
    let output = command.output().map_err(|error| failed(format!("it does not start: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Err(failed(said.concat().trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_out_of_what_programs_print() {
        for (said, expected) in [
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", (1, 95)),
            ("v20.20.2\n", (20, 20)),
            ("Python 3.11.7", (3, 11)),
        ] {
            assert_eq!(version(said).map(|(found, _)| found), Some(expected), "{said}");
        }
        assert_eq!(version("not a version"), None);
    }

    #[test]
    fn what_is_missing_or_too_old_is_named_with_what_to_do() {
        let need = |program, least| Need { program, argument: "--version", least, advice: "install it" };
        let told = need("no-such-program", (1, 2)).find().unwrap_err().to_string();
        assert!(told.starts_with("no-such-program 1.2 or later is needed, and it does not start"), "{told}");
        assert!(told.ends_with(": install it"), "{told}");
        let told = need("bash", (99, 0)).find().unwrap_err().to_string();
        assert!(told.contains("bash 99.0 or later is needed, and GNU bash"), "{told}");
    }

    #[test]
    fn a_failure_holds_what_the_program_said() {
        let folder = std::env::temp_dir();
        let mut command = Command::new("bash");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let told = run("the build", &folder, &mut command, false).unwrap_err().to_string();
        assert_eq!(told, "the build failed:\none\ntwo");
        assert!(run("the build", &folder, &mut Command::new("true"), false).is_ok());
    }
}
