//! A file from anywhere: within a size, in a bounded time, and never from an encrypted address to an open one.

use std::path::Path;
use std::time::Duration;

use ureq::Agent;

use super::tls;
use crate::cli::failure::Failure;
use crate::cli::locate::is_loopback;

/// Of the whole download: some MiB over a slow line.
const DEADLINE: Duration = Duration::from_secs(300);

/// Places that publish files send from one address to another, and those are few.
const REDIRECTS_MAX: u32 = 5;

pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

pub(crate) fn download(url: &str, ca_cert: Option<&Path>, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(REDIRECTS_MAX)
        .https_only(url.starts_with("https://"))
        .timeout_global(Some(DEADLINE))
        .user_agent(concat!("headgate/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        config = config.proxy(None);
    }
    if url.starts_with("https://") || !is_loopback(url) {
        config = config.tls_config(tls::config(ca_cert)?);
    }
    let agent: Agent = config.build().into();
    let failed = |reason: String| Failure::Unreachable {
        url: url.to_owned(),
        reason,
        advice: "fetch it by other means, and give the file".to_owned(),
    };
    let mut answer = agent.get(url).call().map_err(|error| failed(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(failed(format!("it answered {}", answer.status())));
    }
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    match answer.body_mut().with_config().limit(limit).read_to_vec() {
        Ok(bytes) if bytes.len() > bytes_max => Err(too_large(url, bytes_max)),
        Ok(bytes) => Ok(bytes),
        Err(ureq::Error::BodyExceedsLimit(_)) => Err(too_large(url, bytes_max)),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn too_large(url: &str, bytes_max: usize) -> Failure {
    Failure::Refused(format!("{url} is larger than {bytes_max} bytes, the most that a component may have"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers in order, whatever is asked.
    fn place(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.wasm", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut connection, _) = listener.accept().unwrap();
                let _asked = connection.read(&mut [0; 1024]).unwrap();
                connection.write_all(format!("HTTP/1.1 {answer}").as_bytes()).unwrap();
            }
        });
        url
    }

    #[test]
    fn a_download_is_whole_within_its_limit_and_its_status_counts() {
        const WHOLE: &str = "200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\ncomponent";
        let url = place(&[WHOLE, WHOLE, "404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"]);
        assert_eq!(download(&url, None, 9).unwrap(), b"component");
        assert!(download(&url, None, 8).unwrap_err().to_string().contains("larger than 8 bytes"));
        assert!(download(&url, None, 9).unwrap_err().to_string().contains("404"));
    }

    #[test]
    fn an_answer_that_is_cut_is_no_file() {
        let url = place(&["200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\ncomp"]);
        assert_eq!(download(&url, None, 9).unwrap_err().exit().code(), 6);
    }
}
