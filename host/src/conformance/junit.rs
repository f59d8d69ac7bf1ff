//! A report in the form that CI servers read (`JUnit`'s XML).

use std::fmt::Write;

use super::report::{Finding, Report, Verdict};

/// One suite, a case a check.
pub fn xml(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = report.kind.as_deref().unwrap_or(&report.file);
    let (count, seconds) = (report.checks.len(), seconds(report.took_ms));
    // Writing to a text cannot fail.
    let mut put = |part: std::fmt::Arguments<'_>| text.write_fmt(part).unwrap_or_default();
    put(format_args!(
        "<testsuite name=\"{}\" tests=\"{count}\" failures=\"{}\" skipped=\"{}\" time=\"{seconds}\">\n",
        escaped(name),
        report.failed,
        report.skipped
    ));
    for checked in &report.checks {
        let (group, took) = (checked.group.word(), self::seconds(checked.took_ms));
        put(format_args!(
            "  <testcase classname=\"{}.{group}\" name=\"{}\" time=\"{took}\"",
            escaped(name),
            checked.name
        ));
        match &checked.verdict {
            Verdict::Passed { .. } => put(format_args!("/>\n")),
            Verdict::Skipped { reason } => {
                put(format_args!(">\n    <skipped message=\"{}\"/>\n  </testcase>\n", escaped(reason)));
            }
            Verdict::Failed { findings } => {
                let first = findings.first().map(|finding| finding.found.as_str()).unwrap_or_default();
                let all: Vec<String> = findings.iter().map(sentence).collect();
                put(format_args!(
                    ">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                    escaped(first),
                    escaped(&all.join("\n"))
                ));
            }
        }
    }
    text.push_str("</testsuite>\n");
    text
}

fn sentence(finding: &Finding) -> String {
    format!("expected {}, found {}; {}", finding.expected, finding.found, finding.advice)
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// What XML 1.0 cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            char if char.is_control() => safe.push('\u{fffd}'),
            char => safe.push(char),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::conformance::report::{Checked, Group};
    use crate::plugins::alone::Facts;
    use crate::plugins::usage::Usage;

    #[test]
    fn a_report_is_a_suite_with_a_case_for_each_check() {
        let finding = Finding::new("a < b", "`b` & \u{1}\"c\"", "sort");
        let took = Duration::from_millis(1_234);
        let checks = vec![
            Checked::new(Group::Static, "loads", Verdict::Passed { note: None }, took),
            Checked::new(Group::Contract, "paging", Verdict::failed(finding), took),
            Checked::new(Group::Contract, "applies", Verdict::skipped("no wish"), Duration::ZERO),
        ];
        let report = Report::new("toy.wasm".to_owned(), &Facts::default(), checks, &Usage::default(), took);
        insta::assert_snapshot!(xml(&report), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="toy.wasm" tests="3" failures="1" skipped="1" time="1.234">
          <testcase classname="toy.wasm.static" name="loads" time="1.234"/>
          <testcase classname="toy.wasm.contract" name="paging" time="1.234">
            <failure message="`b` &amp; �&quot;c&quot;">expected a &lt; b, found `b` &amp; �&quot;c&quot;; sort</failure>
          </testcase>
          <testcase classname="toy.wasm.contract" name="applies" time="0.000">
            <skipped message="no wish"/>
          </testcase>
        </testsuite>
        "#);
    }
}
