//! Connections that speak HTTP/1.1, kept for the session and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::message::{Message, Origin};
use crate::plugins::bindings::headgate::host::errors::ErrorKind;
use crate::plugins::bindings::headgate::host::http::Response;
use crate::plugins::bindings::headgate::host::secrets::Tls;
use crate::plugins::imports::HostError;
use crate::plugins::imports::net::{Dialer, Taken, tls};
use crate::plugins::imports::secrets::SecretBox;
use crate::plugins::limits::HTTP_IDLE_MAX;
use crate::plugins::metrics::PluginMetrics;

type Sender = SendRequest<Full<Bytes>>;

/// Idle connections of a session, by where they lead.
#[derive(Default)]
pub(in crate::plugins) struct Pool(Mutex<HashMap<Origin, Vec<Sender>>>);

impl Pool {
    fn take(&self, origin: &Origin) -> Option<Sender> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(origin)?;
        std::iter::from_fn(|| kept.pop()).find(Sender::is_ready)
    }

    fn put(&self, origin: Origin, sender: Sender) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(origin).or_default();
        if sender.is_ready() && kept.len() < HTTP_IDLE_MAX {
            kept.push(sender);
        }
    }
}

pub(super) struct Client<'a> {
    pub(super) dialer: Arc<Dialer>,
    pub(super) pool: &'a Pool,
    pub(super) secrets: &'a SecretBox,
    pub(super) metrics: &'a PluginMetrics,
}

impl Client<'_> {
    pub(super) async fn send(&self, message: Message) -> Result<Response, HostError> {
        let what = message.what();
        let Message { origin, mut request, response_bytes_max, .. } = message;
        let failed = |error: &hyper::Error| {
            HostError::new(ErrorKind::Unavailable, format!("{what}: {}", whole(error)))
        };
        self.metrics
            .bytes_out(usize::try_from(hyper::body::Body::size_hint(request.body()).lower()).unwrap_or(0));
        let mut kept = self.pool.take(&origin);
        loop {
            let is_kept = kept.is_some();
            let mut sender = match kept.take() {
                Some(sender) => sender,
                None => self.connect(&origin).await?,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let response = self.read(answer, response_bytes_max, &what).await?;
                    if sender.ready().await.is_ok() {
                        self.pool.put(origin, sender);
                    }
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    // The peer closed a kept connection before anything of it left: another one, once.
                    Some(unsent) if is_kept => request = unsent,
                    Some(_) | None => return Err(failed(error.error())),
                },
            }
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Sender, HostError> {
        let Origin { host, port, tls: wanted } = origin;
        let (stream, taken) = self.dialer.dial(host, *port).await?;
        let Some((server_name, trust, identity)) = wanted.clone() else {
            return begin(stream, taken, host).await;
        };
        let names = Tls { server_name, trust, identity };
        let config = self.dialer.tls_config(&names, self.secrets).await?;
        let name = names.server_name.as_deref().unwrap_or(host);
        begin(tls::handshake(config, name, stream, &format!("{host}:{port}")).await?, taken, host).await
    }

    async fn read(
        &self,
        answer: hyper::Response<hyper::body::Incoming>,
        bytes_max: usize,
        what: &str,
    ) -> Result<Response, HostError> {
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                let text =
                    format!("{what}: the answer is larger than {bytes_max} bytes; ask for less at a time");
                return HostError::new(ErrorKind::Exhausted, text);
            }
            HostError::new(ErrorKind::Unavailable, format!("{what}: the answer was cut: {error}"))
        })?;
        let body = body.to_bytes().to_vec();
        self.metrics.bytes_in(body.len());
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(header).collect(),
            body,
        })
    }
}

/// The connection lives in a task of its own, and ends with its sender.
async fn begin(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    taken: Taken,
    host: &str,
) -> Result<Sender, HostError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| {
        HostError::new(ErrorKind::Protocol, format!("{host} does not begin to speak HTTP: {error}"))
    })?;
    tokio::spawn(async move {
        let _held = taken;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of HTTP ended badly");
        }
    });
    Ok(sender)
}

fn whole(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::address::AddressMap;
    use crate::domain::contract::Grant;
    use crate::plugins::grants::{NetworkPolicy, builtin};
    use crate::plugins::imports::net::Places;
    use crate::plugins::metrics::Metrics;

    /// A server of that many requests a connection, which answers each with the same text.
    async fn serve(text: &'static str, requests: usize) -> (u16, Arc<Mutex<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, accepted) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                for _ in 0..requests {
                    let mut read = [0; 1024];
                    if stream.read(&mut read).await.unwrap_or(0) == 0 {
                        break;
                    }
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        (port, accepted)
    }

    fn message(port: u16, response_bytes_max: usize) -> Message {
        Message {
            origin: Origin { host: "127.0.0.1".to_owned(), port, tls: None },
            request: hyper::Request::get("/a?secret").body(Full::default()).unwrap(),
            timeout: Duration::from_secs(5),
            response_bytes_max,
        }
    }

    struct Session {
        dialer: Arc<Dialer>,
        pool: Pool,
        secrets: SecretBox,
        metrics: PluginMetrics,
    }

    impl Session {
        fn new() -> Self {
            let asked =
                [Grant::Network { host: "${connection./servers}".to_owned(), ports: "1-65535".to_owned() }];
            let form = json!({"servers": "127.0.0.1:1"});
            let policy = NetworkPolicy::new(&asked, &builtin(&asked), &form);
            let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default()).of("toy");
            let dialer = Arc::new(Dialer::new(policy, AddressMap::default(), Places::default()));
            Self { dialer, pool: Pool::default(), secrets: SecretBox::default(), metrics }
        }

        async fn send(&self, message: Message) -> Result<Response, String> {
            let Self { dialer, pool, secrets, metrics } = self;
            let client = Client { dialer: Arc::clone(dialer), pool, secrets, metrics };
            client.send(message).await.map_err(|error| error.into_answer().unwrap().message)
        }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_one_that_was_closed_is_replaced() {
        let (session, (port, accepted)) = (Session::new(), serve("hello", 2).await);
        for _ in 0..4 {
            let answer = session.send(message(port, 100)).await.unwrap();
            assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
        }
        assert_eq!(*accepted.lock().unwrap(), 2);
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_and_a_place_where_nobody_listens_are_named() {
        let (session, (port, _)) = (Session::new(), serve("hello", 1).await);
        let large = session.send(message(port, 4)).await.unwrap_err();
        assert_eq!(
            large,
            format!("GET 127.0.0.1:{port}/a: the answer is larger than 4 bytes; ask for less at a time")
        );
        let silent = session.send(message(1, 4)).await.unwrap_err();
        assert!(silent.contains("cannot connect to 127.0.0.1:1"), "{silent}");
    }
}
