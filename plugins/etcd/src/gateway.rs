//! The cluster as one thing to ask: whichever member answers, with a token where users log in.

use headgate_sdk::address::{self, Address};
use headgate_sdk::http::{self, Request};
use headgate_sdk::json::{self, Value};
use headgate_sdk::secrets::{self, Encoding, Piece};
use headgate_sdk::{Error, ErrorKind, Result};

use crate::refusals::{self, AUTH_NOT_ENABLED};
use crate::settings::{Login, Settings};

/// A member that says nothing for so long is passed over; etcd itself gives up a request without a quorum after about 7 s,
/// and then another member may still have one.
const TIMEOUT_MS: u32 = 5_000;

/// Of a listing of ten thousand leases or users, with room; whatever is larger is not read.
const ANSWER_BYTES_MAX: u32 = 4 << 20;

/// Requests under way: a few, for no listing is worth slowing a cluster that coordinates others.
const AT_ONCE: u32 = 8;

pub(crate) struct Gateway {
    settings: Settings,
    pass: Pass,
    /// What members advertise beyond the form.
    advertised: Vec<Address>,
    /// Who answered last is asked first.
    preferred: usize,
}

enum Pass {
    Wanted,
    /// Nobody logs in, or authentication is off.
    None,
    Token(String),
}

impl Gateway {
    pub(crate) fn new(settings: Settings) -> Self {
        let pass = if settings.login.is_some() { Pass::Wanted } else { Pass::None };
        Self { settings, pass, advertised: Vec::new(), preferred: 0 }
    }

    pub(crate) fn advertise(&mut self, addresses: Vec<Address>) {
        self.advertised = addresses;
    }

    /// Those of the form, then those that members advertise beyond it.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let known = &self.settings.endpoints;
        let others = self.advertised.iter().filter(|address| !known.contains(address));
        known.iter().chain(others).cloned().collect()
    }

    pub(crate) fn ask(&mut self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.ask_all(path, std::slice::from_ref(body))?.pop();
        answer.unwrap_or_else(|| Err(Error::internal("the question was not answered")))
    }

    /// The same question about each, all to the first member that answers. An error instead means that none does.
    pub(crate) fn ask_all(&mut self, path: &str, bodies: &[Value]) -> Result<Vec<Result<Value>>> {
        self.with_token(|gateway| {
            gateway.first_that_answers(|gateway, address| {
                let requests = bodies.iter().map(|body| gateway.request(address, path).json(body));
                gateway.send(requests.collect())
            })
        })
    }

    /// One question to each of these addresses, at once; an answer each, in order.
    pub(crate) fn ask_each(&mut self, addresses: &[Address], path: &str) -> Result<Vec<Result<Value>>> {
        self.with_token(|gateway| {
            let empty = json::json!({});
            let requests = addresses.iter().map(|address| gateway.request(address, path).json(&empty));
            Ok(gateway.send(requests.collect()))
        })
    }

    /// Tokens end when they are not used for minutes, and with every restart: then all is asked once more, with another.
    fn with_token(
        &mut self,
        mut ask: impl FnMut(&mut Self) -> Result<Vec<Result<Value>>>,
    ) -> Result<Vec<Result<Value>>> {
        self.log_in()?;
        let answers = ask(self)?;
        let is_stale = answers.iter().any(|answer| answer.as_ref().is_err_and(refusals::is_stale));
        if !is_stale || self.settings.login.is_none() {
            return Ok(answers);
        }
        self.pass = Pass::Wanted;
        self.log_in()?;
        ask(self)
    }

    fn log_in(&mut self) -> Result<()> {
        let (Pass::Wanted, Some(login)) = (&self.pass, self.settings.login.clone()) else { return Ok(()) };
        let answer =
            self.first_that_answers(|gateway, address| vec![gateway.authenticate(address, &login)])?;
        self.pass = match answer.into_iter().next() {
            Some(Ok(answer)) => {
                let token = answer.get("token").and_then(Value::as_str);
                Pass::Token(
                    token
                        .ok_or_else(|| Error::protocol("the login was answered without a token"))?
                        .to_owned(),
                )
            }
            Some(Err(error)) if error.code.as_deref() == Some(AUTH_NOT_ENABLED) => Pass::None,
            Some(Err(error)) => return Err(error.during(format_args!("log in as {}", login.username))),
            None => return Err(Error::internal("the login was not answered")),
        };
        Ok(())
    }

    fn authenticate(&self, address: &Address, login: &Login) -> Result<Value> {
        let password = secrets::get(&login.password)?;
        let before = format!(r#"{{"name":{},"password":"#, json::text(&login.username));
        let pieces = vec![
            Piece::Bytes(before.into_bytes()),
            Piece::Secret(&password, Encoding::JsonString),
            Piece::Bytes(b"}".to_vec()),
        ];
        refusals::read(self.request(address, "auth/authenticate").json_pieces(pieces).send()?)
    }

    /// Members in turn, until one answers anything else than that it cannot.
    fn first_that_answers(
        &mut self,
        ask: impl Fn(&Self, &Address) -> Vec<Result<Value>>,
    ) -> Result<Vec<Result<Value>>> {
        let addresses = self.addresses();
        let turn = (0..addresses.len()).map(|step| (self.preferred + step) % addresses.len());
        let mut errors: Vec<Error> = Vec::new();
        for index in turn.collect::<Vec<_>>() {
            let Some(address) = addresses.get(index) else { continue };
            let answers = ask(self, address);
            let first = answers.first().and_then(|answer| answer.as_ref().err());
            match first.filter(|error| matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout)) {
                Some(error) => errors.push(named(error.clone(), &address::shown(address))),
                None => {
                    self.preferred = index;
                    return Ok(answers);
                }
            }
        }
        let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        Err(Error::unavailable(format_args!("no member answers: {}", texts.join("; "))))
    }

    fn request(&self, (host, port): &Address, path: &str) -> Request<'static> {
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        let address = address::shown(&(host.clone(), *port));
        let request = Request::post(format!("{scheme}://{address}/v3/{path}"))
            .tls(self.settings.tls.clone())
            .timeout_ms(TIMEOUT_MS)
            .response_bytes_max(ANSWER_BYTES_MAX);
        match &self.pass {
            Pass::Token(token) => request.header("authorization", token.clone()),
            Pass::Wanted | Pass::None => request,
        }
    }

    fn send(&self, requests: Vec<Request<'_>>) -> Vec<Result<Value>> {
        let answers = http::send_all(requests, AT_ONCE).into_iter();
        let read = answers.map(|answer| refusals::read(answer?));
        read.map(|answer| answer.map_err(|error| self.advised(error))).collect()
    }

    fn advised(&self, mut error: Error) -> Error {
        if refusals::is_stale(&error) && self.settings.login.is_none() {
            error.message.push_str(": this cluster wants a user name and a password");
        }
        error
    }
}

/// Said once, whether or not who failed named the peer.
fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}
