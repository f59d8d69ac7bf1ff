//! A host at the network's edge, for tests: answers from a list, and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::Client;
use crate::cli::locate::Target;

pub(crate) struct FakeHost {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeHost {
    /// Gives the answers (status, body) in order, and then 500.
    pub(crate) fn start(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = read_request(&mut connection);
                seen.lock().unwrap().push(request);
                let (status, body) = answers.next().unwrap_or((500, "no more answers".to_owned()));
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Target { url: self.url.clone(), token: "hg_test".to_owned() }, None).unwrap()
    }

    /// A line a request: verb, path, body; and the token that was shown.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(connection: &mut std::net::TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut length, mut token) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => token = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let line = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
    assert_eq!(token, "Bearer hg_test");
    format!("{line} {}", String::from_utf8(body).unwrap()).trim().to_owned()
}
