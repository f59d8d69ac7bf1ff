//! The tables of a backup, in the order in which they can be filled, with their columns.

/// The three types of column that both databases have alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::store) enum Sort {
    Text,
    Bigint,
    Bytea,
}

pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    pub(in crate::store) columns: &'static [(&'static str, Sort)],
}

use Sort::{Bigint, Bytea, Text};

/// A test holds it against the migrations.
pub(in crate::store) const TABLES: &[Table] = &[
    Table { name: "organizations", columns: &[("id", Text), ("name", Text), ("created_at_ms", Bigint)] },
    Table { name: "meta", columns: &[("name", Text), ("value", Bytea)] },
    Table {
        name: "tokens",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("name", Text),
            ("role", Text),
            ("hash", Bytea),
            ("created_at_ms", Bigint),
            ("expires_at_ms", Bigint),
        ],
    },
    Table {
        name: "clusters",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("name", Text),
            ("kind", Text),
            ("connection", Text),
            ("credential_revision", Bigint),
            ("authority", Text),
            ("paused", Bigint),
            ("identity", Text),
            ("backend_version", Text),
            ("facts", Text),
            ("discovered_at_ms", Bigint),
            ("reach", Text),
            ("created_at_ms", Bigint),
            ("updated_at_ms", Bigint),
            ("version", Bigint),
        ],
    },
    Table {
        name: "nodes",
        columns: &[
            ("cluster_id", Text),
            ("id", Text),
            ("organization_id", Text),
            ("document", Text),
            ("seen_at_ms", Bigint),
        ],
    },
    Table {
        name: "secrets",
        columns: &[
            ("cluster_id", Text),
            ("name", Text),
            ("organization_id", Text),
            ("sealed", Bytea),
            ("updated_at_ms", Bigint),
        ],
    },
    Table {
        name: "resources",
        columns: &[
            ("cluster_id", Text),
            ("type", Text),
            ("id", Text),
            ("place", Text),
            ("organization_id", Text),
            ("desired", Text),
            ("applied", Text),
            ("presence", Text),
            ("observed", Text),
            ("status_document", Text),
            ("revision", Text),
            ("incarnation", Text),
            ("internal", Bigint),
            ("partial", Bigint),
            ("owned", Bigint),
            ("owned_incarnation", Text),
            ("difference", Text),
            ("activity", Text),
            ("status", Text),
            ("written_at_ms", Bigint),
            ("updated_at_ms", Bigint),
            ("version", Bigint),
        ],
    },
    Table {
        name: "transitions",
        columns: &[
            ("uid", Text),
            ("cluster_id", Text),
            ("type", Text),
            ("id", Text),
            ("place", Text),
            ("organization_id", Text),
            ("from_status", Text),
            ("to_status", Text),
            ("cause", Text),
            ("at_ms", Bigint),
        ],
    },
    Table {
        name: "sweeps",
        columns: &[
            ("cluster_id", Text),
            ("type", Text),
            ("place", Text),
            ("organization_id", Text),
            ("started_at_ms", Bigint),
            ("ended_at_ms", Bigint),
            ("complete_at_ms", Bigint),
            ("seen", Bigint),
            ("changed", Bigint),
            ("failures", Text),
            ("adopt_proposed_at_ms", Bigint),
        ],
    },
    Table {
        name: "plans",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("cluster_id", Text),
            ("state", Text),
            ("reason", Text),
            ("created_by", Text),
            ("created_at_ms", Bigint),
            ("updated_at_ms", Bigint),
            ("wishes", Text),
            ("base", Text),
            ("blocked", Text),
            ("warnings", Text),
            ("unchanged", Bigint),
            ("exceeded", Text),
            ("allow_destructive", Bigint),
            ("deletes_max", Bigint),
            ("message", Text),
            ("version", Bigint),
            ("cancelled_by", Text),
            ("standing", Text),
            ("approved_by", Text),
            ("approved_request_id", Text),
        ],
    },
    Table {
        name: "steps",
        columns: &[
            ("plan_id", Text),
            ("seq", Bigint),
            ("organization_id", Text),
            ("type", Text),
            ("id", Text),
            ("place", Text),
            ("verb", Text),
            ("summary", Text),
            ("destructive", Bigint),
            ("document", Text),
            ("state", Text),
            ("attempt", Bigint),
            ("outcome", Text),
            ("message", Text),
            ("started_at_ms", Bigint),
            ("ended_at_ms", Bigint),
        ],
    },
    Table {
        name: "policies",
        columns: &[
            ("cluster_id", Text),
            ("type", Text),
            ("id", Text),
            ("organization_id", Text),
            ("document", Text),
        ],
    },
    Table {
        name: "events",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("cluster_id", Text),
            ("at_ms", Bigint),
            ("kind", Text),
            ("subject", Text),
            ("data", Text),
            ("actor", Text),
        ],
    },
    Table {
        name: "records",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("cluster_id", Text),
            ("cluster_name", Text),
            ("at_ms", Bigint),
            ("actor", Text),
            ("request_id", Text),
            ("action", Text),
            ("subject", Text),
            ("part_of", Text),
            ("before", Text),
            ("after", Text),
            ("outcome", Text),
            ("message", Text),
        ],
    },
    Table {
        name: "idempotency",
        columns: &[
            ("organization_id", Text),
            ("key", Text),
            ("request_hash", Text),
            ("status", Bigint),
            ("body", Text),
            ("at_ms", Bigint),
        ],
    },
    Table {
        name: "relations",
        columns: &[
            ("cluster_id", Text),
            ("relation", Text),
            ("target_id", Text),
            ("organization_id", Text),
            ("created_by", Text),
            ("created_at_ms", Bigint),
        ],
    },
    Table {
        name: "operations",
        columns: &[
            ("id", Text),
            ("organization_id", Text),
            ("cluster_id", Text),
            ("name", Text),
            ("subject", Text),
            ("input", Text),
            ("destructive", Bigint),
            ("state", Text),
            ("created_by", Text),
            ("created_at_ms", Bigint),
            ("started_at_ms", Bigint),
            ("ended_at_ms", Bigint),
            ("handle", Text),
            ("percent", Bigint),
            ("cancelled_by", Text),
            ("message", Text),
            ("output", Text),
            ("failures", Text),
            ("undo", Text),
            ("undoes", Text),
            ("version", Bigint),
            ("request_id", Text),
        ],
    },
    Table {
        name: "standing_wishes",
        columns: &[
            ("cluster_id", Text),
            ("type", Text),
            ("id", Text),
            ("organization_id", Text),
            ("spec", Text),
            ("places", Text),
        ],
    },
    Table {
        name: "plugin_state",
        columns: &[
            ("kind", Text),
            ("cluster_id", Text),
            ("key", Text),
            ("organization_id", Text),
            ("value", Bytea),
        ],
    },
];

pub(super) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<(&'static str, Sort)> {
        self.columns.iter().copied().find(|(known, _sort)| *known == name)
    }
}
