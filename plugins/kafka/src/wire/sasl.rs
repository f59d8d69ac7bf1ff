//! Logging in: PLAIN and SCRAM. The password stays in the host, which puts it into the frame or makes the proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use headgate_sdk::net::Piece;
use headgate_sdk::secrets::{self, Encoding, Hash, Secret};
use headgate_sdk::{Error, ErrorKind, Result, call};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::{Request, StrBytes};

use super::{CLIENT_ID, Link, codes, decode};
use crate::settings::{Login, Mechanism};

const TIMEOUT_MS: u64 = 5_000;

/// The version whose body ends with the bytes themselves, so that the host can append the password.
const PLAIN_VERSION: i16 = 1;

/// The name's length as the header has it.
const CLIENT_ID_BYTES: u16 = 8;
const _: () = assert!(CLIENT_ID.len() == CLIENT_ID_BYTES as usize);

/// More than Kafka ever asks for; an honest server has no reason to.
const ITERATIONS_MAX: u32 = 1_000_000;

const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const ILLEGAL_SASL_STATE: i16 = 34;
const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// Logs in on a fresh connection and notes when the login ends.
pub(crate) fn log_in(link: &mut Link, login: &Login) -> Result<()> {
    handshake(link, login.mechanism)?;
    let secret = secrets::get(&login.password)?;
    let lifetime_ms = match login.mechanism {
        Mechanism::Plain => plain(link, login, &secret)?,
        Mechanism::ScramSha256 => scram(link, login, &secret, Hash::Sha256)?,
        Mechanism::ScramSha512 => scram(link, login, &secret, Hash::Sha512)?,
    };
    // Nine tenths, so that no request is under way when the broker ends it.
    let lifetime_ns = u64::try_from(lifetime_ms).unwrap_or_default() * 900_000;
    link.expires_ns = (lifetime_ns > 0).then(|| call::monotonic_ns() + lifetime_ns);
    Ok(())
}

fn handshake(link: &mut Link, mechanism: Mechanism) -> Result<()> {
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism.name()));
    let answer = link.ask(&request, TIMEOUT_MS)?;
    match answer.error_code {
        codes::NONE => Ok(()),
        UNSUPPORTED_SASL_MECHANISM => {
            let offered: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
            let message = format!(
                "{} does not take {}; set `mechanism` to one that it offers: {}",
                link.channel.peer(),
                mechanism.name(),
                offered.join(", ")
            );
            Err(Error::unsupported(message).code("UNSUPPORTED_SASL_MECHANISM"))
        }
        ILLEGAL_SASL_STATE => {
            let message = format!(
                "{} takes no login; set `security` to PLAINTEXT, or to SSL where it speaks TLS",
                link.channel.peer()
            );
            Err(Error::new(ErrorKind::Unauthenticated, message).code("ILLEGAL_SASL_STATE"))
        }
        code => Err(codes::error(code, None, "begin the login")),
    }
}

/// RFC 4616: an empty authorisation id, the name, the password.
fn plain(link: &mut Link, login: &Login, secret: &Secret) -> Result<i64> {
    let id = link.channel.next_id();
    let name_bytes = login.username.len() + 2;
    let length = u32::try_from(name_bytes).unwrap_or(u32::MAX).saturating_add(secret.length());
    let mut frame = Vec::new();
    frame.extend_from_slice(&SaslAuthenticateRequest::KEY.to_be_bytes());
    frame.extend_from_slice(&PLAIN_VERSION.to_be_bytes());
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&CLIENT_ID_BYTES.to_be_bytes());
    frame.extend_from_slice(CLIENT_ID.as_bytes());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.push(0);
    frame.extend_from_slice(login.username.as_bytes());
    frame.push(0);
    link.channel.send(id, vec![Piece::Bytes(frame), Piece::Secret(secret, Encoding::Raw)])?;
    let answer = link.channel.receive(id, TIMEOUT_MS).map_err(refused)?;
    let answer = decode::<SaslAuthenticateRequest>((PLAIN_VERSION, answer))?;
    accepted(&answer, login)?;
    Ok(answer.session_lifetime_ms)
}

/// RFC 5802 without channel binding.
fn scram(link: &mut Link, login: &Login, secret: &Secret, hash: Hash) -> Result<i64> {
    let nonce = BASE64.encode(call::random_bytes(24));
    let name = login.username.replace('=', "=3D").replace(',', "=2C");
    let first = format!("n={name},r={nonce}");
    let (challenge, _) = authenticate(link, login, format!("n,,{first}"))?;
    let challenge = Challenge::parse(&challenge, &nonce)?;
    let last = format!("c=biws,r={}", challenge.nonce);
    let message = format!("{first},{},{last}", challenge.text);
    let proof = secret.scram(hash, &challenge.salt, challenge.iterations, message.as_bytes())?;
    let last = format!("{last},p={}", BASE64.encode(&proof.client_proof));
    let (verdict, lifetime_ms) = authenticate(link, login, last)?;
    let expected = format!("v={}", BASE64.encode(&proof.server_signature));
    if verdict.split(',').next() != Some(expected.as_str()) {
        let message = "the broker does not know the password itself: it may be somebody else's";
        return Err(Error::new(ErrorKind::Unauthenticated, message).code("SERVER_SIGNATURE"));
    }
    Ok(lifetime_ms)
}

fn authenticate(link: &mut Link, login: &Login, message: String) -> Result<(String, i64)> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
    let answer = link.ask(&request, TIMEOUT_MS).map_err(|lost| refused(lost.error))?;
    accepted(&answer, login)?;
    let text = String::from_utf8(answer.auth_bytes.to_vec()).ok();
    let text = text.ok_or_else(|| Error::protocol("the broker's SCRAM message is no text"))?;
    Ok((text, answer.session_lifetime_ms))
}

fn accepted(answer: &SaslAuthenticateResponse, login: &Login) -> Result<()> {
    if answer.error_code == codes::NONE {
        return Ok(());
    }
    let said = answer.error_message.as_ref().map(StrBytes::as_str);
    let what = format!("log in as {} by {}", login.username, login.mechanism.name());
    let error = codes::error(answer.error_code, said, &what);
    if answer.error_code == SASL_AUTHENTICATION_FAILED {
        let message = format!("{}; check `username` and `password`", error.message);
        return Err(Error { message, ..error });
    }
    Err(error)
}

/// Some brokers only close the connection when the password is wrong.
fn refused(error: Error) -> Error {
    match error.kind {
        ErrorKind::Unavailable => {
            let message =
                format!("{}; the broker ended the login: check `username` and `password`", error.message);
            Error::new(ErrorKind::Unauthenticated, message)
        }
        _ => error,
    }
}

struct Challenge<'a> {
    text: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> Challenge<'a> {
    fn parse(text: &'a str, our_nonce: &str) -> Result<Self> {
        let part = |name: &str| text.split(',').find_map(|part| part.strip_prefix(name));
        let bad =
            |what: &str| Error::protocol(format_args!("the broker's SCRAM challenge has no good {what}"));
        let nonce = part("r=").filter(|nonce| nonce.starts_with(our_nonce) && nonce.len() > our_nonce.len());
        let salt = part("s=").and_then(|salt| BASE64.decode(salt).ok());
        let iterations = part("i=").and_then(|count| count.parse().ok());
        Ok(Self {
            text,
            nonce: nonce.ok_or_else(|| bad("nonce"))?,
            salt: salt.ok_or_else(|| bad("salt"))?,
            iterations: iterations
                .filter(|count| (1..=ITERATIONS_MAX).contains(count))
                .ok_or_else(|| bad("count of iterations"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let challenge = Challenge::parse("r=abcXYZ,s=c2FsdA==,i=4096", "abc").unwrap();
        assert_eq!(
            (challenge.nonce, challenge.salt.as_slice(), challenge.iterations),
            ("abcXYZ", &b"salt"[..], 4096)
        );
    }

    #[test]
    fn a_challenge_for_another_is_refused() {
        for text in
            ["r=other,s=c2FsdA==,i=4096", "r=abc,s=c2FsdA==,i=4096", "r=abcX,s=!,i=1", "r=abcX,s=,i=0", ""]
        {
            assert!(Challenge::parse(text, "abc").is_err(), "{text} was taken");
        }
    }
}
