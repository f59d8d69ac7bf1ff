//! What Redis refuses, by kinds: the first word of a refusal is its code, and of `ERR` the text says more.

use headgate_sdk::{Error, ErrorKind, Result};

use crate::resp::Answer;

const CODES: [(&str, ErrorKind); 14] = [
    ("NOAUTH", ErrorKind::Unauthenticated),
    ("WRONGPASS", ErrorKind::Unauthenticated),
    ("NOPERM", ErrorKind::PermissionDenied),
    ("DENIED", ErrorKind::PermissionDenied),
    ("LOADING", ErrorKind::Unavailable),
    ("BUSY", ErrorKind::Unavailable),
    ("MASTERDOWN", ErrorKind::Unavailable),
    ("CLUSTERDOWN", ErrorKind::Unavailable),
    ("TRYAGAIN", ErrorKind::Unavailable),
    ("MISCONF", ErrorKind::Unavailable),
    ("NOREPLICAS", ErrorKind::Unavailable),
    ("OOM", ErrorKind::Exhausted),
    ("READONLY", ErrorKind::Conflict),
    ("MOVED", ErrorKind::Conflict),
];

/// How the text behind `ERR` begins, and the name that it is given here.
const TEXTS: [(&str, &str, ErrorKind); 16] = [
    ("CONFIG SET failed", "CONFIG_SET", ErrorKind::InvalidArgument),
    // Before Redis 7.
    ("Invalid argument", "CONFIG_SET", ErrorKind::InvalidArgument),
    ("Unknown option", "NO_SUCH_SETTING", ErrorKind::InvalidArgument),
    ("Unsupported CONFIG parameter", "NO_SUCH_SETTING", ErrorKind::InvalidArgument),
    ("Error in ACL SETUSER", "ACL_RULE", ErrorKind::InvalidArgument),
    ("Unmatched parenthesis", "ACL_RULE", ErrorKind::InvalidArgument),
    ("duplicate parameter", "CONFIG_SET", ErrorKind::InvalidArgument),
    ("wrong number of arguments", "ARGUMENTS", ErrorKind::InvalidArgument),
    ("The 'default' user cannot be removed", "DEFAULT_USER", ErrorKind::Conflict),
    ("AUTH <password> called without", "NO_PASSWORD_SET", ErrorKind::Unauthenticated),
    ("Client sent AUTH, but no password", "NO_PASSWORD_SET", ErrorKind::Unauthenticated),
    ("invalid password", "WRONGPASS", ErrorKind::Unauthenticated),
    ("max number of clients", "MAX_CLIENTS", ErrorKind::Exhausted),
    ("unknown command", "UNKNOWN_COMMAND", ErrorKind::Unsupported),
    ("unknown subcommand", "UNKNOWN_COMMAND", ErrorKind::Unsupported),
    ("This instance has cluster support disabled", "NO_CLUSTER", ErrorKind::Unsupported),
];

/// The answer, or the refusal that it is.
pub(crate) fn taken(answer: &Answer) -> Result<&Answer> {
    match answer {
        Answer::Refused(text) => Err(error(text)),
        Answer::Text(_) | Answer::Integer(_) | Answer::List(_) | Answer::Nothing => Ok(answer),
    }
}

pub(crate) fn error(text: &str) -> Error {
    let (code, rest) = text.split_once(' ').unwrap_or((text, text));
    if let Some((_, kind)) = CODES.iter().find(|(known, _)| *known == code) {
        return Error::new(*kind, rest).code(code);
    }
    let begins = |start: &str| rest.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    match TEXTS.iter().find(|(start, ..)| begins(start)) {
        Some((_, name, kind)) if code == "ERR" => Error::new(*kind, rest).code(*name),
        _ => Error::new(ErrorKind::Other, rest).code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_kinds_in_the_words_of_every_release() {
        let told = [
            ("NOAUTH Authentication required.", ErrorKind::Unauthenticated, "NOAUTH"),
            ("WRONGPASS invalid username-password pair", ErrorKind::Unauthenticated, "WRONGPASS"),
            ("ERR invalid password", ErrorKind::Unauthenticated, "WRONGPASS"),
            ("NOPERM this user has no permissions", ErrorKind::PermissionDenied, "NOPERM"),
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable, "LOADING"),
            ("ERR Unknown option or number of arguments", ErrorKind::InvalidArgument, "NO_SUCH_SETTING"),
            ("ERR CONFIG SET failed (possibly …) - can't", ErrorKind::InvalidArgument, "CONFIG_SET"),
            ("ERR Unknown subcommand or wrong number", ErrorKind::Unsupported, "UNKNOWN_COMMAND"),
            ("READONLY You can't write", ErrorKind::Conflict, "READONLY"),
            ("ERR something new", ErrorKind::Other, "ERR"),
            ("NEWCODE something new", ErrorKind::Other, "NEWCODE"),
            ("ODD", ErrorKind::Other, "ODD"),
        ];
        for (text, kind, code) in told {
            let error = error(text);
            assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)), "{text}");
        }
        assert!(taken(&Answer::Nothing).is_ok());
        assert!(taken(&Answer::Refused("ERR".to_owned())).is_err());
    }
}
