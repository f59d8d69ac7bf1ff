//! The log: its filter and format at the start, and the levels of its streams, which change while the host runs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;

use crate::domain::stream::{LogLevel, Stream, StreamLevel};

/// What is logged where nobody says.
const LOG_DEFAULT: &str = "info";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("HEADGATE_LOG_FORMAT is `{0}`; write `text` or `json`")]
    Format(String),
    #[error(
        "HEADGATE_LOG is `{0}`, which is no filter; write a level such as `debug`, or `info,headgate=debug`"
    )]
    Filter(String),
    #[error("the log was started already")]
    Started,
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "" | "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogError::Format(text.to_owned())),
        }
    }
}

type Reload = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// The log that runs. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    /// The filter of the start.
    base: String,
    /// Levels that differ from it.
    chosen: Mutex<BTreeMap<Stream, LogLevel>>,
    reload: Reload,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.inner.base)
    }
}

impl Log {
    /// Logs to standard error. `filter` and `format` are the values of `HEADGATE_LOG` and `HEADGATE_LOG_FORMAT`.
    pub fn start(filter: Option<&str>, format: LogFormat) -> Result<Self, LogError> {
        let base = filter.filter(|text| !text.is_empty()).unwrap_or(LOG_DEFAULT);
        let filter = EnvFilter::try_new(base).ok().ok_or_else(|| LogError::Filter(base.to_owned()))?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let (started, reload): (_, Reload) = match format {
            LogFormat::Text => {
                let log = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
                let log = log.with_filter_reloading();
                let handle = log.reload_handle();
                (log.try_init(), Box::new(move |filter| drop(handle.reload(filter))))
            }
            LogFormat::Json => {
                let log = log.json().flatten_event(true).with_filter_reloading();
                let handle = log.reload_handle();
                (log.try_init(), Box::new(move |filter| drop(handle.reload(filter))))
            }
        };
        started.ok().ok_or(LogError::Started)?;
        Ok(Self::over(base, reload))
    }

    /// Remembers levels and filters nothing.
    #[cfg(test)]
    pub(crate) fn detached() -> Self {
        Self::over(LOG_DEFAULT, Box::new(drop))
    }

    fn over(base: &str, reload: Reload) -> Self {
        Self { inner: Arc::new(Inner { base: base.to_owned(), chosen: Mutex::default(), reload }) }
    }

    pub fn levels(&self) -> Vec<StreamLevel> {
        Stream::ALL.into_iter().map(|stream| self.level(stream)).collect()
    }

    pub fn level(&self, stream: Stream) -> StreamLevel {
        let at_start = level_in(&self.inner.base, stream);
        let chosen = self.inner.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        StreamLevel { stream, level: chosen.get(&stream).copied().unwrap_or(at_start), at_start }
    }

    /// From the next line on, until the host ends. `None`: as at the start.
    pub fn set(&self, stream: Stream, level: Option<LogLevel>) {
        let mut chosen = self.inner.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        match level {
            Some(level) => drop(chosen.insert(stream, level)),
            None => drop(chosen.remove(&stream)),
        }
        (self.inner.reload)(filter_of(&self.inner.base, &chosen));
    }
}

/// A directive that names a target stands above the wider ones of the start.
fn filter_of(base: &str, chosen: &BTreeMap<Stream, LogLevel>) -> EnvFilter {
    let mut text = base.to_owned();
    for (stream, level) in chosen {
        text.push_str(&format!(",{}={}", stream.target(), level.word()));
    }
    EnvFilter::new(text)
}

/// What the filter lets through of a stream. Directives about spans and fields are not about whole streams.
fn level_in(filter: &str, stream: Stream) -> LogLevel {
    let plain: Vec<&str> = filter.split(',').filter(|directive| !directive.contains('[')).collect();
    let targets = Targets::from_str(&plain.join(",")).unwrap_or_default();
    let lets_through = |level: &LogLevel| {
        let level = match level {
            LogLevel::Off => return true,
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
            LogLevel::Trace => Level::TRACE,
        };
        targets.would_enable(stream.target(), &level)
    };
    LogLevel::ALL.into_iter().rev().find(lets_through).unwrap_or(LogLevel::Off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_log_format_is_named() {
        let error = "xml".parse::<LogFormat>().unwrap_err();
        assert_eq!(error.to_string(), "HEADGATE_LOG_FORMAT is `xml`; write `text` or `json`");
    }

    #[test]
    fn the_level_of_a_stream_is_read_from_the_filter_of_the_start() {
        for (filter, level) in [
            ("info", LogLevel::Info),
            ("warn,headgate=debug", LogLevel::Debug),
            ("warn,headgate=debug,headgate::sync=off", LogLevel::Off),
            ("sqlx=trace", LogLevel::Off),
            ("error,[request{id=x}]=trace", LogLevel::Error),
        ] {
            assert_eq!(level_in(filter, Stream::Sync), level, "{filter}");
        }
    }

    #[test]
    fn one_stream_is_changed_and_put_back_while_the_others_stay() {
        let log = Log::detached();
        log.set(Stream::Sync, Some(LogLevel::Trace));
        log.set(Stream::Collect, Some(LogLevel::Off));
        let levels: Vec<LogLevel> = log.levels().into_iter().map(|one| one.level).collect();
        assert_eq!(levels, [LogLevel::Info, LogLevel::Trace, LogLevel::Info, LogLevel::Off, LogLevel::Info]);
        log.set(Stream::Sync, None);
        assert_eq!(log.level(Stream::Sync).level, LogLevel::Info);
    }

    /// In a subscriber of its own: what is told depends on the filter that is in force at the moment.
    #[test]
    fn the_lines_of_a_stream_appear_once_its_level_is_changed() {
        use crate::domain::stream::{METADATA, SYNC};

        let told = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&told);
        let writer = move || Told(Arc::clone(&into));
        let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("warn")).with_writer(writer);
        let log = log.with_filter_reloading();
        let handle = log.reload_handle();
        let levels = Log::over("warn", Box::new(move |filter| handle.reload(filter).unwrap()));
        tracing::subscriber::with_default(log.finish(), || {
            let tell = |text: &str| {
                tracing::debug!(target: SYNC, "{text} sync");
                tracing::debug!(target: METADATA, "{text} metadata");
            };
            tell("first");
            levels.set(Stream::Sync, Some(LogLevel::Debug));
            tell("second");
            levels.set(Stream::Sync, None);
            tell("third");
        });
        let told = String::from_utf8(told.lock().unwrap().clone()).unwrap();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains("headgate::sync") && told.contains("second sync"), "{told}");
    }

    struct Told(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
