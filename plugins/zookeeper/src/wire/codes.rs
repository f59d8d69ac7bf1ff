//! ZooKeeper's error codes, as the host understands them.

use headgate_sdk::{Error, ErrorKind};

pub(super) fn error(code: i32) -> Error {
    let (kind, name, message) = match code {
        -4 => (ErrorKind::Unavailable, "CONNECTIONLOSS", "the server lost its quorum"),
        -6 => (ErrorKind::Unsupported, "UNIMPLEMENTED", "this release of ZooKeeper cannot tell"),
        -7 => (ErrorKind::Timeout, "OPERATIONTIMEOUT", "the ensemble did not answer in time"),
        -8 => (ErrorKind::InvalidArgument, "BADARGUMENTS", "this is no path of a znode"),
        -101 => (ErrorKind::NotFound, "NONODE", "there is no such znode"),
        -102 => (ErrorKind::PermissionDenied, "NOAUTH", "its ACL does not let this login read it"),
        -112 => (ErrorKind::Unavailable, "SESSIONEXPIRED", "the session has expired"),
        -115 => (ErrorKind::Unauthenticated, "AUTHFAILED", "the server refuses the login"),
        -118 => (ErrorKind::Unavailable, "SESSIONMOVED", "the session has moved to another server"),
        -124 => {
            let message = "the server wants another login than the digest scheme, such as SASL";
            (ErrorKind::Unauthenticated, "SESSIONCLOSEDREQUIRESASLAUTH", message)
        }
        -127 => (ErrorKind::Exhausted, "THROTTLEDOP", "the server is too busy to answer"),
        other => return Error::new(ErrorKind::Other, format_args!("ZooKeeper refuses with code {other}")),
    };
    Error::new(kind, message).code(name)
}
