//! A server of the notes API that keeps them in memory, for the tests and to try the plugin by hand:
//! `cargo run --example server -- [PORT] [TOKEN]`

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use headgate_sdk::json::{Value, json};

type Notes = BTreeMap<String, Value>;

#[allow(dead_code, reason = "the tests take the server alone")]
fn main() {
    let mut given = std::env::args().skip(1);
    let port = given.next().unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("listen");
    println!("{}", listener.local_addr().expect("the address"));
    serve(&listener, given.next().as_deref());
}

/// Serves one request after the other, for ever.
pub fn serve(listener: &TcpListener, token: Option<&str>) {
    let mut notes = Notes::new();
    for stream in listener.incoming().flatten() {
        // One that breaks off is no concern of the next.
        let _ = exchange(stream, token, &mut notes);
    }
}

fn exchange(stream: TcpStream, token: Option<&str>, notes: &mut Notes) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let mut pairs = head.iter().filter_map(|line| line.split_once(": "));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;

    let mut words = head.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_known = token.is_none_or(|token| header("authorization") == Some(format!("Bearer {token}")));
    let (status, value) = match is_known {
        false => (401, json!({"error": "the token is wrong"})),
        true => answer(method, path, &header, &body, notes),
    };
    let text = value.to_string();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
    (&stream).write_all((head + &text).as_bytes())
}

fn answer(
    method: &str,
    path: &str,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    notes: &mut Notes,
) -> (u16, Value) {
    let name = match path {
        "/about" => return (200, json!({"id": "notes-in-memory", "version": "1.0.0"})),
        "/notes" => return (200, notes.values().cloned().collect()),
        path => path.strip_prefix("/notes/").unwrap_or_default().to_owned(),
    };
    let version = notes.get(&name).and_then(|note| note["version"].as_u64());
    if method != "PUT" && version.is_none() {
        return (404, json!({"error": format!("no note {name}")}));
    }
    let is_taken = header("if-none-match").is_some() && version.is_some();
    let has_changed = header("if-match")
        .is_some_and(|expected| Some(expected) != version.map(|version| version.to_string()));
    if is_taken || has_changed {
        return (412, json!({"error": format!("the note {name} has changed")}));
    }
    if method == "DELETE" {
        return (200, notes.remove(&name).unwrap_or_default());
    }
    if method == "PUT" {
        let given: Value =
            headgate_sdk::json::parse(&String::from_utf8_lossy(body), "a note").unwrap_or_default();
        let note = json!({
            "name": name, "text": given["text"], "tags": given["tags"],
            "version": version.unwrap_or(0) + 1, "modified_at": "2026-01-01T00:00:00Z"
        });
        notes.insert(name.clone(), note);
    }
    (200, notes.get(&name).cloned().unwrap_or_default())
}
