//! A server that no plugin should trust, on the loopback interface: it knows no protocol, and is rude in all of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A name that never resolves (RFC 6761).
const NO_NAME: &str = "conformance.invalid:1";

/// A client that says nothing for so long waits for the server to begin.
const FIRST_WORD: Duration = Duration::from_millis(300);

/// More than any plugin may hold in memory.
const FLOOD_BYTES: usize = 80 << 20;

/// What a truncated answer announces.
const ANNOUNCED: u32 = 16 << 10;

/// The first byte of a TLS record with a handshake, and an alert as a whole record.
const TLS_HANDSHAKE: u8 = 22;
const TLS_ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Nobody listens.
    Refused,
    /// It takes connections and says nothing.
    Silent,
    /// One byte a second.
    Slow,
    /// It closes in the middle of an answer.
    Truncated,
    /// It announces far too much, and sends it.
    Oversized,
    /// It resets the connection in the middle of an answer.
    Reset,
    /// It speaks TLS where the plugin does not, and nonsense where it does.
    Tls,
    /// Its name does not resolve.
    NoName,
}

/// Gone with this.
pub(super) struct Hostile {
    pub(super) address: String,
    accepted: Arc<AtomicUsize>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Hostile {
    pub(super) async fn start(manner: Manner) -> io::Result<Self> {
        let accepted = Arc::new(AtomicUsize::new(0));
        if manner == Manner::NoName {
            return Ok(Self { address: NO_NAME.to_owned(), accepted, task: None });
        }
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?.to_string();
        if manner == Manner::Refused {
            return Ok(Self { address, accepted, task: None });
        }
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut guests = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                guests.spawn(async move {
                    // That the peer is gone is what it was meant to do.
                    drop(serve(stream, manner).await);
                });
            }
        });
        Ok(Self { address, accepted, task: Some(task) })
    }

    /// Connections that it was given.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, manner: Manner) -> io::Result<()> {
    let mut asked = vec![0; 64 << 10];
    let read = tokio::time::timeout(FIRST_WORD, stream.read(&mut asked)).await;
    asked.truncate(read.unwrap_or(Ok(0))?);
    match manner {
        Manner::Silent => hold(stream).await,
        Manner::Slow => {
            for byte in answer(&asked, ANNOUNCED) {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            hold(stream).await
        }
        Manner::Truncated => {
            stream.write_all(&answer(&asked, ANNOUNCED)).await?;
            stream.shutdown().await
        }
        Manner::Oversized => {
            stream.write_all(&answer(&asked, u32::MAX / 2)).await?;
            let filler = vec![b' '; 64 << 10];
            for _ in 0..FLOOD_BYTES / filler.len() {
                stream.write_all(&filler).await?;
            }
            hold(stream).await
        }
        Manner::Reset => {
            stream.write_all(&answer(&asked, ANNOUNCED)).await?;
            stream.flush().await?;
            // Long enough for the plugin to have read the beginning.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()
        }
        Manner::Tls => {
            let wants_tls = asked.first() == Some(&TLS_HANDSHAKE);
            stream.write_all(if wants_tls { b"no such thing here\r\n\r\n" } else { TLS_ALERT }).await?;
            stream.shutdown().await
        }
        Manner::Refused | Manner::NoName => Ok(()),
    }
}

async fn hold(mut stream: TcpStream) -> io::Result<()> {
    let mut ignored = vec![0; 4096];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// The beginning of an answer of so many bytes, in HTTP to who speaks it, else as a frame behind its length.
fn answer(asked: &[u8], announced: u32) -> Vec<u8> {
    let speaks_http = asked.windows(8).take(8 << 10).any(|part| part == b"HTTP/1.1");
    if speaks_http {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n{{\"a\": ["
        );
        return head.into_bytes();
    }
    [announced.to_be_bytes().as_slice(), &[0; 12]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH_BYTES: u64 = (16 << 20) + 1;

    async fn said(manner: Manner, asked: &[u8]) -> Result<Vec<u8>, String> {
        let server = Hostile::start(manner).await.unwrap();
        let mut stream = TcpStream::connect(&server.address).await.map_err(|error| error.to_string())?;
        stream.write_all(asked).await.unwrap();
        let mut heard = Vec::new();
        // A flood ends at what is enough of it, however slow the machine is; of the others the silence is waited for.
        let patience = Duration::from_millis(if manner == Manner::Oversized { 30_000 } else { 700 });
        let mut enough = stream.take(ENOUGH_BYTES);
        let read = tokio::time::timeout(patience, enough.read_to_end(&mut heard)).await;
        assert_eq!(server.accepted(), 1);
        match read {
            Ok(Err(error)) => Err(error.kind().to_string()),
            Ok(Ok(_)) | Err(_) => Ok(heard),
        }
    }

    #[tokio::test]
    async fn each_manner_is_what_it_says() {
        assert_eq!(said(Manner::Silent, b"ping").await.unwrap(), b"");
        assert_eq!(said(Manner::Slow, b"ping").await.unwrap().len(), 1);
        assert_eq!(said(Manner::Truncated, b"ping").await.unwrap().len(), 16);
        let http = said(Manner::Truncated, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(http.starts_with(b"HTTP/1.1 200 OK") && http.ends_with(b"["));
        assert!(said(Manner::Oversized, b"ping").await.unwrap().len() > 16 << 20);
        assert_eq!(said(Manner::Reset, b"ping").await.unwrap_err(), "connection reset");
        assert_eq!(said(Manner::Tls, b"ping").await.unwrap(), TLS_ALERT);
        assert!(said(Manner::Tls, &[22, 3, 1]).await.unwrap().starts_with(b"no such"));
        assert!(said(Manner::Refused, b"").await.is_err());
        assert_eq!(Hostile::start(Manner::NoName).await.unwrap().address, NO_NAME);
    }
}
