//! `error-code` of `wasi:http/types`: all of its cases, as the engine compares them by name and order.

use wasmtime::component::{ComponentType, Lift, Lower};

use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct DnsError {
    rcode: Option<String>,
    #[component(name = "info-code")]
    info_code: Option<u16>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct TlsAlert {
    #[component(name = "alert-id")]
    alert_id: Option<u8>,
    #[component(name = "alert-message")]
    alert_message: Option<String>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct FieldSize {
    #[component(name = "field-name")]
    field_name: Option<String>,
    #[component(name = "field-size")]
    field_size: Option<u32>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum ErrorCode {
    #[component(name = "DNS-timeout")]
    DnsTimeout,
    #[component(name = "DNS-error")]
    DnsError(DnsError),
    #[component(name = "destination-not-found")]
    DestinationNotFound,
    #[component(name = "destination-unavailable")]
    DestinationUnavailable,
    #[component(name = "destination-IP-prohibited")]
    DestinationProhibited,
    #[component(name = "destination-IP-unroutable")]
    DestinationUnroutable,
    #[component(name = "connection-refused")]
    ConnectionRefused,
    #[component(name = "connection-terminated")]
    ConnectionTerminated,
    #[component(name = "connection-timeout")]
    ConnectionTimeout,
    #[component(name = "connection-read-timeout")]
    ConnectionReadTimeout,
    #[component(name = "connection-write-timeout")]
    ConnectionWriteTimeout,
    #[component(name = "connection-limit-reached")]
    ConnectionLimitReached,
    #[component(name = "TLS-protocol-error")]
    TlsProtocolError,
    #[component(name = "TLS-certificate-error")]
    TlsCertificateError,
    #[component(name = "TLS-alert-received")]
    TlsAlertReceived(TlsAlert),
    #[component(name = "HTTP-request-denied")]
    RequestDenied,
    #[component(name = "HTTP-request-length-required")]
    RequestLengthRequired,
    #[component(name = "HTTP-request-body-size")]
    RequestBodySize(Option<u64>),
    #[component(name = "HTTP-request-method-invalid")]
    RequestMethodInvalid,
    #[component(name = "HTTP-request-URI-invalid")]
    RequestUriInvalid,
    #[component(name = "HTTP-request-URI-too-long")]
    RequestUriTooLong,
    #[component(name = "HTTP-request-header-section-size")]
    RequestHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-request-header-size")]
    RequestHeaderSize(Option<FieldSize>),
    #[component(name = "HTTP-request-trailer-section-size")]
    RequestTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-request-trailer-size")]
    RequestTrailerSize(FieldSize),
    #[component(name = "HTTP-response-incomplete")]
    ResponseIncomplete,
    #[component(name = "HTTP-response-header-section-size")]
    ResponseHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-response-header-size")]
    ResponseHeaderSize(FieldSize),
    #[component(name = "HTTP-response-body-size")]
    ResponseBodySize(Option<u64>),
    #[component(name = "HTTP-response-trailer-section-size")]
    ResponseTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-response-trailer-size")]
    ResponseTrailerSize(FieldSize),
    #[component(name = "HTTP-response-transfer-coding")]
    ResponseTransferCoding(Option<String>),
    #[component(name = "HTTP-response-content-coding")]
    ResponseContentCoding(Option<String>),
    #[component(name = "HTTP-response-timeout")]
    ResponseTimeout,
    #[component(name = "HTTP-upgrade-failed")]
    UpgradeFailed,
    #[component(name = "HTTP-protocol-error")]
    ProtocolError,
    #[component(name = "loop-detected")]
    LoopDetected,
    #[component(name = "configuration-error")]
    ConfigurationError,
    #[component(name = "internal-error")]
    InternalError(Option<String>),
}

impl ErrorCode {
    /// The nearest one; the log has the sentence, for which most of them have no room.
    pub(super) fn of(error: &Error) -> Self {
        match error.kind {
            ErrorKind::PermissionDenied => Self::RequestDenied,
            ErrorKind::Unavailable => Self::DestinationUnavailable,
            ErrorKind::Timeout => Self::ResponseTimeout,
            ErrorKind::Exhausted => Self::ResponseBodySize(None),
            ErrorKind::InvalidArgument => Self::RequestUriInvalid,
            ErrorKind::Protocol => Self::ProtocolError,
            ErrorKind::Unauthenticated
            | ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::Unsupported
            | ErrorKind::Cancelled
            | ErrorKind::Internal
            | ErrorKind::Other => Self::InternalError(Some(error.message.clone())),
        }
    }
}
