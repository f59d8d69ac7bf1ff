//! What a plugin may use. Every limit has a name, a unit and a reason; tests hand in smaller ones.

use std::time::Duration;

/// The epoch's step: how exactly CPU is charged, and how long a spinning guest keeps its thread from others.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// After the deadline of a call the guest may still answer for this long: its host calls have been cut, and an answer
/// that says so is worth more than a dead session.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Of a component: Rust plugins take about 1 MiB, interpreters up to 20.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// For who tells an author how near a file comes to it.
pub fn component_bytes_max() -> usize {
    COMPONENT_BYTES_MAX
}

/// Of one frame or one raw read: the answer of the largest batch that drivers ask for is about 2 MiB.
pub(super) const FRAME_BYTES_MAX: u32 = 16 << 20;

/// Of one message that a guest sends, its secrets put in.
pub(super) const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Places that one host call connects to, or sends requests to: each costs memory even where it is refused.
pub(super) const AT_ONCE_MAX: usize = 10_000;

/// Names whose addresses a session remembers.
pub(super) const NAMES_MAX: usize = 1_024;

/// Connections of one session: a question to all brokers is one connection each, and large clusters have a hundred.
pub(super) const SESSION_CONNECTIONS_MAX: usize = 128;

/// Connections of one plugin over all clusters: enough for a hundred clusters of three nodes, and never all of the host's.
pub(super) const PLUGIN_CONNECTIONS_MAX: usize = 384;

/// Connections of all plugins: half of the usual limit of open files, 1,024.
pub(super) const HOST_CONNECTIONS_MAX: usize = 512;

/// A connection attempt, with the look-up of the name and the TLS handshake, whatever the plugin asks for.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(30);

/// Calls that wait for one session; more are told to come back.
pub(super) const QUEUE_MAX: usize = 16;

/// A session without calls is closed: it holds connections and memory.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// A session is renewed at this age, so that no slow leak of a guest grows for ever.
pub(super) const AGE_MAX: Duration = Duration::from_secs(60 * 60);

/// A session is renewed after so many calls, for the same reason.
pub(super) const CALLS_MAX: u64 = 10_000;

/// Sessions of one plugin; the least recently used is closed. Every cycle asks every cluster: with fewer sessions than
/// clusters each cycle would log in anew. Below the pool's slots.
pub(super) const SESSIONS_MAX: usize = 192;

/// Component instances that the pool holds: all sessions of a few plugins, of one that is reloaded twice, for the version
/// before ends what it began; and calls that decide. A slot that nobody used takes address space only.
pub(super) const POOL_INSTANCES: u32 = 1_024;

/// Memories of the pool: a component of Rust has one, the engine of JavaScript brings two more.
pub(super) const POOL_MEMORIES: u32 = POOL_INSTANCES * 3;

/// Of a component whose instances come from the pool: larger ones are interpreters, made of dozens of modules, and their
/// instances are mapped one by one.
pub(super) const POOL_COMPONENT_BYTES_MAX: usize = 8 << 20;

/// Of one memory in the pool: the widest budget of any plugin.
pub(super) const POOL_MEMORY_BYTES: usize = 512 << 20;

/// Of one table in the pool.
pub(super) const POOL_TABLE_ELEMENTS: usize = 100_000;

/// Resources on one page of a listing.
pub(super) const PAGE_MAX: usize = 1_000;

/// Random bytes of one host call: nonces and identifiers.
pub(super) const RANDOM_BYTES_MAX: u32 = 64 << 10;

/// Of one log line: longer ones are cut.
pub(super) const LINE_BYTES_MAX: usize = 8 << 10;

/// Of one answer over `http`: as a frame of `net`.
pub(super) const RESPONSE_BYTES_MAX: usize = FRAME_BYTES_MAX as usize;

/// Requests of one `send-all` in flight: a cluster has few nodes that are asked over HTTP.
pub(super) const HTTP_AT_ONCE_MAX: usize = 32;

/// Idle connections that a session keeps to one place.
pub(super) const HTTP_IDLE_MAX: usize = 8;

/// A request that asks for more time gets this: a call's own time ends before.
pub(super) const HTTP_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Requests of `wasi:http` that are on their way or whose answers were not let go of: the host holds both whole.
pub(super) const WASI_EXCHANGES_MAX: usize = 8;

/// Of all request bodies of `wasi:http` that a session is writing: they stand in the host's memory, not in the guest's.
pub(super) const WASI_WRITTEN_BYTES_MAX: usize = RESPONSE_BYTES_MAX;

/// PBKDF2 rounds that a backend may ask for: 4,096 is what RFC 7677 demands at least; more than the upper one is a way
/// to burn the host's CPU.
pub(super) const ITERATIONS: std::ops::RangeInclusive<u32> = 4_096..=1_000_000;

/// Of a key and a value in a plugin's state: bookmarks, not a database.
pub(super) const STATE_KEY_BYTES_MAX: usize = 256;
pub(super) const STATE_VALUE_BYTES_MAX: usize = 64 << 10;

/// Keys of one plugin with one cluster.
pub(crate) const STATE_KEYS_MAX: i64 = 1_000;

/// CPU and wall time of one call. Waiting in host calls costs wall time only.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub cpu: Duration,
    pub wall: Duration,
}

impl Time {
    fn times(self, factor: u32) -> Self {
        Self { cpu: self.cpu * factor, wall: self.wall * factor }
    }
}

/// What one store may hold and use.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub memory_bytes_max: usize,
    pub table_elements_max: usize,
    /// Connections and secrets that a guest holds.
    pub handles_max: usize,
    /// What one host call may bring over: lists and strings, in bytes.
    pub hostcall_bytes_max: usize,
    /// Host calls of one call.
    pub host_calls_max: u64,
    /// Log lines at once, and each second from then on.
    pub lines_burst: u32,
    pub lines_per_second: u32,
}

impl Space {
    /// At least this much: an interpreter and its libraries take 20 MiB before the plugin's own code runs.
    fn widened(self, memory_bytes: usize, table_elements: usize) -> Self {
        Self {
            memory_bytes_max: self.memory_bytes_max.max(memory_bytes),
            table_elements_max: self.table_elements_max.max(table_elements),
            ..self
        }
    }
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls that decide.
    pub pure: Space,
    pub describe: Time,
    pub decide: Time,
    /// Calls that talk to a backend.
    pub driver: Space,
    pub open: Time,
    pub talk: Time,
    pub close: Time,
    pub idle_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds =
            |cpu_ms, wall| Time { cpu: Duration::from_millis(cpu_ms), wall: Duration::from_secs(wall) };
        Self {
            pure: Space {
                // Of a plan of 10,000 changes a third of it.
                memory_bytes_max: 32 << 20,
                table_elements_max: 20_000,
                handles_max: 64,
                hostcall_bytes_max: 8 << 20,
                host_calls_max: 10_000,
                lines_burst: 100,
                lines_per_second: 0,
            },
            driver: Space {
                // The answer about 1,000 topics with all that is known of them takes about 10 MiB.
                memory_bytes_max: 64 << 20,
                table_elements_max: 20_000,
                handles_max: 1_024,
                hostcall_bytes_max: 32 << 20,
                host_calls_max: 200_000,
                lines_burst: 1_000,
                lines_per_second: 200,
            },
            describe: seconds(1_000, 1),
            // A plan of 10,000 changes comes in one call: 0.6 s where other programs want the processor as well, for
            // a guest that has to wait for it is charged on.
            decide: seconds(2_000, 10),
            open: seconds(2_000, 15),
            // Everything about 1,000 topics: 0.2 s on such a machine, and interpreted guests take ten times as long.
            talk: seconds(5_000, 30),
            close: seconds(200, 2),
            idle_max: IDLE_MAX,
        }
    }
}

impl Limits {
    /// For a component that brings an interpreter with it.
    pub(super) fn interpreted(&self) -> Self {
        Self {
            pure: self.pure.widened(128 << 20, 100_000),
            driver: self.driver.widened(256 << 20, 100_000),
            describe: self.describe.times(3),
            open: self.open.times(2),
            decide: self.decide.times(2),
            ..self.clone()
        }
    }
}
