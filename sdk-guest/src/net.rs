//! TCP by the host: its TLS, its frames. Natively plain sockets with the same frames.

use crate::Result;
pub use crate::bindings::headgate::host::net::LengthPrefix;
pub use crate::secrets::{Piece, Tls};

/// Kafka and RocketMQ: four bytes before each frame tell how many follow.
pub const fn four_byte_frames(bytes_max: u32) -> LengthPrefix {
    LengthPrefix { offset: 0, width: 4, little_endian: false, adjust: 0, bytes_max }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub tls: Option<Tls>,
    pub framing: Option<LengthPrefix>,
    pub connect_timeout_ms: u32,
    pub io_timeout_ms: u32,
}

#[derive(Debug)]
pub struct Connection(Handle);

#[cfg(target_arch = "wasm32")]
use component::Handle;
#[cfg(target_arch = "wasm32")]
pub use component::{connect, connect_all, wait_readable};

#[cfg(not(target_arch = "wasm32"))]
use crate::native::net::Handle;
#[cfg(not(target_arch = "wasm32"))]
pub use shim::{connect, connect_all, wait_readable};

/// As the host takes them.
#[cfg(target_arch = "wasm32")]
pub(crate) fn pieces(pieces: Vec<Piece<'_>>) -> Vec<crate::bindings::headgate::host::secrets::Piece<'_>> {
    use crate::bindings::headgate::host::secrets as host;
    let piece = |piece| match piece {
        Piece::Bytes(bytes) => host::Piece::Bytes(bytes),
        Piece::Secret(secret, encoding) => host::Piece::Secret((secret.handle(), encoding)),
    };
    pieces.into_iter().map(piece).collect()
}

#[cfg(target_arch = "wasm32")]
mod component {
    //! The host's own.
    use super::{Connection, Options, Piece, Result, Tls};
    use crate::bindings::headgate::host::net as host;

    pub(super) type Handle = host::Connection;

    impl From<&Options> for host::Options {
        fn from(options: &Options) -> Self {
            Self {
                tls: options.tls.clone(),
                framing: options.framing,
                connect_timeout_ms: options.connect_timeout_ms,
                io_timeout_ms: options.io_timeout_ms,
                extra: None,
            }
        }
    }

    pub fn connect(address: &str, port: u16, options: &Options) -> Result<Connection> {
        host::connect(address, port, &options.into()).map(Connection)
    }

    /// Connects to all at once, an answer each, in order.
    pub fn connect_all(addresses: &[(String, u16)], options: &Options) -> Vec<Result<Connection>> {
        host::connect_all(addresses, &options.into()).into_iter().map(|one| one.map(Connection)).collect()
    }

    /// Indexes of those with something to read, or closed; empty after the time-out.
    pub fn wait_readable(connections: &[&Connection], timeout_ms: u32) -> Result<Vec<u32>> {
        let handles: Vec<&host::Connection> = connections.iter().map(|connection| &connection.0).collect();
        host::wait_readable(&handles, timeout_ms)
    }

    impl Connection {
        pub fn usable(&self) -> bool {
            self.0.usable()
        }

        pub fn start_tls(&self, tls: &Tls) -> Result<()> {
            self.0.start_tls(tls)
        }

        pub fn send(&self, pieces: Vec<Piece<'_>>) -> Result<()> {
            self.0.send(&super::pieces(pieces))
        }

        pub fn receive(&self, count_max: u32) -> Result<Option<Vec<u8>>> {
            self.0.receive(count_max)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod shim {
    //! The native stand-in.
    use super::{Connection, Options, Piece, Result, Tls};
    use crate::native::net as host;

    pub fn connect(address: &str, port: u16, options: &Options) -> Result<Connection> {
        host::connect(address, port, options).map(Connection)
    }

    /// Connects to all at once, an answer each, in order.
    pub fn connect_all(addresses: &[(String, u16)], options: &Options) -> Vec<Result<Connection>> {
        host::connect_all(addresses, options).into_iter().map(|one| one.map(Connection)).collect()
    }

    /// Indexes of those with something to read, or closed; empty after the time-out.
    pub fn wait_readable(connections: &[&Connection], timeout_ms: u32) -> Result<Vec<u32>> {
        let handles: Vec<&host::Handle> = connections.iter().map(|connection| &connection.0).collect();
        Ok(host::wait_readable(&handles, timeout_ms))
    }

    impl Connection {
        /// The peer has not closed it. Ask before writing on a kept one.
        pub fn usable(&self) -> bool {
            self.0.usable()
        }

        /// For protocols that begin in the clear.
        pub fn start_tls(&self, tls: &Tls) -> Result<()> {
            self.0.start_tls(tls)
        }

        /// With framing: one frame. Without: raw bytes.
        pub fn send(&self, pieces: Vec<Piece<'_>>) -> Result<()> {
            self.0.send(pieces)
        }

        /// With framing: the next frame's body. Without: up to `count_max` bytes. None at the end.
        pub fn receive(&self, count_max: u32) -> Result<Option<Vec<u8>>> {
            self.0.receive(count_max)
        }
    }
}
