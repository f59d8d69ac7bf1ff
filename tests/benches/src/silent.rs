//! A backend that hangs: it takes every connection, and never says a word.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

/// Listens until the bench ends.
pub(crate) struct Silent {
    pub(crate) address: String,
    taken: Arc<Mutex<Vec<TcpStream>>>,
}

impl Silent {
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let taken = Arc::<Mutex<Vec<TcpStream>>>::default();
        let keep = Arc::clone(&taken);
        // Dropped connections would be an answer.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                keep.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            }
        });
        Ok(Self { address, taken })
    }

    /// Connections that it took so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
