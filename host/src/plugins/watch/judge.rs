//! Failures of versions that serve: kept as incidents, and held against a new version in its trial.

use serde_json::json;

use super::Watch;
use crate::domain::plugin::{Charge, Incident};
use crate::domain::record::By;
use crate::plugins::health::Report;
use crate::plugins::trial::{Counts, Judgement};

impl Watch {
    pub(super) async fn judge_report(&mut self, report: Report) {
        let mut incident = incident(&report, self.loader.clock.now_ms());
        let versions = self.slots.get(&report.kind).map(|slot| slot.record.versions.as_slice());
        let failed = versions.unwrap_or_default().iter().find(|version| version.digest == report.digest);
        if let Some(version) = failed {
            incident.signature.clone_from(&version.signature);
            incident.toolchain.clone_from(&version.toolchain);
        }
        if let Err(error) = self.ledger.keep(&incident).await {
            tracing::error!(error, kind = report.kind, "the incident could not be kept");
        }
        if report.charge == Charge::Plugin {
            let data =
                json!({"digest": report.digest, "version": report.version, "reason": incident.message});
            tracing::error!(kind = report.kind, reason = incident.message, "plugin quarantined");
            self.tell("plugin.quarantined", &report.kind, data, &By::host()).await;
        }
        self.judge_trials().await;
    }

    /// New versions that fail more than those before them make room for them.
    pub(super) async fn judge_trials(&mut self) {
        let mut worse = Vec::new();
        for (kind, slot) in &mut self.slots {
            let Some(serving) = &mut slot.current else { continue };
            let Some(trial) = serving.trial else { continue };
            let counts = serving.made.health.counts();
            match trial.judge(counts, serving.made.health.age_ms()) {
                Judgement::Undecided => {}
                Judgement::Stays => serving.trial = None,
                Judgement::TakenBack => {
                    // Whatever comes of it, it is tried once.
                    serving.trial = None;
                    worse.push((kind.clone(), counts));
                }
            }
        }
        for (kind, Counts { calls, failures }) in worse {
            let reason = format!("it failed {failures} of its first {calls} calls");
            if let Err(error) = self.roll_back(&kind, &reason, &By::host()).await {
                tracing::error!(kind, reason, %error, "the version before cannot serve again");
            }
        }
    }
}

fn incident(report: &Report, at_ms: i64) -> Incident {
    let message = report.failure.to_string();
    // As `invoke` writes it: `…; in f < g < h`, innermost first.
    let backtrace =
        message.rsplit_once("; in ").map(|(_, way)| way.split(" < ").map(str::to_owned).collect());
    Incident {
        id: uuid::Uuid::now_v7().to_string(),
        kind: report.kind.clone(),
        digest: report.digest.clone(),
        version: report.version.clone(),
        cluster: Some(report.cluster.clone()).filter(|cluster| !cluster.is_empty()),
        call: report.call.to_owned(),
        failure: report.failure.word().to_owned(),
        backtrace: backtrace.unwrap_or_default(),
        message,
        lines: report.lines.clone(),
        charge: report.charge,
        at_ms,
        signature: None,
        toolchain: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::driver::Failure;

    #[test]
    fn an_incident_names_the_functions_on_the_way_to_the_trap() {
        let failure = Failure::Trap("unreachable (boom); in the_probe < probe".to_owned());
        let report = Report {
            kind: "toy".to_owned(),
            digest: "d".to_owned(),
            version: "1.0.0".to_owned(),
            cluster: String::new(),
            call: "describe",
            failure,
            lines: vec!["boom".to_owned()],
            charge: Charge::Call,
        };
        let incident = incident(&report, 7);
        assert_eq!(incident.backtrace, ["the_probe", "probe"]);
        assert_eq!((incident.failure.as_str(), incident.cluster), ("trap", None));
    }
}
