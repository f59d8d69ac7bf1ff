//! Resources: what the calls of this run used at most, held against what a host allows.

use std::collections::BTreeMap;

use super::report::{Finding, Verdict};
use super::stage::Stage;
use crate::plugins::limits::component_bytes_max;
use crate::plugins::usage::Peak;

/// Beyond so many per cent of a limit a larger cluster or a slower machine will break it.
const PERCENT_MAX: u64 = 80;

pub(super) async fn budgets(stage: &Stage<'_>) -> Verdict {
    let peaks = stage.subject.usage.peaks();
    if peaks.is_empty() {
        return Verdict::skipped("nothing was called");
    }
    Verdict::of(near(&peaks), Some(summary(&peaks)))
}

pub(super) async fn size(stage: &Stage<'_>) -> Verdict {
    let (bytes, most) = (stage.subject.facts.bytes, component_bytes_max());
    let (bytes, most) = (u64::try_from(bytes).unwrap_or(u64::MAX), u64::try_from(most).unwrap_or(u64::MAX));
    let note = format!("{} KiB, {} % of what is allowed", bytes >> 10, percent(bytes, most));
    let found = (percent(bytes, most) >= PERCENT_MAX).then(|| {
        Finding::new(
            format!("less than {PERCENT_MAX} % of {} MiB", most >> 20),
            note.clone(),
            "strip its debug information",
        )
    });
    Verdict::of(found.into_iter().collect(), Some(note))
}

fn percent(used: u64, most: u64) -> u64 {
    used.saturating_mul(100).checked_div(most).unwrap_or(0)
}

fn near(peaks: &BTreeMap<&'static str, Peak>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, peak) in peaks {
        let cases = [
            ("CPU", peak.cpu_ms, peak.cpu_ms_max, "ms", "ask for less at a time, and do less with each"),
            (
                "memory",
                peak.memory_bytes,
                peak.memory_bytes_max,
                "bytes",
                "keep less, and read in smaller parts",
            ),
            ("host calls", peak.host_calls, peak.host_calls_max, "calls", "send and receive more with each"),
        ];
        for (what, used, most, unit, advice) in cases {
            let share = percent(used, most);
            if share >= PERCENT_MAX {
                let expected = format!("less than {PERCENT_MAX} % of {most} {unit}");
                let found = format!("`{call}` took {used} {unit} of {what}, {share} %");
                findings.push(Finding::new(expected, found, advice));
            }
        }
    }
    findings
}

/// The largest share of each.
fn summary(peaks: &BTreeMap<&'static str, Peak>) -> String {
    type Of = fn(&Peak) -> (u64, u64);
    let most = |of: Of| {
        let share = |(call, peak): (&&'static str, &Peak)| (percent(of(peak).0, of(peak).1), *call);
        peaks.iter().map(share).max().unwrap_or_default()
    };
    let (cpu, by_cpu) = most(|peak| (peak.cpu_ms, peak.cpu_ms_max));
    let (memory, by_memory) = most(|peak| (peak.memory_bytes, peak.memory_bytes_max));
    let (calls, by_calls) = most(|peak| (peak.host_calls, peak.host_calls_max));
    format!(
        "at most: memory {memory} % ({by_memory}), CPU {cpu} % ({by_cpu}), host calls {calls} % ({by_calls})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_near_its_limit_is_named_with_both_figures() {
        let peak = |cpu_ms| Peak {
            calls: 1,
            cpu_ms,
            cpu_ms_max: 1_000,
            memory_bytes: 10,
            memory_bytes_max: 100,
            host_calls: 1,
            host_calls_max: 50,
            ..Peak::default()
        };
        let peaks = BTreeMap::from([("probe", peak(10)), ("describe", peak(810))]);
        let found: Vec<String> = near(&peaks).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found, ["`describe` took 810 ms of CPU, 81 %"]);
        assert_eq!(
            summary(&peaks),
            "at most: memory 10 % (probe), CPU 81 % (describe), host calls 2 % (probe)"
        );
    }
}
