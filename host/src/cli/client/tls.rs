//! Which certificates of a host are believed: the system's authorities, or one's own.

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use crate::cli::failure::Failure;

pub(super) fn config(ca_cert: Option<&Path>) -> Result<TlsConfig, Failure> {
    let roots = match ca_cert {
        Some(path) => own(path)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .into_iter()
            .map(|certificate| Certificate::from_der(&certificate).to_owned())
            .collect(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn own(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let pem = std::fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    let roots: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            Ok(_) | Err(_) => None,
        })
        .collect();
    if roots.is_empty() {
        let message = format!("{} holds no certificate; --ca-cert wants a PEM file", path.display());
        return Err(Failure::Input(message));
    }
    Ok(roots)
}
