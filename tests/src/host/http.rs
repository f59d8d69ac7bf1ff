//! The API, asked directly: for what the command line does not show.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::Host;

/// Longer than any deadline of the API itself, so that its own answer is seen.
const DEADLINE: Duration = Duration::from_secs(120);

/// An answer of the API, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub etag: Option<String>,
    /// `Null` where the body is empty, a string where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have the status.
    ///
    /// # Errors
    /// It has another.
    pub fn status_is(&self, status: u16) -> Result<&Value> {
        if self.status != status {
            bail!("expected status {status}, got {}: {:#}", self.status, self.body);
        }
        Ok(&self.body)
    }

    /// Fails unless this is a problem document with the status and the code.
    ///
    /// # Errors
    /// Otherwise.
    pub fn problem(&self, status: u16, code: &str) -> Result<&Value> {
        let body = self.status_is(status)?;
        if self.content_type != "application/problem+json" || body.get("code") != Some(&Value::from(code)) {
            bail!("expected problem {code}, got {}: {body:#}", self.content_type);
        }
        Ok(body)
    }
}

impl Host {
    /// Asks as the owner. The path begins with `/`; a body is sent as JSON.
    ///
    /// # Errors
    /// No answer came; a refusal is an answer.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.api_with(method, path, body, &[("authorization", &format!("Bearer {}", self.token()?))])
    }

    /// Asks with exactly these headers: for other tokens, or none, `If-Match`, `Idempotency-Key`.
    ///
    /// # Errors
    /// As [`Host::api`].
    pub fn api_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let uri = format!("{}{path}", self.url()?);
        let mut request = Request::builder().method(method).uri(&uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // No proxy: the variables of the machine are about other hosts than this one.
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE)).proxy(None);
        let agent: Agent = config.build().into();
        let asked = match body {
            Some(body) => agent
                .run(request.header("content-type", "application/json").body(serde_json::to_string(body)?)?),
            None => agent.run(request.body(())?),
        };
        let mut response = asked.with_context(|| format!("{method} {uri}"))?;
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let (content_type, etag) = (header("content-type").unwrap_or_default(), header("etag"));
        let status = response.status().as_u16();
        let text =
            response.body_mut().read_to_string().with_context(|| format!("the body of {method} {uri}"))?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer { status, content_type, etag, body })
    }

    /// The body of what must be there.
    ///
    /// # Errors
    /// The answer is not 200.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.api("GET", path, None)?;
        Ok(answer.status_is(200).with_context(|| format!("GET {path}"))?.clone())
    }
}
