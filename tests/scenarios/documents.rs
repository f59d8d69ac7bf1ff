//! The documents that scenarios hand to `plan -f` and `apply -f`.

use std::time::Duration;

/// What a person would call "does not come back": a cycle, an apply and Kafka's own seconds, on two busy cores.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A topic of the cluster `lab` with one copy of each partition.
pub(crate) fn topic(name: &str, partitions: u32, config: &[(&str, &str)]) -> String {
    replicated(name, partitions, 1, config)
}

/// The same with as many copies as it should have.
pub(crate) fn replicated(name: &str, partitions: u32, copies: u32, config: &[(&str, &str)]) -> String {
    let mut document = format!(
        "---\ncluster: lab\ntype: topic\nname: {name}\nspec:\n  partitions: {partitions}\n  replication_factor: {copies}\n"
    );
    if !config.is_empty() {
        document.push_str("  config:\n");
    }
    for (key, value) in config {
        document.push_str(&format!("    {key}: {value}\n"));
    }
    document
}

/// Asks for a topic to be gone.
pub(crate) fn deleted(name: &str) -> String {
    format!("---\ncluster: lab\ntype: topic\nname: {name}\ndelete: true\n")
}
