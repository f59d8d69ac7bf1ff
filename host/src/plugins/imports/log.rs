//! `log`: lines of a guest, limited in rate and length, as events of the host's own log.

use std::time::Instant;

use crate::plugins::bindings::headgate::host::log::{Host, Level};
use crate::plugins::guest::Guest;
use crate::plugins::limits::LINE_BYTES_MAX;

/// How many lines a guest may still write, and the last error that it wrote.
pub(in crate::plugins) struct Lines {
    burst: f64,
    per_second: f64,
    left: f64,
    filled_at: Instant,
    dropped: u64,
    last_error: Option<String>,
}

impl Lines {
    pub(in crate::plugins) fn new(burst: u32, per_second: u32) -> Self {
        let burst = f64::from(burst);
        let per_second = f64::from(per_second);
        Self { burst, per_second, left: burst, filled_at: Instant::now(), dropped: 0, last_error: None }
    }

    /// A new call begins: what an earlier one said explains nothing of this one.
    pub(in crate::plugins) fn begin(&mut self) {
        self.last_error = None;
    }

    /// A panic's message, where the guest trapped.
    pub(in crate::plugins) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// One more line of what a runtime writes while it dies.
    pub(in crate::plugins) fn add_error(&mut self, line: &str) {
        let said = self.last_error.get_or_insert_default();
        if !said.is_empty() {
            said.push_str(" | ");
        }
        said.push_str(line);
        shorten(said);
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.left = self.burst.min(passed.mul_add(self.per_second, self.left));
        self.filled_at = now;
        if self.left < 1.0 {
            self.dropped += 1;
            return false;
        }
        self.left -= 1.0;
        true
    }
}

impl Host for Guest {
    fn enabled(&mut self, level: Level) -> wasmtime::Result<bool> {
        self.enter("log")?;
        Ok(match level {
            Level::Trace => tracing::enabled!(tracing::Level::TRACE),
            Level::Debug => tracing::enabled!(tracing::Level::DEBUG),
            Level::Info => tracing::enabled!(tracing::Level::INFO),
            Level::Warn => tracing::enabled!(tracing::Level::WARN),
            // A panic's message is wanted even where nobody reads the log.
            Level::Error => true,
        })
    }

    fn emit(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.enter("log")?;
        let mut line = one_line(message);
        for (key, value) in fields {
            line.push_str(&format!(" {key}={value}"));
        }
        if level == Level::Error {
            shorten(&mut line);
            self.lines.last_error = Some(line.clone());
        }
        self.say(level, line);
        Ok(())
    }
}

impl Guest {
    /// A line of the plugin's log, within its limits.
    pub(in crate::plugins) fn say(&mut self, level: Level, mut line: String) {
        shorten(&mut line);
        if !self.lines.take(Instant::now()) {
            return;
        }
        self.metrics.health().said(&self.cluster, &line);
        let dropped = std::mem::take(&mut self.lines.dropped);
        let (plugin, cluster, call) = (&*self.plugin, self.cluster.as_str(), self.call.name);
        if dropped > 0 {
            tracing::warn!(plugin, cluster, dropped, "the plugin logs too much: lines were left out");
        }
        match level {
            Level::Trace => tracing::trace!(plugin, cluster, call, "{line}"),
            Level::Debug => tracing::debug!(plugin, cluster, call, "{line}"),
            Level::Info => tracing::info!(plugin, cluster, call, "{line}"),
            Level::Warn => tracing::warn!(plugin, cluster, call, "{line}"),
            Level::Error => tracing::error!(plugin, cluster, call, "{line}"),
        }
    }
}

/// A panic of Rust's tells its place and its message on two.
fn one_line(text: String) -> String {
    if !text.contains('\n') {
        return text;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

fn shorten(line: &mut String) {
    if line.len() > LINE_BYTES_MAX {
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        line.push('…');
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_told_on_several_lines_is_one() {
        assert_eq!(
            one_line("panicked at src/lib.rs:6:9:\n on purpose\n\n".to_owned()),
            "panicked at src/lib.rs:6:9: on purpose"
        );
    }

    #[test]
    fn a_guest_that_logs_too_much_loses_lines_and_gets_new_ones_with_time() {
        let mut lines = Lines::new(3, 10);
        let start = Instant::now();
        let taken = (0..5).filter(|_| lines.take(start)).count();
        assert_eq!((taken, lines.dropped), (3, 2));
        assert!(lines.take(start + Duration::from_millis(200)));
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        let mut line = "é".repeat(LINE_BYTES_MAX);
        shorten(&mut line);
        assert!(line.len() <= LINE_BYTES_MAX + '…'.len_utf8() && line.ends_with('…'));
    }
}
