//! The one writer of the command line: results to stdout, everything else to stderr, colour only for people.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

use crate::domain::status::Status;

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Waiting,
    Bad,
    Faint,
}

impl Tone {
    fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\x1b[32m",
            Self::Waiting => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Faint => "\x1b[2m",
        }
    }

    pub(crate) fn of(status: Status) -> Self {
        match status {
            Status::Failed | Status::Conflicted | Status::Unknown | Status::Blocked => Self::Bad,
            Status::Drifted | Status::Pending | Status::Syncing => Self::Waiting,
            Status::Synced => Self::Good,
            Status::Unmanaged => Self::Faint,
        }
    }
}

pub(crate) struct Terminal {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    stdin: Box<dyn BufRead>,
    /// Results go to a person, who wants colours.
    colours: bool,
    progress: Progress,
    /// A person can be asked.
    asks: bool,
}

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// To a file: a line each.
    Lines,
    /// To a person: one line that is rewritten.
    Rewritten,
    /// As before, and a line stands without its end.
    Unfinished,
}

impl Terminal {
    pub(crate) fn of_process() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: !plain && io::stdout().is_terminal(),
            progress: if io::stderr().is_terminal() { Progress::Rewritten } else { Progress::Lines },
            asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
            stdout: Box::new(io::BufWriter::new(io::stdout())),
            stderr: Box::new(io::stderr()),
            stdin: Box::new(io::BufReader::new(io::stdin())),
        }
    }

    /// A line of the result.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.stdout, "{text}")
    }

    /// Part of the result, as it is.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes())
    }

    /// A line beside the result, on stderr.
    pub(crate) fn note(&mut self, text: impl Display) -> io::Result<()> {
        self.flush()?;
        self.end_progress()?;
        writeln!(self.stderr, "{text}")
    }

    /// How far it is: rewrites itself on a terminal, a line each elsewhere.
    pub(crate) fn progress(&mut self, text: impl Display) -> io::Result<()> {
        self.flush()?;
        if self.progress == Progress::Lines {
            return writeln!(self.stderr, "{text}");
        }
        self.progress = Progress::Unfinished;
        write!(self.stderr, "\r\x1b[K{text}")?;
        self.stderr.flush()
    }

    pub(crate) fn end_progress(&mut self) -> io::Result<()> {
        if self.progress == Progress::Unfinished {
            self.progress = Progress::Rewritten;
            write!(self.stderr, "\r\x1b[K")?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    pub(crate) fn is_live(&self) -> bool {
        self.progress != Progress::Lines
    }

    /// Whether the answer is `yes`, in full.
    pub(crate) fn confirm(&mut self, question: impl Display) -> io::Result<bool> {
        self.flush()?;
        self.end_progress()?;
        write!(self.stderr, "{question} Only `yes` goes on: ")?;
        self.stderr.flush()?;
        let mut answer = String::new();
        self.stdin.read_line(&mut answer)?;
        Ok(answer.trim() == "yes")
    }

    pub(crate) fn read_stdin(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stdin.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn paint(&self, tone: Tone, text: impl Display) -> String {
        if !self.colours || tone == Tone::Plain {
            return text.to_string();
        }
        format!("{}{text}\x1b[0m", tone.escape())
    }
}

#[cfg(test)]
pub(crate) mod recorded {
    //! A terminal that keeps what was written to it.

    use std::io::{Cursor, Write};
    use std::sync::{Arc, Mutex};

    use super::{Progress, Terminal};

    #[derive(Clone, Default)]
    pub(crate) struct Sheet(Arc<Mutex<Vec<u8>>>);

    impl Sheet {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Sheet {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Terminal {
        /// Neither terminal nor colours; `stdin` is what a person would type or pipe.
        pub(crate) fn recorded(stdin: &str) -> (Self, Sheet, Sheet) {
            let (stdout, stderr) = (Sheet::default(), Sheet::default());
            let terminal = Self {
                stdout: Box::new(stdout.clone()),
                stderr: Box::new(stderr.clone()),
                stdin: Box::new(Cursor::new(stdin.to_owned())),
                colours: false,
                progress: Progress::Lines,
                asks: false,
            };
            (terminal, stdout, stderr)
        }

        pub(crate) fn with_person(mut self) -> Self {
            self.asks = true;
            self
        }

        pub(crate) fn with_colours(mut self) -> Self {
            self.colours = true;
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_yes_goes_on() {
        for (typed, goes_on) in
            [("yes\n", true), ("y\n", false), ("\n", false), ("", false), (" yes \n", true)]
        {
            let (terminal, _, _) = Terminal::recorded(typed);
            assert_eq!(terminal.with_person().confirm("apply?").unwrap(), goes_on, "{typed:?}");
        }
    }

    #[test]
    fn progress_is_a_line_each_where_nobody_watches() {
        let (mut terminal, stdout, stderr) = Terminal::recorded("");
        terminal.progress("1 of 2").unwrap();
        terminal.progress("2 of 2").unwrap();
        assert_eq!((stdout.text().as_str(), stderr.text().as_str()), ("", "1 of 2\n2 of 2\n"));
    }
}
