//! One TCP or TLS connection of a session, with its frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio_rustls::client::TlsStream;

use super::dial::Taken;
use super::framing::Framing;
use super::tls;
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::imports::{HostError, error};
use crate::plugins::limits::FRAME_BYTES_MAX;
use crate::plugins::tape::{Played, Tap};

/// Of one raw read where the guest asks for more.
const RAW_BYTES: usize = 64 << 10;

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection {
    stream: Mutex<Stream>,
    host: String,
    port: u16,
    io_timeout: Duration,
    /// Half a message was written: what follows would not be understood.
    spoiled: AtomicBool,
    _places: Option<Taken>,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        (host, port): (String, u16),
        framing: Option<Framing>,
        io_timeout: Duration,
        places: Taken,
    ) -> Self {
        let peer = (host, port);
        Self { _places: Some(places), ..Self::over(Io::Plain(stream), None, peer, framing, io_timeout) }
    }

    /// From a tape: nothing is connected.
    pub(super) fn played(
        tap: Tap,
        peer: (String, u16),
        framing: Option<Framing>,
        io_timeout: Duration,
    ) -> Self {
        Self::over(Io::Gone, Some(tap), peer, framing, io_timeout)
    }

    fn over(
        io: Io,
        tap: Option<Tap>,
        (host, port): (String, u16),
        framing: Option<Framing>,
        io_timeout: Duration,
    ) -> Self {
        let stream = Stream { io, tap, framing, buffer: BytesMut::new(), end: None };
        Self {
            stream: Mutex::new(stream),
            host,
            port,
            io_timeout,
            spoiled: AtomicBool::new(false),
            _places: None,
        }
    }

    /// What follows is recorded.
    pub(super) async fn tape(&self, tap: Option<Tap>) {
        self.stream.lock().await.tap = tap;
    }

    /// `HOST:PORT`, for messages.
    pub(super) fn peer(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn io_timeout(&self) -> Duration {
        self.io_timeout
    }

    /// `None`: another host call holds it.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Stream>> {
        self.stream.try_lock().ok()
    }

    pub(super) fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
    }

    pub(super) async fn start_tls(
        &mut self,
        config: Arc<ClientConfig>,
        server_name: Option<&str>,
    ) -> Result<(), HostError> {
        let (peer, name) = (self.peer(), server_name.unwrap_or(&self.host).to_owned());
        let stream = self.stream.get_mut();
        if stream.plays() {
            return Ok(());
        }
        let Io::Plain(plain) = std::mem::replace(&mut stream.io, Io::Gone) else {
            let text = format!("the connection to {peer} is not in the clear: TLS cannot begin");
            return Err(HostError::new(ErrorKind::InvalidArgument, text));
        };
        if !stream.buffer.is_empty() {
            let text = format!("{peer} sent data before TLS began");
            return Err(HostError::new(ErrorKind::Protocol, text));
        }
        stream.io = Io::Tls(Box::new(tls::handshake(config, &name, plain, &peer).await?));
        Ok(())
    }

    pub(super) async fn send(&self, message: &[u8]) -> Result<(), HostError> {
        if self.spoiled.load(Ordering::Relaxed) {
            let text = format!("an earlier message to {} was cut: connect anew", self.peer());
            return Err(HostError::new(ErrorKind::Unavailable, text));
        }
        let mut stream = self.stream.lock().await;
        match stream.send(message).await {
            Ok(sent) => Ok(sent?),
            Err(failed) => {
                self.spoil();
                Err(tls::io_error(&failed, &format!("sending to {}", self.peer())).into())
            }
        }
    }

    pub(super) async fn receive(&self, count_max: u32) -> Result<Option<Bytes>, HostError> {
        let mut stream = self.stream.lock().await;
        stream.receive(count_max, &self.peer()).await.map_err(HostError::from)
    }
}

/// The bytes, and how far they are read.
pub(super) struct Stream {
    io: Io,
    tap: Option<Tap>,
    framing: Option<Framing>,
    buffer: BytesMut,
    /// How reading ended, once it did.
    end: Option<End>,
}

enum End {
    Closed,
    Failed(io::Error),
}

impl Stream {
    /// The peer has not closed it. What it sent meanwhile stays for `receive`.
    pub(super) fn usable(&mut self) -> bool {
        if self.end.is_none() {
            self.buffer.reserve(1);
            // Not readable now is what a healthy idle connection looks like.
            let _at_once = self.read().now_or_never();
        }
        self.end.is_none()
    }

    /// Gives back `index` once there is something to receive: a frame, bytes, the end or an error.
    pub(super) async fn readable(&mut self, index: u32) -> u32 {
        while self.end.is_none() && !self.has_something() {
            self.read().await;
        }
        index
    }

    fn has_something(&self) -> bool {
        match &self.framing {
            Some(framing) => framing.is_whole(&self.buffer),
            None => !self.buffer.is_empty(),
        }
    }

    /// More into the buffer. Cut anywhere, nothing is lost.
    async fn read(&mut self) {
        if self.plays() {
            if !self.play() {
                // Nothing comes before the plugin asks.
                std::future::pending::<()>().await;
            }
            return;
        }
        self.buffer.reserve(4096);
        let had = self.buffer.len();
        match self.io.read_buf(&mut self.buffer).await {
            Ok(0) => self.end = Some(End::Closed),
            Ok(_) => {}
            // Without TLS's own farewell: what a killed server leaves.
            Err(failed) if failed.kind() == io::ErrorKind::UnexpectedEof => self.end = Some(End::Closed),
            Err(failed) => self.end = Some(End::Failed(failed)),
        }
        let Some(tap) = &self.tap else { return };
        match &self.end {
            None => tap.received(self.buffer.get(had..).unwrap_or_default()),
            Some(End::Closed) => tap.ended("closed"),
            Some(End::Failed(failed)) => tap.ended(&failed.to_string()),
        }
    }

    fn plays(&self) -> bool {
        self.tap.as_ref().is_some_and(Tap::plays)
    }

    /// What the tape has next; false where it has nothing now.
    fn play(&mut self) -> bool {
        let Some(tap) = &self.tap else { return false };
        match tap.play(&mut self.buffer) {
            Played::Bytes => {}
            Played::Closed => self.end = Some(End::Closed),
            Played::Broken(how) => self.end = Some(End::Failed(io::Error::other(how))),
            Played::Nothing => return false,
        }
        true
    }

    /// Of a played one, at once.
    pub(super) fn is_ready(&mut self) -> bool {
        while self.end.is_none() && !self.has_something() {
            if !self.play() {
                return false;
            }
        }
        true
    }

    async fn send(&mut self, message: &[u8]) -> io::Result<Result<(), Error>> {
        let Some(framing) = &self.framing else { return self.put(message).await };
        let (at, prefix) = match framing.prefix(message) {
            Ok(prefix) => prefix,
            Err(refused) => return Ok(Err(refused)),
        };
        let (before, after) = message.split_at(at);
        // One write: without it the prefix would travel as a packet of its own.
        let frame = zeroize::Zeroizing::new([before, &prefix, after].concat());
        self.put(&frame).await
    }

    async fn put(&mut self, bytes: &[u8]) -> io::Result<Result<(), Error>> {
        if let Some(tap) = &self.tap {
            let sent = tap.sent(bytes);
            if tap.plays() || sent.is_err() {
                return Ok(sent);
            }
        }
        self.io.write_all(bytes).await?;
        self.io.flush().await.map(Ok)
    }

    async fn receive(&mut self, count_max: u32, peer: &str) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(bytes) = self.take(count_max)? {
                return Ok(Some(bytes));
            }
            if self.plays() && self.end.is_none() && !self.play() {
                return Err(self.tap.as_ref().map_or_else(starved, |tap| tap.starved(peer)));
            }
            match &self.end {
                None if self.plays() => {}
                None => self.read().await,
                Some(End::Closed) if self.buffer.is_empty() => return Ok(None),
                Some(End::Closed) => {
                    let text = format!("{peer} closed the connection in the middle of a frame");
                    return Err(error(ErrorKind::Unavailable, text));
                }
                Some(End::Failed(failed)) => {
                    return Err(tls::io_error(failed, &format!("waiting for an answer of {peer}")));
                }
            }
        }
    }

    fn take(&mut self, count_max: u32) -> Result<Option<Bytes>, Error> {
        if let Some(framing) = &self.framing {
            return framing.take(&mut self.buffer);
        }
        let count = self.buffer.len().min(count_max.min(FRAME_BYTES_MAX) as usize).min(RAW_BYTES);
        Ok((count > 0).then(|| self.buffer.split_to(count).freeze()))
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// A handshake took it and failed.
    Gone,
}

fn starved() -> Error {
    error(ErrorKind::Protocol, "nothing is played")
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "its TLS handshake failed")
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(context, into),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(context, into),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(context, bytes),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(context),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(context),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}
