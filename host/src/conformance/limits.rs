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

/// The most of each, and which function took it.
fn summary(peaks: &BTreeMap<&'static str, Peak>) -> String {
    type Of = fn(&Peak) -> (u64, u64);
    let most = |of: Of| {
        let shares = peaks.iter().map(|(call, peak)| (of(peak), *call));
        // By share, as an interpreter may use more of everything.
        shares
            .max_by_key(|((used, most), _)| used.saturating_mul(1_000_000).checked_div(*most))
            .unwrap_or_default()
    };
    let ((cpu, cpu_max), by_cpu) = most(|peak| (peak.cpu_ms, peak.cpu_ms_max));
    let ((memory, memory_max), by_memory) = most(|peak| (peak.memory_bytes, peak.memory_bytes_max));
    let ((calls, calls_max), by_calls) = most(|peak| (peak.host_calls, peak.host_calls_max));
    format!(
        "at most: memory {} of {} KiB (`{by_memory}`), CPU {cpu} of {cpu_max} ms (`{by_cpu}`), host calls {calls} of \
         {calls_max} (`{by_calls}`)",
        memory >> 10,
        memory_max >> 10
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
            memory_bytes: 1 << 10,
            memory_bytes_max: 64 << 10,
            host_calls: 1,
            host_calls_max: 50,
            ..Peak::default()
        };
        let peaks = BTreeMap::from([("probe", peak(10)), ("describe", peak(810))]);
        let found: Vec<String> = near(&peaks).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found, ["`describe` took 810 ms of CPU, 81 %"]);
        assert_eq!(
            summary(&peaks),
            "at most: memory 1 of 64 KiB (`probe`), CPU 810 of 1000 ms (`describe`), host calls 1 of 50 (`probe`)"
        );
    }
}
