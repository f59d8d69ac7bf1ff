//! `net`: TCP with the host's TLS and frames cut by the host. The policy is `grants`; names are resolved once for a
//! session and pinned.

pub(super) mod connection;
mod dial;
mod framing;
pub(super) mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use wasmtime::component::Resource;

use super::secrets::SecretBox;
use super::{HostError, cut, few};
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::bindings::headgate::host::net::{Host, HostConnection, Options};
use crate::plugins::bindings::headgate::host::secrets::{Piece, Tls};
use crate::plugins::guest::Guest;
use crate::plugins::limits::CONNECT_MAX;
use crate::plugins::tape::Track;

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use connection::Connection;
pub(super) use dial::Taken;
pub(in crate::plugins) use dial::{Dialer, Places};

/// The network of one session; none for calls that decide.
#[derive(Clone, Default)]
pub(in crate::plugins) struct Net(Option<Arc<Dialer>>);

impl Net {
    pub(in crate::plugins) fn new(dialer: Dialer) -> Self {
        Self(Some(Arc::new(dialer)))
    }

    pub(super) fn dialer(&self) -> Result<Arc<Dialer>, HostError> {
        let missing = || HostError::new(ErrorKind::PermissionDenied, "a call that decides has no network");
        self.0.clone().ok_or_else(missing)
    }
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}

/// What a session connects with.
struct Means<'a> {
    dialer: &'a Dialer,
    secrets: &'a SecretBox,
    track: &'a Track,
}

impl Means<'_> {
    async fn connect(&self, host: &str, port: u16, options: &Options) -> Result<Connection, HostError> {
        let framing = options.framing.map(framing::Framing::new).transpose()?;
        let (peer, io_timeout) = ((host.to_owned(), port), milliseconds(options.io_timeout_ms));
        if let Some(tap) = self.track.connect(host, port) {
            self.dialer.check(host, port)?;
            return Ok(Connection::played(tap?, peer, framing, io_timeout));
        }
        let made = self.reach(peer, framing, io_timeout, options.tls.as_ref()).await;
        let tap = self.track.connected(host, port, made.as_ref().map(drop));
        let connection = made?;
        connection.tape(tap).await;
        Ok(connection)
    }

    async fn reach(
        &self,
        peer: (String, u16),
        framing: Option<framing::Framing>,
        io_timeout: Duration,
        tls: Option<&Tls>,
    ) -> Result<Connection, HostError> {
        let (stream, permits) = self.dialer.dial(&peer.0, peer.1).await?;
        let mut connection = Connection::new(stream, peer, framing, io_timeout, permits);
        if let Some(tls) = tls {
            let config = self.dialer.tls_config(tls, self.secrets).await?;
            connection.start_tls(config, tls.server_name.as_deref()).await?;
        }
        Ok(connection)
    }
}

impl Guest {
    fn connection(&self, handle: &Resource<Connection>) -> Result<&Connection, HostError> {
        Ok(self.table.get(handle)?)
    }
}

impl Host for Guest {
    async fn connect(
        &mut self,
        host: String,
        port: u16,
        options: Options,
    ) -> Result<Resource<Connection>, HostError> {
        self.enter("net")?;
        let dialer = self.net.dialer()?;
        let limit = milliseconds(options.connect_timeout_ms).min(CONNECT_MAX);
        let means = Means { dialer: &dialer, secrets: &self.secrets, track: &self.track };
        let made = self.call.wait.on(limit, means.connect(&host, port, &options)).await;
        let connection =
            made.map_err(|why| cut(why, &format!("connecting to {}", dialer.shown(&host, port))))??;
        Ok(self.table.push(connection)?)
    }

    async fn connect_all(
        &mut self,
        addresses: Vec<(String, u16)>,
        options: Options,
    ) -> wasmtime::Result<Vec<Result<Resource<Connection>, Error>>> {
        self.enter("net")?;
        few(addresses.len(), "places to connect to")?;
        let dialer = match self.net.dialer() {
            Ok(dialer) => dialer,
            Err(refused) => {
                let refused = refused.into_answer()?;
                return Ok(addresses.iter().map(|_| Err(refused.clone())).collect());
            }
        };
        let limit = milliseconds(options.connect_timeout_ms).min(CONNECT_MAX);
        let (dialer, options) = (&*dialer, &options);
        let means = &Means { dialer, secrets: &self.secrets, track: &self.track };
        // The time-out is around each, so that a dead node does not take the others' answers with it.
        let attempts = addresses.iter().map(|(host, port)| async move {
            let work = means.connect(host, *port, options);
            tokio::time::timeout(limit, work).await.unwrap_or_else(|_elapsed| {
                let what = format!("connecting to {}", dialer.shown(host, *port));
                Err(cut(crate::plugins::guest::Cut::Timeout(limit), &what).into())
            })
        });
        let made = self.call.wait.on(CONNECT_MAX, join_all(attempts)).await;
        let made = match made {
            Ok(made) => made,
            Err(why) => addresses
                .iter()
                .map(|(host, port)| {
                    Err(cut(why, &format!("connecting to {}", dialer.shown(host, *port))).into())
                })
                .collect(),
        };
        let keep = |made: Result<Connection, HostError>| match made
            .and_then(|connection| self.table.push(connection).map_err(HostError::from))
        {
            Ok(handle) => Ok(Ok(handle)),
            Err(error) => error.into_answer().map(Err),
        };
        made.into_iter().map(keep).collect()
    }

    async fn wait_readable(
        &mut self,
        connections: Vec<Resource<Connection>>,
        timeout_ms: u32,
    ) -> Result<Vec<u32>, HostError> {
        self.enter("net")?;
        let mut streams = Vec::with_capacity(connections.len());
        for handle in &connections {
            let connection = self.connection(handle)?;
            let Some(stream) = connection.try_lock() else {
                let text = "a connection stands twice in the list to wait for";
                return Err(HostError::new(ErrorKind::InvalidArgument, text));
            };
            streams.push(stream);
        }
        if self.track.plays() {
            let ready: Vec<u32> = (0..)
                .zip(&mut streams)
                .filter_map(|(index, stream)| stream.is_ready().then_some(index))
                .collect();
            if ready.is_empty() {
                self.track.waited(timeout_ms);
            }
            return Ok(ready);
        }
        let ready = async move {
            let mut waiting: FuturesUnordered<_> =
                (0..).zip(&mut streams).map(|(index, stream)| stream.readable(index)).collect();
            let mut ready: Vec<u32> = Vec::new();
            match waiting.next().await {
                Some(first) => ready.push(first),
                // Nothing to wait for but the time-out.
                None => std::future::pending::<()>().await,
            }
            // Those that are ready by now too, in the same call.
            while let Some(Some(next)) = futures::FutureExt::now_or_never(waiting.next()) {
                ready.push(next);
            }
            ready.sort_unstable();
            ready
        };
        match self.call.wait.on(milliseconds(timeout_ms), ready).await {
            Ok(ready) => Ok(ready),
            Err(crate::plugins::guest::Cut::Timeout(_)) => Ok(Vec::new()),
            Err(why) => Err(cut(why, "waiting for an answer").into()),
        }
    }
}

impl HostConnection for Guest {
    async fn usable(&mut self, handle: Resource<Connection>) -> wasmtime::Result<bool> {
        self.enter("net")?;
        Ok(self.table.get(&handle)?.try_lock().is_some_and(|mut stream| stream.usable()))
    }

    async fn start_tls(&mut self, handle: Resource<Connection>, tls: Tls) -> Result<(), HostError> {
        self.enter("net")?;
        let dialer = self.net.dialer()?;
        let secrets = &self.secrets;
        let connection = self.table.get_mut(&handle)?;
        let (limit, what) = (connection.io_timeout(), format!("starting TLS with {}", connection.peer()));
        let work = async {
            let config = dialer.tls_config(&tls, secrets).await?;
            connection.start_tls(config, tls.server_name.as_deref()).await
        };
        self.call.wait.on(limit, work).await.map_err(|why| cut(why, &what))?
    }

    async fn send(&mut self, handle: Resource<Connection>, pieces: Vec<Piece>) -> Result<(), HostError> {
        self.enter("net")?;
        let message = self.assemble(pieces, "send")?;
        let connection = self.connection(&handle)?;
        let what = || format!("sending to {}", connection.peer());
        let limit = connection.io_timeout();
        let sent = self.call.wait.on(limit, connection.send(&message)).await;
        self.metrics.bytes_out(message.len());
        match sent {
            Ok(sent) => sent,
            Err(why) => {
                // Half a message may be on the wire.
                connection.spoil();
                Err(cut(why, &what()).into())
            }
        }
    }

    async fn receive(
        &mut self,
        handle: Resource<Connection>,
        count_max: u32,
    ) -> Result<Option<Vec<u8>>, HostError> {
        self.enter("net")?;
        let connection = self.connection(&handle)?;
        let what = || format!("waiting for an answer of {}", connection.peer());
        let received = self.call.wait.on(connection.io_timeout(), connection.receive(count_max)).await;
        let received = received.map_err(|why| cut(why, &what()))??;
        let bytes = received.map(|bytes: Bytes| Vec::from(bytes));
        self.metrics.bytes_in(bytes.as_ref().map_or(0, Vec::len));
        Ok(bytes)
    }

    async fn drop(&mut self, handle: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
