//! HTTP of the native stand-in. Secrets are put in here; TLS takes PEM texts from the secrets of these names.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::secrets;
use crate::http::{Auth, Request, Response};
use crate::secrets::{Encoding, Piece, Tls};
use crate::{Error, ErrorKind, Result};

/// A request without borrowed handles, for a thread of its own.
struct Message {
    agent: Agent,
    request: ureq::http::Request<Vec<u8>>,
    timeout: Duration,
    bytes_max: u32,
    what: String,
}

pub(crate) fn send(request: Request<'_>) -> Result<Response> {
    message(request)?.send()
}

pub(crate) fn send_all(requests: Vec<Request<'_>>, at_once: u32) -> Vec<Result<Response>> {
    // Secrets are the thread's own: they are put in before another one begins.
    let mut messages: Vec<Result<Message>> = requests.into_iter().map(message).collect();
    let at_once = usize::try_from(at_once).unwrap_or(usize::MAX).max(1);
    let mut answers = Vec::with_capacity(messages.len());
    while !messages.is_empty() {
        let later = messages.split_off(at_once.min(messages.len()));
        let send = |message: Result<Message>| thread::spawn(move || message?.send());
        let threads: Vec<_> = messages.into_iter().map(send).collect();
        let panicked = || Err(Error::internal("sending panicked"));
        answers.extend(threads.into_iter().map(|one| one.join().unwrap_or_else(|_| panicked())));
        messages = later;
    }
    answers
}

fn message(request: Request<'_>) -> Result<Message> {
    let Request { method, url, headers, body, auth, tls, timeout_ms, response_bytes_max } = request;
    let wrong = |error: ureq::http::Error| Error::invalid_argument(format_args!("{method} {url}: {error}"));
    let mut built = ureq::http::Request::builder().method(method.as_str()).uri(&url);
    for (name, value) in headers {
        built = built.header(name, value);
    }
    if let Some((name, value)) = authorization(auth)? {
        built = built.header(name, value);
    }
    let mut bytes = Vec::new();
    for piece in body {
        match piece {
            Piece::Bytes(part) => bytes.extend_from_slice(&part),
            Piece::Secret(secret, encoding) => bytes.extend_from_slice(&secret.handle().bytes(encoding)?),
        }
    }
    Ok(Message {
        agent: agent(tls.as_ref())?,
        request: built.body(bytes).map_err(wrong)?,
        timeout: Duration::from_millis(u64::from(timeout_ms)),
        bytes_max: response_bytes_max,
        what: format!("{method} {}", url.split('?').next().unwrap_or_default()),
    })
}

fn authorization(auth: Auth<'_>) -> Result<Option<(String, Vec<u8>)>> {
    let name = "authorization".to_owned();
    Ok(match auth {
        Auth::None => None,
        Auth::Header(name, secret) => Some((name, secret.handle().bytes(Encoding::Raw)?)),
        Auth::Bearer(secret) => Some((name, [b"Bearer ", &*secret.handle().bytes(Encoding::Raw)?].concat())),
        Auth::Basic(..) => return Err(Error::unsupported("natively there is no basic authentication")),
    })
}

impl Message {
    fn send(self) -> Result<Response> {
        let Self { agent, request, timeout, bytes_max, what } = self;
        let failed = |error| failed(&error, bytes_max).during(&what);
        let request = agent.configure_request(request).timeout_global(Some(timeout)).build();
        let (parts, mut body) = agent.run(request).map_err(failed)?.into_parts();
        // One more than allowed: exactly as many is not too many.
        let mut reader =
            body.with_config().limit(u64::from(bytes_max) + 1).reader().take(u64::from(bytes_max) + 1);
        let mut body = Vec::new();
        reader.read_to_end(&mut body).map_err(|error| failed(ureq::Error::from(error)))?;
        if body.len() > bytes_max as usize {
            return Err(failed(ureq::Error::BodyExceedsLimit(u64::from(bytes_max))));
        }
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(header).collect(),
            body,
        })
    }
}

fn failed(error: &ureq::Error, bytes_max: u32) -> Error {
    match error {
        ureq::Error::Timeout(_) => Error::new(ErrorKind::Timeout, error),
        ureq::Error::BodyExceedsLimit(_) => {
            let message = format!("the answer is larger than {bytes_max} bytes; ask for less at a time");
            Error::new(ErrorKind::Exhausted, message)
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Error::invalid_argument(error),
        ureq::Error::Protocol(_) => Error::protocol(error),
        _ => Error::unavailable(error),
    }
}

/// One for each way to verify: it keeps the connections.
fn agent(tls: Option<&Tls>) -> Result<Agent> {
    type Key = Option<(Option<String>, Option<String>)>;
    static AGENTS: OnceLock<Mutex<HashMap<Key, Agent>>> = OnceLock::new();
    let key = tls.map(|tls| (tls.trust.clone(), tls.identity.clone()));
    let mut agents = AGENTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(agent) = agents.get(&key) {
        return Ok(agent.clone());
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .tls_config(verification(tls)?);
    let agent = Agent::new_with_config(config.build());
    agents.insert(key, agent.clone());
    Ok(agent)
}

fn verification(tls: Option<&Tls>) -> Result<TlsConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    let Some(tls) = tls else { return Ok(config.build()) };
    if tls.server_name.is_some() {
        return Err(Error::unsupported("natively the name in the address is the one that is verified"));
    }
    if let Some(name) = &tls.trust {
        config = config.root_certs(RootCerts::from(pem(name)?.0));
    }
    if let Some(name) = &tls.identity {
        let (chain, key) = pem(name)?;
        let key = key.ok_or_else(|| Error::invalid_argument(format_args!("{name} holds no private key")))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}

fn pem(name: &str) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>)> {
    let (mut chain, mut key) = (Vec::new(), None);
    for item in parse_pem(&secrets::get(name)?.bytes(Encoding::Raw)?) {
        match item.map_err(|error| Error::invalid_argument(format_args!("{name} is no PEM: {error}")))? {
            PemItem::Certificate(one) => chain.push(one),
            PemItem::PrivateKey(one) => key = Some(one),
            _ => {}
        }
    }
    Ok((chain, key))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// Answers each request with what it was: its first line, its authorization and its body.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || answer(stream.unwrap()));
            }
        });
        address
    }

    fn answer(mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let (mut said, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let lower = line.trim().to_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(count) = lower.strip_prefix("content-length: ") {
                length = count.parse().unwrap();
            }
            if said.is_empty() || lower.starts_with("authorization") {
                said += &format!("{};", line.trim());
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        said += &String::from_utf8(body).unwrap();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        )
        .unwrap();
    }

    fn pieces(password: &crate::secrets::Secret) -> Vec<Piece<'_>> {
        let text = |text: &str| Piece::Bytes(text.as_bytes().to_vec());
        vec![text("{\"p\":"), Piece::Secret(password, Encoding::JsonString), text("}")]
    }

    #[test]
    fn secrets_are_put_into_the_head_and_the_body() {
        secrets::set("password", b"a\"b");
        let (url, password) = (echo(), crate::secrets::get("password").unwrap());
        let request = Request::post(format!("{url}/x?y=1")).auth(Auth::Bearer(&password));
        let said = request.json_pieces(pieces(&password)).send().unwrap().text().to_lowercase();
        assert_eq!(said, "post /x?y=1 http/1.1;authorization: bearer a\"b;{\"p\":\"a\\\"b\"}");
    }

    #[test]
    fn answers_come_in_order_and_a_dead_peer_fails_alone() {
        let url = echo();
        let gone = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let urls = [format!("{url}/1"), gone, format!("{url}/3"), "no address".to_owned()];
        let answers = crate::http::send_all(urls.into_iter().map(Request::get).collect(), 2);
        let shown: Vec<Result<String, ErrorKind>> = answers
            .into_iter()
            .map(|answer| answer.map(|one| one.text()).map_err(|error| error.kind))
            .collect();
        let said = |path: &str| Ok(format!("GET {path} HTTP/1.1;"));
        let expected = [said("/1"), Err(ErrorKind::Unavailable), said("/3"), Err(ErrorKind::InvalidArgument)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_body_that_is_larger_than_allowed_is_not_taken() {
        let url = echo();
        let ask = |bytes_max| Request::get(&url).response_bytes_max(bytes_max).send();
        let whole = ask(u32::MAX).unwrap().body.len();
        let whole = u32::try_from(whole).unwrap();
        assert_eq!(ask(whole).unwrap().body.len(), whole as usize);
        assert_eq!(ask(whole - 1).unwrap_err().kind, ErrorKind::Exhausted);
    }
}
