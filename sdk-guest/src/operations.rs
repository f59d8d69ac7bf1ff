//! What operations answer, made in one line: `Forecast::of(document).line("…")`, `Finished::of("…", output).undo(input)`.

use std::fmt::Display;

use crate::json::{self, Value};
use crate::{Error, Finished, Forecast, Progress};

impl Forecast {
    pub fn of(document: &Value) -> Self {
        Self { lines: Vec::new(), warnings: Vec::new(), document: json::text(document) }
    }

    /// What would become of what.
    #[must_use]
    pub fn line(mut self, line: impl Display) -> Self {
        self.lines.push(line.to_string());
        self
    }

    /// What to know before.
    #[must_use]
    pub fn warning(mut self, warning: impl Display) -> Self {
        self.warnings.push(warning.to_string());
        self
    }
}

impl Finished {
    pub fn of(summary: impl Display, output: &Value) -> Self {
        Self { summary: summary.to_string(), output: json::text(output), failures: Vec::new(), undo: None }
    }

    /// A part that was refused.
    #[must_use]
    pub fn failure(mut self, part: impl Display, error: Error) -> Self {
        self.failures.push((part.to_string(), error));
        self
    }

    /// The input that takes it back.
    #[must_use]
    pub fn undo(mut self, input: &Value) -> Self {
        self.undo = Some(json::text(input));
        self
    }
}

impl From<Finished> for Progress {
    fn from(finished: Finished) -> Self {
        Self::Done(finished)
    }
}

#[cfg(test)]
mod tests {
    use crate::json::json;

    use super::*;

    #[test]
    fn what_operations_answer_is_made_in_one_line() {
        let forecast = Forecast::of(&json!({"moved": 1})).line("t-0: 5 → 0").warning("the group is new");
        assert_eq!((forecast.lines.len(), forecast.warnings.len()), (1, 1));
        let finished = Finished::of("moved 1 offset", &json!({}))
            .failure("t-1", Error::not_found("gone"))
            .undo(&json!({"to": "earliest"}));
        assert_eq!(finished.undo.as_deref(), Some(r#"{"to":"earliest"}"#));
        assert!(matches!(Progress::from(finished), Progress::Done(done) if done.failures.len() == 1));
    }
}
