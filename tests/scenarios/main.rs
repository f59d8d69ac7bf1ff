//! Scenarios: stories across processes, with real brokers, both databases and the real binary.
//!
//! Each is told by the command line as a person would use it, and judged by Kafka's own tools.

mod backends;
