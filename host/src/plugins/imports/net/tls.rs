//! TLS of guests' connections: rustls with ring; what goes wrong in words that say what to do.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::imports::{HostError, error};

type Pem = Zeroizing<Vec<u8>>;

/// The system's authorities where no trusted ones are given.
pub(super) async fn config(trust: Option<Pem>, identity: Option<Pem>) -> Result<ClientConfig, HostError> {
    let roots = match trust {
        Some(pem) => Arc::new(authorities(&pem)?),
        None => system_authorities().await?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|failed| invalid(format!("TLS cannot be set up: {failed}")))?
        .with_root_certificates(roots);
    let Some(pem) = identity else { return Ok(builder.with_no_client_auth()) };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|failed| invalid(format!("the client certificate is not PEM text: {failed}")))?;
    if certificates.is_empty() {
        return Err(invalid(
            "the client identity holds no certificate; give certificate and key in one PEM text",
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|failed| {
        let hint = if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            "the key is encrypted: give it without a pass phrase"
        } else {
            "give certificate and key in one PEM text"
        };
        invalid(format!("the client identity holds no private key ({failed}); {hint}"))
    })?;
    builder
        .with_client_auth_cert(certificates, key)
        .map_err(|failed| invalid(format!("the client certificate and its key do not fit: {failed}")))
}

fn invalid(text: impl Into<String>) -> HostError {
    HostError::new(ErrorKind::InvalidArgument, text)
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, HostError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|failed| invalid(format!("the trusted authorities are not PEM text: {failed}")))?;
        roots
            .add(certificate)
            .map_err(|failed| invalid(format!("a trusted authority is not a certificate: {failed}")))?;
    }
    if roots.is_empty() {
        return Err(invalid("the trusted authorities hold no certificate; give them as PEM text"));
    }
    Ok(roots)
}

/// Read once: there are hundreds, and they change with the system's packages.
async fn system_authorities() -> Result<Arc<RootCertStore>, HostError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
        .await
        .map_err(|stopped| HostError::Trap(wasmtime::Error::new(stopped)))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(invalid(
            "this machine has no trusted authorities; give those of the cluster in its connection",
        ));
    }
    Ok(Arc::clone(ROOTS.get_or_init(|| Arc::new(roots))))
}

pub(in crate::plugins::imports) async fn handshake(
    config: Arc<ClientConfig>,
    name: &str,
    stream: TcpStream,
    peer: &str,
) -> Result<TlsStream<TcpStream>, HostError> {
    let server = ServerName::try_from(name.to_owned()).map_err(|_not_a_name| {
        invalid(format!("`{name}` is no name that a certificate can be checked for"))
    })?;
    TlsConnector::from(config).connect(server, stream).await.map_err(|failed| {
        let mut error = io_error(&failed, &format!("TLS with {peer}"));
        if failed.kind() == io::ErrorKind::UnexpectedEof {
            error.message.push_str(": does it speak TLS at this port?");
            error.code = Some("TLS_NOT_SPOKEN".to_owned());
        }
        error.into()
    })
}

/// What an I/O error means, TLS's own included. `what` was done: `TLS with a:1`.
pub(super) fn io_error(failed: &io::Error, what: &str) -> Error {
    let inner = failed.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        let hint = match failed.kind() {
            io::ErrorKind::UnexpectedEof => ": the peer closed the connection",
            _ => "",
        };
        return error(ErrorKind::Unavailable, format!("{what} failed: {failed}{hint}"));
    };
    let (code, kind, why) = explain(inner);
    let mut error = error(kind, format!("{what} failed: {why}"));
    error.code = Some(code.to_owned());
    error
}

fn explain(failed: &rustls::Error) -> (&'static str, ErrorKind, String) {
    use CertificateError as Certificate;
    match failed {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => (
            "TLS_UNKNOWN_AUTHORITY",
            ErrorKind::Unauthenticated,
            "the authority that signed the server's certificate is not trusted; give its certificate in the connection"
                .to_owned(),
        ),
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => (
            "TLS_WRONG_NAME",
            ErrorKind::Unauthenticated,
            format!("the server's certificate is for another name ({failed}); set the server's name"),
        ),
        rustls::Error::InvalidCertificate(certificate) => (
            "TLS_BAD_CERTIFICATE",
            ErrorKind::Unauthenticated,
            format!("the server's certificate is not accepted: {certificate}"),
        ),
        rustls::Error::InvalidMessage(_) => {
            ("TLS_NOT_SPOKEN", ErrorKind::Protocol, "the peer does not speak TLS at this port".to_owned())
        }
        rustls::Error::AlertReceived(alert) => (
            "TLS_REFUSED",
            ErrorKind::Unauthenticated,
            format!("the server refused it ({alert:?}); it may want a client certificate that it knows"),
        ),
        other => ("TLS_FAILED", ErrorKind::Protocol, other.to_string()),
    }
}
