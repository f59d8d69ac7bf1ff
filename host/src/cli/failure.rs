//! How a command ends: its exit code, and what it says when it could not do what was asked.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::api::problem::Problem;

/// The exit codes, as `headgate --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Done,
    Failed,
    /// A plan has steps, drift was found.
    SomethingToDo,
    BadInput,
    NotFound,
    Refused,
    Unreachable,
    Unauthorized,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::SomethingToDo => 2,
            Self::BadInput => 3,
            Self::NotFound => 4,
            Self::Refused => 5,
            Self::Unreachable => 6,
            Self::Unauthorized => 7,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Input(String),
    /// One line a fault, each with its file and line.
    #[error("{}", Faults(.0))]
    Documents(Vec<String>),
    #[error("cannot read {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("cannot reach {url}: {reason}")]
    Unreachable { url: String, reason: String, advice: String },
    #[error("no token for {url}: give --token or HEADGATE_TOKEN; on the host's own machine it is in {}", .file.display())]
    NoToken { url: String, file: PathBuf },
    #[error("{}", Told(.0))]
    Problem(Box<Problem>),
    #[error("{url} did not answer as Headgate does: {reason}; check --url")]
    Answer { url: String, reason: String },
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
    /// The reader of the output went away: nothing is said about it.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Input(_) | Self::Documents(_) | Self::File { .. } => Exit::BadInput,
            Self::Unreachable { .. } | Self::Answer { .. } => Exit::Unreachable,
            Self::NoToken { .. } => Exit::Unauthorized,
            Self::Problem(problem) => exit_of(problem),
            Self::Refused(_) => Exit::Refused,
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Failed(_) | Self::Output(_) => Exit::Failed,
        }
    }

    /// What to do, on a line of its own below the error.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Self::Unreachable { advice, .. } => Some(advice),
            Self::Problem(problem) => problem.advice.as_deref(),
            Self::Input(_)
            | Self::Documents(_)
            | Self::File { .. }
            | Self::NoToken { .. }
            | Self::Answer { .. }
            | Self::Refused(_)
            | Self::Failed(_)
            | Self::Output(_) => None,
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// 403 is a token that may not: what an authority forbids comes as a conflict.
fn exit_of(problem: &Problem) -> Exit {
    match problem.status {
        400 | 411 | 413 | 414 | 415 | 422 => Exit::BadInput,
        401 | 403 => Exit::Unauthorized,
        404 | 405 | 410 => Exit::NotFound,
        409 | 412 | 428 => Exit::Refused,
        502..=504 => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

struct Told<'a>(&'a Problem);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.title.to_lowercase())?;
        if !self.0.detail.is_empty() {
            write!(f, ": {}", self.0.detail)?;
        }
        // Of what went wrong in the host, or behind it, the host's log says more.
        if let Some(id) = self.0.request_id.as_ref().filter(|_| self.0.status >= 500) {
            write!(f, " (request {id})")?;
        }
        for error in &self.0.errors {
            let place = if error.pointer.is_empty() { "/" } else { &error.pointer };
            write!(f, "\n  {place}: {}", error.message)?;
        }
        Ok(())
    }
}

struct Faults<'a>(&'a [String]);

impl fmt::Display for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0 {
            return f.write_str(only);
        }
        write!(f, "{} faults in the documents", self.0.len())?;
        for fault in self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::FieldError;

    fn problem(status: u16) -> Problem {
        Problem {
            kind: "urn:headgate:problem:x".to_owned(),
            title: "Unprocessable Content".to_owned(),
            status,
            code: "x".to_owned(),
            detail: "2 documents are wrong".to_owned(),
            advice: Some("see `headgate kind show kafka`".to_owned()),
            errors: vec![FieldError {
                pointer: "/documents/0/spec".to_owned(),
                message: "is missing".to_owned(),
            }],
            request_id: None,
        }
    }

    #[test]
    fn every_sort_of_refusal_has_its_exit_code() {
        for (status, code) in [
            (400, 3),
            (401, 7),
            (403, 7),
            (404, 4),
            (409, 5),
            (412, 5),
            (422, 3),
            (429, 1),
            (500, 1),
            (502, 6),
            (503, 6),
            (504, 6),
        ] {
            assert_eq!(Failure::Problem(Box::new(problem(status))).exit().code(), code, "status {status}");
        }
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::Output(gone).exit(), Exit::Done);
        assert_eq!(Failure::Input(String::new()).exit().code(), 3);
    }

    #[test]
    fn a_problem_names_each_place_in_the_body() {
        insta::assert_snapshot!(Failure::Problem(Box::new(problem(422))), @r"
        unprocessable content: 2 documents are wrong
          /documents/0/spec: is missing
        ");
    }
}
