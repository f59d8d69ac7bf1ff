//! Standard output and error of a guest: lines of the plugin's log.

use super::io::Stream;
use crate::plugins::bindings::headgate::host::log::Level;
use crate::plugins::guest::Guest;
use crate::plugins::limits::LINE_BYTES_MAX;

/// The line that is being written.
#[derive(Default)]
pub(super) struct Output(Vec<u8>);

impl Output {
    /// The lines that `bytes` ends; one that is too long is cut into several.
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.0.extend_from_slice(part);
            if part.ends_with(b"\n") || self.0.len() >= LINE_BYTES_MAX {
                lines.extend(self.end());
            }
        }
        lines
    }

    /// What was written without an end of line.
    fn end(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.0)).trim_end().to_owned();
        (!line.is_empty()).then_some(line)
    }
}

impl Guest {
    pub(super) fn print(&mut self, stream: &Stream, bytes: &[u8]) {
        let [output, error] = &mut self.wasi.output;
        match stream {
            Stream::Output => output.take(bytes).into_iter().for_each(|line| self.say(Level::Info, line)),
            Stream::Error => error.take(bytes).into_iter().for_each(|line| self.say_error(line)),
            // It has a reader of its own.
            Stream::Body(_) => {}
        }
    }

    /// At the end of a call: what stands in its streams belongs to it.
    pub(in crate::plugins) fn end_output(&mut self) {
        let [output, error] = &mut self.wasi.output;
        let (output, error) = (output.end(), error.end());
        if let Some(line) = output {
            self.say(Level::Info, line);
        }
        if let Some(line) = error {
            self.say_error(line);
        }
    }

    /// Runtimes write what they die of to standard error, a line at a time, and all sorts of other things.
    fn say_error(&mut self, line: String) {
        self.lines.add_error(&line);
        self.say(Level::Warn, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_becomes_lines_however_it_is_cut() {
        let mut output = Output::default();
        assert_eq!(output.take(b"one\ntw"), ["one"]);
        assert_eq!(output.take(b"o\n\nthree"), ["two"]);
        assert_eq!((output.end(), output.end()), (Some("three".to_owned()), None));
        let long = output.take(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert_eq!(long.len(), 1);
    }
}
