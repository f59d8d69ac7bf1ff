//! Codes of requests and answers: their names, and what each means to who decides what to do next.

use headgate_sdk::{Error, ErrorKind};

pub(crate) const UPDATE_TOPIC: i32 = 17;
pub(crate) const UPDATE_TOPIC_LIST: i32 = 18;
pub(crate) const ALL_TOPIC_CONFIGS: i32 = 21;
pub(crate) const UPDATE_BROKER_CONFIG: i32 = 25;
pub(crate) const BROKER_CONFIG: i32 = 26;
pub(crate) const BROKER_RUNTIME: i32 = 28;
pub(crate) const CLUSTER_INFO: i32 = 106;
pub(crate) const UPDATE_GROUP: i32 = 200;
pub(crate) const ALL_GROUP_CONFIGS: i32 = 201;
pub(crate) const TOPIC_STATS: i32 = 202;
pub(crate) const CONSUMER_CONNECTIONS: i32 = 203;
pub(crate) const DELETE_GROUP: i32 = 207;
pub(crate) const CONSUME_STATS: i32 = 208;
pub(crate) const DELETE_TOPIC_IN_BROKER: i32 = 215;
pub(crate) const DELETE_TOPIC_IN_NAME_SERVER: i32 = 216;
pub(crate) const UPDATE_GROUP_LIST: i32 = 225;
pub(crate) const SYSTEM_TOPICS: i32 = 305;
pub(crate) const UPDATE_NAME_SERVER_CONFIG: i32 = 318;
pub(crate) const NAME_SERVER_CONFIG: i32 = 319;
pub(crate) const ALL_PRODUCERS: i32 = 328;

pub(crate) const CREATE_USER: i32 = 3_001;
pub(crate) const UPDATE_USER: i32 = 3_002;
pub(crate) const DELETE_USER: i32 = 3_003;
pub(crate) const LIST_USERS: i32 = 3_005;
pub(crate) const CREATE_ACL: i32 = 3_006;
pub(crate) const UPDATE_ACL: i32 = 3_007;
pub(crate) const DELETE_ACL: i32 = 3_008;
pub(crate) const LIST_ACLS: i32 = 3_010;

pub(crate) const SUCCESS: i32 = 0;
pub(crate) const SYSTEM_ERROR: i32 = 1;
pub(crate) const NOT_SUPPORTED: i32 = 3;
pub(crate) const CONSUMER_NOT_ONLINE: i32 = 206;
pub(crate) const GO_AWAY: i32 = 1500;
pub(crate) const NO_PERMISSION: i32 = 16;

/// Ask again after so long where the backend says that it will be better soon.
const RETRY_MS: u64 = 1_000;

use ErrorKind as K;

/// Name, kind and what to do about it; by code.
const CODES: [(i32, &str, ErrorKind, &str); 10] = [
    (SYSTEM_ERROR, "SYSTEM_ERROR", K::Internal, ""),
    (2, "SYSTEM_BUSY", K::Unavailable, ""),
    (
        NOT_SUPPORTED,
        "REQUEST_CODE_NOT_SUPPORTED",
        K::Unsupported,
        "the server is too old for it, or an address of the form is not a name server's",
    ),
    (16, "NO_PERMISSION", K::PermissionDenied, ""),
    (17, "TOPIC_NOT_EXIST", K::NotFound, ""),
    (22, "QUERY_NOT_FOUND", K::NotFound, ""),
    (26, "SUBSCRIPTION_GROUP_NOT_EXIST", K::NotFound, ""),
    (29, "INVALID_PARAMETER", K::InvalidArgument, ""),
    (206, "CONSUMER_NOT_ONLINE", K::NotFound, ""),
    (1500, "GO_AWAY", K::Unavailable, ""),
];

/// The error of a code that is not success; `what` says what was being done, on what. A code that nobody knew when this
/// was written keeps its number.
pub(crate) fn error(code: i32, remark: Option<&str>, what: &str) -> Error {
    let known = CODES.binary_search_by_key(&code, |(code, ..)| *code).ok().and_then(|index| CODES.get(index));
    let said = remark
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    let Some((_, name, kind, advice)) = known else {
        let text = format!("{what}: RocketMQ refused with the unknown code {code}{said}");
        return Error::new(ErrorKind::Other, text).code(code.to_string());
    };
    let (kind, advice) = match code {
        NO_PERMISSION => refusal(remark.unwrap_or_default()),
        _ => (*kind, *advice),
    };
    let advice = if advice.is_empty() { String::new() } else { format!("; {advice}") };
    let error =
        Error::new(kind, format_args!("{what}: RocketMQ refused with {name}{said}{advice}")).code(*name);
    match kind {
        ErrorKind::Unavailable | ErrorKind::Timeout => error.retry_after_ms(RETRY_MS),
        _ => error,
    }
}

/// One code stands for who you are and for what you may; only the remark tells them apart.
fn refusal(remark: &str) -> (ErrorKind, &'static str) {
    if remark.contains("username cannot be null") {
        (K::Unauthenticated, "set `access_key` and `secret_key` of the connection")
    } else if remark.contains("signature") {
        (K::Unauthenticated, "`secret_key` of the connection is not this user's")
    } else if remark.starts_with("User:") && remark.contains("is not found") {
        (K::Unauthenticated, "`access_key` of the connection names no user of this broker")
    } else {
        (K::PermissionDenied, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(CODES.is_sorted_by_key(|(code, ..)| *code));
    }

    #[test]
    fn a_code_keeps_its_name() {
        let error = error(29, Some("bad name"), "write topic a b");
        assert_eq!((error.kind, error.code.as_deref()), (K::InvalidArgument, Some("INVALID_PARAMETER")));
        assert_eq!(error.message, "write topic a b: RocketMQ refused with INVALID_PARAMETER: bad name");
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        let error = error(9_999, None, "write topic a");
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Other, Some("9999")));
    }

    #[test]
    fn a_refusal_says_which_field_to_look_at() {
        let refused = |remark: &str| error(16, Some(remark), "list");
        assert_eq!(refused("username cannot be null.").kind, K::Unauthenticated);
        assert!(refused("check signature failed.").message.contains("`secret_key`"));
        assert!(refused("User:nobody is not found.").message.contains("`access_key`"));
        assert_eq!(refused("User:alice has no permission to access Topic:x1").kind, K::PermissionDenied);
    }
}
