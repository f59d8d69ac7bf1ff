//! The table that `make bench` prints: what, ours, against, ratio, target.

use std::io::Write;

/// One comparison, made in one run.
pub(crate) struct Row {
    what: String,
    ours: String,
    against: String,
    ratio: Option<f64>,
    target: Option<f64>,
    /// Where there is a target.
    held: Option<bool>,
}

impl Row {
    /// Ours against a peer or the native path; `target` is the most that the ratio may be.
    pub(crate) fn ratio(
        what: &str,
        unit: &str,
        ours: f64,
        against: (&str, f64),
        target: Option<f64>,
    ) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{ours:.0} {unit}"),
            against: format!("{} {:.0} {unit}", against.0, against.1),
            ratio: Some(ours / against.1),
            target,
            held: target.map(|target| ours / against.1 <= target),
        }
    }

    /// A figure with a target of its own instead of a peer.
    pub(crate) fn figure(what: &str, unit: &str, ours: f64, most: Option<f64>) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{ours:.0} {unit}"),
            against: most.map(|most| format!("at most {most:.0} {unit}")).unwrap_or_default(),
            ratio: most.filter(|most| *most > 0.0).map(|most| ours / most),
            target: most.filter(|most| *most > 0.0).map(|_| 1.0),
            held: most.map(|most| ours <= most),
        }
    }
}

/// Prints each row as it comes, so that a run that is cut has shown what it measured.
pub(crate) struct Table {
    has_head: bool,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { has_head: false }
    }

    pub(crate) fn add(&mut self, row: &Row) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if !std::mem::replace(&mut self.has_head, true) {
            writeln!(out, "\n{:<58} {:>12}  {:<28} {:>6} {:>6}", "", "ours", "against", "ratio", "target")?;
        }
        let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let target = row.target.map(|target| format!("{target:.2}")).unwrap_or_default();
        let verdict = match row.held {
            Some(true) => "held",
            Some(false) => "MISSED",
            None => "",
        };
        writeln!(
            out,
            "{:<58} {:>12}  {:<28} {ratio:>6} {target:>6} {verdict}",
            row.what, row.ours, row.against
        )
    }
}
