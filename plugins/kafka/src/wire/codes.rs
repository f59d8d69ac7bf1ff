//! Kafka's error codes: their names, and what each means to who decides what to do next.

use headgate_sdk::{Error, ErrorKind};

pub(crate) const NONE: i16 = 0;
pub(crate) const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
pub(crate) const INVALID_TOPIC: i16 = 17;
pub(crate) const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
pub(crate) const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
pub(crate) const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
pub(crate) const UNSUPPORTED_VERSION: i16 = 35;
pub(crate) const NOT_CONTROLLER: i16 = 41;
pub(crate) const POLICY_VIOLATION: i16 = 44;
pub(crate) const SECURITY_DISABLED: i16 = 54;
pub(crate) const KAFKA_STORAGE_ERROR: i16 = 56;
pub(crate) const GROUP_ID_NOT_FOUND: i16 = 69;
pub(crate) const ELECTION_NOT_NEEDED: i16 = 84;
pub(crate) const THROTTLING_QUOTA_EXCEEDED: i16 = 89;
pub(crate) const RESOURCE_NOT_FOUND: i16 = 91;
pub(crate) const DUPLICATE_RESOURCE: i16 = 92;

/// Ask again after so long where the backend says that it will be better soon.
const RETRY_MS: u64 = 1_000;

use ErrorKind as K;

/// Of the protocol's own list; by code.
const CODES: [(i16, &str, ErrorKind); 83] = [
    (-1, "UNKNOWN_SERVER_ERROR", K::Internal),
    (1, "OFFSET_OUT_OF_RANGE", K::InvalidArgument),
    (2, "CORRUPT_MESSAGE", K::Protocol),
    (3, "UNKNOWN_TOPIC_OR_PARTITION", K::NotFound),
    (5, "LEADER_NOT_AVAILABLE", K::Unavailable),
    (6, "NOT_LEADER_OR_FOLLOWER", K::Unavailable),
    (7, "REQUEST_TIMED_OUT", K::Timeout),
    (8, "BROKER_NOT_AVAILABLE", K::Unavailable),
    (9, "REPLICA_NOT_AVAILABLE", K::Unavailable),
    (12, "OFFSET_METADATA_TOO_LARGE", K::InvalidArgument),
    (13, "NETWORK_EXCEPTION", K::Unavailable),
    (14, "COORDINATOR_LOAD_IN_PROGRESS", K::Unavailable),
    (15, "COORDINATOR_NOT_AVAILABLE", K::Unavailable),
    (16, "NOT_COORDINATOR", K::Unavailable),
    (17, "INVALID_TOPIC_EXCEPTION", K::InvalidArgument),
    (22, "ILLEGAL_GENERATION", K::Conflict),
    (24, "INVALID_GROUP_ID", K::InvalidArgument),
    (25, "UNKNOWN_MEMBER_ID", K::NotFound),
    (27, "REBALANCE_IN_PROGRESS", K::Conflict),
    (29, "TOPIC_AUTHORIZATION_FAILED", K::PermissionDenied),
    (30, "GROUP_AUTHORIZATION_FAILED", K::PermissionDenied),
    (31, "CLUSTER_AUTHORIZATION_FAILED", K::PermissionDenied),
    (33, "UNSUPPORTED_SASL_MECHANISM", K::Unsupported),
    (34, "ILLEGAL_SASL_STATE", K::Unauthenticated),
    (35, "UNSUPPORTED_VERSION", K::Unsupported),
    (36, "TOPIC_ALREADY_EXISTS", K::AlreadyExists),
    (37, "INVALID_PARTITIONS", K::InvalidArgument),
    (38, "INVALID_REPLICATION_FACTOR", K::InvalidArgument),
    (39, "INVALID_REPLICA_ASSIGNMENT", K::InvalidArgument),
    (40, "INVALID_CONFIG", K::InvalidArgument),
    (41, "NOT_CONTROLLER", K::Unavailable),
    (42, "INVALID_REQUEST", K::InvalidArgument),
    (43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", K::Unsupported),
    (44, "POLICY_VIOLATION", K::InvalidArgument),
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", K::PermissionDenied),
    (54, "SECURITY_DISABLED", K::Unsupported),
    (56, "KAFKA_STORAGE_ERROR", K::Unavailable),
    (57, "LOG_DIR_NOT_FOUND", K::NotFound),
    (58, "SASL_AUTHENTICATION_FAILED", K::Unauthenticated),
    (60, "REASSIGNMENT_IN_PROGRESS", K::Conflict),
    (61, "DELEGATION_TOKEN_AUTH_DISABLED", K::Unsupported),
    (62, "DELEGATION_TOKEN_NOT_FOUND", K::NotFound),
    (65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", K::PermissionDenied),
    (66, "DELEGATION_TOKEN_EXPIRED", K::Unauthenticated),
    (68, "NON_EMPTY_GROUP", K::Conflict),
    (69, "GROUP_ID_NOT_FOUND", K::NotFound),
    (72, "LISTENER_NOT_FOUND", K::NotFound),
    (73, "TOPIC_DELETION_DISABLED", K::Unsupported),
    (74, "FENCED_LEADER_EPOCH", K::Conflict),
    (75, "UNKNOWN_LEADER_EPOCH", K::Unavailable),
    (77, "STALE_BROKER_EPOCH", K::Conflict),
    (78, "OFFSET_NOT_AVAILABLE", K::Unavailable),
    (80, "PREFERRED_LEADER_NOT_AVAILABLE", K::Unavailable),
    (81, "GROUP_MAX_SIZE_REACHED", K::Exhausted),
    (82, "FENCED_INSTANCE_ID", K::Conflict),
    (83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", K::Unavailable),
    (84, "ELECTION_NOT_NEEDED", K::Conflict),
    (85, "NO_REASSIGNMENT_IN_PROGRESS", K::NotFound),
    (86, "GROUP_SUBSCRIBED_TO_TOPIC", K::Conflict),
    (87, "INVALID_RECORD", K::InvalidArgument),
    (88, "UNSTABLE_OFFSET_COMMIT", K::Unavailable),
    (89, "THROTTLING_QUOTA_EXCEEDED", K::Exhausted),
    (91, "RESOURCE_NOT_FOUND", K::NotFound),
    (92, "DUPLICATE_RESOURCE", K::AlreadyExists),
    (93, "UNACCEPTABLE_CREDENTIAL", K::InvalidArgument),
    (94, "INCONSISTENT_VOTER_SET", K::Conflict),
    (95, "INVALID_UPDATE_VERSION", K::InvalidArgument),
    (96, "FEATURE_UPDATE_FAILED", K::Conflict),
    (100, "UNKNOWN_TOPIC_ID", K::NotFound),
    (101, "DUPLICATE_BROKER_REGISTRATION", K::AlreadyExists),
    (102, "BROKER_ID_NOT_REGISTERED", K::NotFound),
    (103, "INCONSISTENT_TOPIC_ID", K::Conflict),
    (104, "INCONSISTENT_CLUSTER_ID", K::Conflict),
    (107, "INELIGIBLE_REPLICA", K::Conflict),
    (110, "FENCED_MEMBER_EPOCH", K::Conflict),
    (111, "UNRELEASED_INSTANCE_ID", K::Conflict),
    (112, "UNSUPPORTED_ASSIGNOR", K::Unsupported),
    (113, "STALE_MEMBER_EPOCH", K::Conflict),
    (114, "MISMATCHED_ENDPOINT_TYPE", K::InvalidArgument),
    (115, "UNSUPPORTED_ENDPOINT_TYPE", K::Unsupported),
    (116, "UNKNOWN_CONTROLLER_ID", K::NotFound),
    (128, "INVALID_REGULAR_EXPRESSION", K::InvalidArgument),
    (129, "REBOOTSTRAP_REQUIRED", K::Unavailable),
];

/// The error of a code that is not zero; `what` says what was being done, on what. A code that nobody knew when this was
/// written keeps its number.
pub(crate) fn error(code: i16, message: Option<&str>, what: &str) -> Error {
    let known =
        CODES.binary_search_by_key(&code, |(code, _, _)| *code).ok().and_then(|index| CODES.get(index));
    let (name, kind) = match known {
        Some((_, name, kind)) => ((*name).to_owned(), *kind),
        None => (code.to_string(), ErrorKind::Other),
    };
    let said = message.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default();
    let text = match known {
        Some(_) => format!("{what}: Kafka refused with {name}{said}"),
        None => format!("{what}: Kafka refused with the unknown error code {code}{said}"),
    };
    let error = Error::new(kind, text).code(name);
    match kind {
        ErrorKind::Unavailable | ErrorKind::Timeout => error.retry_after_ms(RETRY_MS),
        _ => error,
    }
}

/// What a login lacks that may not do this, in place of the broker's own words: they name its sockets, anew each time.
pub(crate) fn or_right<'a>(code: i16, message: Option<&'a str>, right: &'a str) -> Option<&'a str> {
    if code == CLUSTER_AUTHORIZATION_FAILED { Some(right) } else { message }
}

/// As `error`, with the time that the broker asks to wait.
pub(crate) fn throttled(code: i16, message: Option<&str>, what: &str, throttle_ms: i32) -> Error {
    let error = error(code, message, what);
    match u64::try_from(throttle_ms) {
        Ok(delay) if delay > 0 && code == THROTTLING_QUOTA_EXCEEDED => error.retry_after_ms(delay),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(CODES.is_sorted_by_key(|(code, _, _)| *code));
    }

    #[test]
    fn a_code_keeps_its_name() {
        let error = error(36, Some("Topic 'a' already exists."), "create topic a");
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (ErrorKind::AlreadyExists, Some("TOPIC_ALREADY_EXISTS"))
        );
        assert_eq!(
            error.message,
            "create topic a: Kafka refused with TOPIC_ALREADY_EXISTS: Topic 'a' already exists."
        );
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        let error = error(9_999, None, "create topic a");
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Other, Some("9999")));
    }

    #[test]
    fn the_broker_says_how_long_to_wait() {
        assert_eq!(throttled(89, None, "create", 1_500).retry_after_ms, Some(1_500));
        assert_eq!(throttled(36, None, "create", 1_500).retry_after_ms, None);
    }
}
