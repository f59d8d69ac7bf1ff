//! What every command is handed: the terminal, the global options, the time.

use super::Global;
use super::client::Client;
use super::failure::Failure;
use super::locate::{data_folder, target, variable};
use super::terminal::Terminal;
use crate::clock::SharedClock;

pub(crate) struct Session<'a> {
    pub(crate) terminal: &'a mut Terminal,
    pub(crate) global: Global,
    pub(crate) clock: SharedClock,
}

impl Session<'_> {
    pub(crate) fn data_folder(&self) -> Result<std::path::PathBuf, Failure> {
        data_folder(self.global.data.as_deref(), &variable)
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        // An empty variable of the environment counts as not set.
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let (url, token) = (given(&self.global.url), given(&self.global.token));
        let data = match self.data_folder() {
            Ok(data) => data,
            // With both given, the folder is not needed.
            Err(_) if url.is_some() && token.is_some() => std::path::PathBuf::new(),
            Err(failure) => return Err(failure),
        };
        Client::new(target(url.as_deref(), token.as_deref(), &data)?, self.global.ca_cert.as_deref())
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
