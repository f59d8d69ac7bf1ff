//! Identifiers: `UUIDv7` text, so that they sort by the time they were made.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The organization that every row belongs to until there are several.
pub const DEFAULT_ORGANIZATION: &str = "00000000-0000-7000-8000-000000000001";

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The id of ", $what, ".")]
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

id!(OrganizationId, "an organization");
id!(ClusterId, "a cluster");
id!(PlanId, "a plan");
id!(OperationId, "an operation that was asked for");
id!(TokenId, "an access token");
id!(EventId, "an event");
id!(RecordId, "a record");
