//! Sockets of the native stand-in. A thread per connection reads frames into an inbox, so that waiting for many needs
//! no polling.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::{LengthPrefix, Options, Piece, Tls};
use crate::{Error, ErrorKind, Result};

/// Read at once where there is no framing.
const CHUNK_BYTES: usize = 64 * 1024;

/// What all connections of the process wait on: whichever has news wakes who waits.
static NEWS: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

#[derive(Debug)]
pub(crate) struct Handle {
    stream: TcpStream,
    inbox: Arc<Mutex<Inbox>>,
    framing: Option<LengthPrefix>,
    io_timeout: Duration,
}

#[derive(Debug, Default)]
struct Inbox {
    frames: VecDeque<Vec<u8>>,
    /// Nothing follows; with an error where it was not the peer's orderly end.
    ended: Option<Option<Error>>,
}

pub(crate) fn connect(address: &str, port: u16, options: &Options) -> Result<Handle> {
    let peer = format!("{address}:{port}");
    if options.tls.is_some() {
        return Err(no_tls());
    }
    let unsupported = |framing: LengthPrefix| framing.offset != 0 || !(1..=4).contains(&framing.width);
    if options.framing.is_some_and(unsupported) {
        return Err(Error::unsupported("natively a frame begins with its length of 1 to 4 bytes"));
    }
    let timeout = Duration::from_millis(u64::from(options.connect_timeout_ms));
    let stream = open(address, port, timeout).map_err(|error| failed(&error).during(&peer))?;
    let reader = stream.try_clone().map_err(|error| failed(&error).during(&peer))?;
    let inbox = Arc::new(Mutex::new(Inbox::default()));
    let (target, framing) = (Arc::clone(&inbox), options.framing);
    thread::spawn(move || read_all(reader, framing, &target));
    let io_timeout = Duration::from_millis(u64::from(options.io_timeout_ms));
    Ok(Handle { stream, inbox, framing, io_timeout })
}

pub(crate) fn connect_all(addresses: &[(String, u16)], options: &Options) -> Vec<Result<Handle>> {
    thread::scope(|scope| {
        let open = |(address, port): &(String, u16)| {
            let (address, port) = (address.clone(), *port);
            scope.spawn(move || connect(&address, port, options))
        };
        let threads: Vec<_> = addresses.iter().map(open).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Error::internal("connecting panicked"))))
            .collect()
    })
}

pub(crate) fn wait_readable(handles: &[&Handle], timeout_ms: u32) -> Vec<u32> {
    let readable = || -> Vec<u32> {
        (0_u32..).zip(handles).filter(|(_, one)| one.has_news()).map(|(index, _)| index).collect()
    };
    wait_until(Duration::from_millis(u64::from(timeout_ms)), || {
        Some(readable()).filter(|some| !some.is_empty())
    })
    .unwrap_or_default()
}

impl Handle {
    pub(crate) fn usable(&self) -> bool {
        lock(&self.inbox).ended.is_none()
    }

    #[expect(clippy::unused_self, reason = "the shape of the component's connection")]
    pub(crate) fn start_tls(&self, _: &Tls) -> Result<()> {
        Err(no_tls())
    }

    pub(crate) fn send(&self, pieces: Vec<Piece<'_>>) -> Result<()> {
        let mut body = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => body.extend_from_slice(&bytes),
                Piece::Secret(secret, encoding) => body.extend_from_slice(&secret.handle().bytes(encoding)?),
            }
        }
        let frame = match self.framing {
            Some(framing) => prefixed(framing, &body)?,
            None => body,
        };
        (&self.stream).write_all(&frame).map_err(|error| failed(&error))
    }

    pub(crate) fn receive(&self, count_max: u32) -> Result<Option<Vec<u8>>> {
        let next = || {
            let mut inbox = lock(&self.inbox);
            match inbox.frames.pop_front() {
                Some(frame) => Some(Ok(Some(frame))),
                None => inbox.ended.clone().map(|end| end.map_or(Ok(None), Err)),
            }
        };
        let timeout =
            || Error::new(ErrorKind::Timeout, format_args!("no answer within {:?}", self.io_timeout));
        let mut frame = wait_until(self.io_timeout, next).unwrap_or_else(|| Err(timeout()))?;
        if self.framing.is_none()
            && let Some(bytes) = &mut frame
            && bytes.len() > count_max as usize
        {
            let rest = bytes.split_off(count_max as usize);
            lock(&self.inbox).frames.push_front(rest);
        }
        Ok(frame)
    }

    fn has_news(&self) -> bool {
        let inbox = lock(&self.inbox);
        !inbox.frames.is_empty() || inbox.ended.is_some()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The reading thread ends with it; a socket that is closed already is what was wanted.
        drop(self.stream.shutdown(Shutdown::Both));
    }
}

/// Tries, waits for news, tries again, until the time is over.
fn wait_until<T>(timeout: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + timeout;
    let mut guard = lock(&NEWS.0);
    loop {
        if let Some(value) = attempt() {
            return Some(value);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        guard = NEWS.1.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn open(address: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for resolved in (address, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&resolved, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn read_all(mut stream: TcpStream, framing: Option<LengthPrefix>, inbox: &Mutex<Inbox>) {
    loop {
        let read = match framing {
            Some(framing) => read_frame(&mut stream, framing),
            None => read_chunk(&mut stream),
        };
        let ended = !matches!(read, Ok(Some(_)));
        {
            let mut inbox = lock(inbox);
            match read {
                Ok(Some(frame)) => inbox.frames.push_back(frame),
                Ok(None) => inbox.ended = Some(None),
                Err(error) => inbox.ended = Some(Some(error)),
            }
        }
        drop(lock(&NEWS.0));
        NEWS.1.notify_all();
        if ended {
            return;
        }
    }
}

fn read_chunk(stream: &mut TcpStream) -> Result<Option<Vec<u8>>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let count = stream.read(&mut chunk).map_err(|error| failed(&error))?;
    chunk.truncate(count);
    Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
}

/// None where the peer ended between two frames.
fn read_frame(stream: &mut TcpStream, framing: LengthPrefix) -> Result<Option<Vec<u8>>> {
    let mut prefix = vec![0; usize::from(framing.width)];
    let first = stream.read(&mut prefix).map_err(|error| failed(&error))?;
    if first == 0 {
        return Ok(None);
    }
    if let Some(rest) = prefix.get_mut(first..) {
        stream.read_exact(rest).map_err(|error| failed(&error))?;
    }
    if framing.little_endian {
        prefix.reverse();
    }
    let value = prefix.iter().fold(0_i64, |value, byte| value << 8 | i64::from(*byte));
    let length = value + i64::from(framing.adjust);
    let length = usize::try_from(length).ok().filter(|length| *length <= framing.bytes_max as usize);
    let Some(length) = length else {
        let message = format!("a frame of {value} bytes where {} are allowed", framing.bytes_max);
        return Err(Error::protocol(message).code("FRAME_TOO_LARGE"));
    };
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).map_err(|error| failed(&error))?;
    Ok(Some(frame))
}

fn prefixed(framing: LengthPrefix, body: &[u8]) -> Result<Vec<u8>> {
    let value = i64::try_from(body.len()).unwrap_or(i64::MAX) - i64::from(framing.adjust);
    let width = usize::from(framing.width);
    let bytes = value.to_be_bytes();
    let (zeros, prefix) = bytes.split_at(bytes.len() - width);
    if zeros.iter().any(|byte| *byte != 0) || body.len() > framing.bytes_max as usize {
        return Err(Error::invalid_argument(format_args!("a frame of {} bytes is too long", body.len())));
    }
    let mut frame = prefix.to_vec();
    if framing.little_endian {
        frame.reverse();
    }
    frame.extend_from_slice(body);
    Ok(frame)
}

fn failed(error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, error)
}

fn no_tls() -> Error {
    Error::unsupported(
        "natively there is no TLS: use a listener without it, or run the component in the host",
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
