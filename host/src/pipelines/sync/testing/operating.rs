//! The model's operations: `poke` ends at once, `crawl` goes on for as many looks as its input says.

use serde_json::{Value, json};

use super::World;
use crate::domain::contract::Scope;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::operation::{Finished, OperationType, PartFailure, Progress};
use crate::plugins::driver::{CallError, Failure};

pub(super) fn types() -> Vec<OperationType> {
    let operation = |name: &str, metadata_type: Option<&str>, destructive| OperationType {
        name: name.to_owned(),
        title: name.to_owned(),
        metadata_type: metadata_type.map(str::to_owned),
        scope: Scope::Cluster,
        roles: Vec::new(),
        input: json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "how": {"type": "string", "enum": ["refused", "lost", "partly", "trap"]},
                "looks": {"type": "integer", "minimum": 0},
            },
        }),
        output: json!({"type": "object"}),
        destructive,
        previewed: !destructive,
    };
    vec![
        operation("poke", Some("topic"), false),
        operation("crawl", None, false),
        operation("burn", Some("topic"), true),
    ]
}

impl World {
    pub(super) fn scripted(&mut self, name: &str, input: &Value) -> Result<Progress, CallError> {
        let error = || BackendError::new(ErrorKind::Conflict, "by script");
        match input.get("how").and_then(Value::as_str) {
            Some("refused") => return Err(CallError::Backend(error())),
            Some("lost") => return Ok(Progress::Unknown(error())),
            Some("trap") => {
                let failure = Failure::Trap("scripted".to_owned());
                return Err(CallError::Plugin { plugin: "model".to_owned(), call: "run", failure });
            }
            Some("partly") => {
                let failures = vec![PartFailure { part: "b".to_owned(), error: error() }];
                return Ok(done(failures, None));
            }
            Some(_) | None => {}
        }
        if name == "crawl" {
            let looks = input.get("looks").and_then(Value::as_u64).unwrap_or(0);
            self.runs_left = u32::try_from(looks).unwrap();
            return Ok(Progress::Running { handle: "crawl".to_owned(), share: None });
        }
        Ok(done(Vec::new(), Some(json!({"how": "refused"}))))
    }

    pub(super) fn polled(&mut self, handle: &str) -> Progress {
        if self.runs_left == 0 {
            return done(Vec::new(), None);
        }
        self.runs_left -= 1;
        Progress::Running { handle: handle.to_owned(), share: Some(1.0 / f64::from(self.runs_left + 1)) }
    }
}

fn done(failures: Vec<PartFailure>, undo: Option<Value>) -> Progress {
    Progress::Done(Finished { summary: "done by script".to_owned(), output: json!({}), failures, undo })
}
