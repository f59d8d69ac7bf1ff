//! `http`: linked, so that plugins in languages that import all of their world load; refused until a kind needs it.

use super::HostError;
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::bindings::headgate::host::http::{Host, Request, Response};
use crate::plugins::guest::Guest;

const REFUSAL: &str = "this host gives no HTTP to plugins; use `net`";

impl Host for Guest {
    async fn send(&mut self, _request: Request) -> Result<Response, HostError> {
        self.enter("http")?;
        Err(HostError::new(ErrorKind::PermissionDenied, REFUSAL))
    }

    async fn send_all(
        &mut self,
        requests: Vec<Request>,
        _at_once: u32,
    ) -> wasmtime::Result<Vec<Result<Response, Error>>> {
        self.enter("http")?;
        let refuse = |_request| Err(super::error(ErrorKind::PermissionDenied, REFUSAL));
        Ok(requests.into_iter().map(refuse).collect())
    }
}
