//! Ctrl-C, or SIGTERM, while something is being waited for: an answer to the waiting, not the end of the process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;

pub(crate) struct Interrupt {
    pressed: Receiver<()>,
    /// Keeps the channel open where no signal is watched.
    _sender: Sender<()>,
}

impl Interrupt {
    /// Watches from now on; a second Ctrl-C is swallowed too, until the process ends.
    pub(crate) fn watch() -> Result<Self, Failure> {
        let interrupt = Self::never();
        let sender = interrupt._sender.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut terminated = runtime.block_on(async { signal(SignalKind::terminate()) })?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        pressed = tokio::signal::ctrl_c() => if pressed.is_err() { return },
                        ended = terminated.recv() => if ended.is_none() { return },
                    }
                    if sender.send(()).is_err() {
                        return;
                    }
                }
            });
        });
        Ok(interrupt)
    }

    pub(crate) fn never() -> Self {
        let (sender, pressed) = channel();
        Self { pressed, _sender: sender }
    }

    /// Whether it was pressed within the time.
    pub(crate) fn within(&self, time: Duration) -> bool {
        match self.pressed.recv_timeout(time) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}
