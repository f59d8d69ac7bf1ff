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
        let url = self.global.url.as_deref();
        let token = self.global.token.as_deref();
        let data = match self.data_folder() {
            Ok(data) => data,
            // With both given, the folder is not needed.
            Err(_) if url.is_some() && token.is_some() => std::path::PathBuf::new(),
            Err(failure) => return Err(failure),
        };
        Client::new(target(url, token, &data)?, self.global.ca_cert.as_deref())
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
