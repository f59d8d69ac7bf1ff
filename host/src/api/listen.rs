//! The listener: plain on loopback, TLS elsewhere, and a stop that lets requests in flight end.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{ServeConfig, TlsFiles};

/// Requests in flight have this long when the host stops: service managers kill after ninety seconds at most.
const STOP_GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: {source}; see who else does, or choose another with --listen")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("cannot read {what} from {}: {reason}", path.display())]
    Pem { what: &'static str, path: PathBuf, reason: String },
    #[error("the key {} does not belong to the certificate {}, or is of a kind that is not supported", key.display(), cert.display())]
    Tls { cert: PathBuf, key: PathBuf, source: rustls::Error },
}

/// Bound, not serving yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
}

impl Listener {
    pub fn open(config: &ServeConfig) -> Result<Self, ListenError> {
        let tls = config.tls.as_ref().map(tls).transpose()?.map(Arc::new);
        let bind = |source| ListenError::Bind { address: config.listen, source };
        let socket = TcpListener::bind(config.listen).map_err(bind)?;
        socket.set_nonblocking(true).map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, address, tls })
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// As other machines may reach it: an address that stands for all of a machine's is its name to them.
    pub fn url_elsewhere(&self, machine: &str) -> String {
        if !self.address.ip().is_unspecified() {
            return self.url();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{machine}:{}", self.address.port())
    }

    /// Until `stopped` is done; then takes no more connections and lets the requests in flight end.
    pub async fn serve(
        self,
        router: Router,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let handle = Handle::new();
        let stopping = tokio::spawn({
            let handle = handle.clone();
            async move {
                stopped.await;
                handle.graceful_shutdown(Some(STOP_GRACE));
            }
        });
        let service = router.into_make_service();
        let served = match self.tls {
            Some(tls) => {
                axum_server::from_tcp_rustls(self.socket, RustlsConfig::from_config(tls))?
                    .handle(handle)
                    .serve(service)
                    .await
            }
            None => axum_server::from_tcp(self.socket)?.handle(handle).serve(service).await,
        };
        stopping.abort();
        served
    }
}

fn tls(files: &TlsFiles) -> Result<ServerConfig, ListenError> {
    let pem = |what: &'static str, path: &Path, reason: String| ListenError::Pem {
        what,
        path: path.to_owned(),
        reason,
    };
    let certs: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect)
        .map_err(|error| pem("the certificate", &files.cert, error.to_string()))?;
    if certs.is_empty() {
        return Err(pem("the certificate", &files.cert, "it holds none in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| pem("the private key", &files.key, error.to_string()))?;
    let mismatch = |source| ListenError::Tls { cert: files.cert.clone(), key: files.key.clone(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(mismatch)?
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    fn config(listen: SocketAddr) -> ServeConfig {
        ServeConfig {
            listen,
            data: PathBuf::new(),
            plugins: None,
            database_url: None,
            key: None,
            tls: None,
            insecure: false,
            signatures: crate::domain::signature::SignatureRules::default(),
            allowed_hosts: Vec::new(),
        }
    }

    #[test]
    fn a_taken_port_is_named() {
        let first = Listener::open(&config("127.0.0.1:0".parse().unwrap())).unwrap();
        let error = Listener::open(&config(first.address)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {}", first.address)), "{error}");
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let tls = Some(TlsFiles { cert: cert.clone(), key });
        let with_tls = ServeConfig { tls, ..config("127.0.0.1:0".parse().unwrap()) };
        let error = Listener::open(&with_tls).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot read the certificate from {}", cert.display())),
            "{error}"
        );
        std::fs::write(&cert, "no PEM").unwrap();
        let error = Listener::open(&with_tls).unwrap_err().to_string();
        assert!(error.ends_with("it holds none in PEM"), "{error}");
    }

    #[tokio::test]
    async fn it_answers_until_it_is_stopped() {
        let listener = Listener::open(&config("127.0.0.1:0".parse().unwrap())).unwrap();
        let address = listener.address;
        assert_eq!(listener.url(), format!("http://{address}"));
        assert_eq!(listener.url_elsewhere("box"), listener.url());
        let everywhere = Listener::open(&config("0.0.0.0:0".parse().unwrap())).unwrap();
        assert_eq!(everywhere.url_elsewhere("box"), format!("http://box:{}", everywhere.address.port()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = Router::new().route("/", axum::routing::get(|| async { "here" }));
        let serving = tokio::spawn(listener.serve(router, async move { drop(stopped.await) }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("here"), "{answer}");
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
