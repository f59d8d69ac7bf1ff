//! RESP2, Redis' protocol: commands as lists of strings, with places that the host fills with secrets, and answers of any shape.

use std::mem::take;

use headgate_sdk::net::Piece;
use headgate_sdk::secrets::{self, Encoding, Secret};
use headgate_sdk::{Error, ErrorKind, Result};

/// All users of a server, or its configuration, are far less.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Between two ends of lines, where no length was told.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Members of one list.
const LIST_MAX: usize = 200_000;

/// Lists in lists: Redis' own answers go three deep.
const DEPTH_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Text(String),
    Integer(i64),
    List(Vec<Answer>),
    Nothing,
    /// Its code and what it says, as one text.
    Refused(String),
}

impl Answer {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::List(_) | Self::Nothing | Self::Refused(_) => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            Self::Text(_) | Self::Integer(_) | Self::Nothing | Self::Refused(_) => None,
        }
    }
}

/// The first answer and how many bytes it took; none where its end has not come yet.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Answer, usize)>> {
    let mut reader = Reader { bytes, at: 0 };
    Ok(reader.answer(0)?.map(|answer| (answer, reader.at)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn answer(&mut self, depth: usize) -> Result<Option<Answer>> {
        let Some(sign) = self.bytes.get(self.at) else { return Ok(None) };
        // Looked at before anything else: who speaks another protocol may never end a line.
        if !b"+-:$*".contains(sign) || depth > DEPTH_MAX {
            return Err(odd("an answer begins with another sign than Redis' do"));
        }
        let Some(line) = self.line()? else { return Ok(None) };
        let rest = line.get(1..).unwrap_or_default();
        match sign {
            b'+' => Ok(Some(Answer::Text(lossy(rest)))),
            b'-' => Ok(Some(Answer::Refused(lossy(rest)))),
            b':' => Ok(Some(Answer::Integer(number(rest)?))),
            b'$' => self.bulk(number(rest)?),
            _ => self.list(number(rest)?, depth),
        }
    }

    fn line(&mut self) -> Result<Option<&'a [u8]>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.windows(2).take(LINE_BYTES_MAX).position(|pair| pair == b"\r\n") else {
            return if rest.len() > LINE_BYTES_MAX { Err(odd("a line does not end")) } else { Ok(None) };
        };
        self.at += length + 2;
        Ok(rest.get(..length))
    }

    fn bulk(&mut self, length: i64) -> Result<Option<Answer>> {
        if length == -1 {
            return Ok(Some(Answer::Nothing));
        }
        let length = sized(length, ANSWER_BYTES_MAX)?;
        let Some(text) = self.bytes.get(self.at..self.at + length) else { return Ok(None) };
        match self.bytes.get(self.at + length..self.at + length + 2) {
            None => Ok(None),
            Some(b"\r\n") => {
                self.at += length + 2;
                Ok(Some(Answer::Text(lossy(text))))
            }
            Some(_) => Err(odd("a text does not end where its length says")),
        }
    }

    fn list(&mut self, length: i64, depth: usize) -> Result<Option<Answer>> {
        if length == -1 {
            return Ok(Some(Answer::Nothing));
        }
        let mut list = Vec::new();
        for _ in 0..sized(length, LIST_MAX)? {
            match self.answer(depth + 1)? {
                Some(answer) => list.push(answer),
                None => return Ok(None),
            }
        }
        Ok(Some(Answer::List(list)))
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> Result<i64> {
    let text = std::str::from_utf8(bytes).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| odd("where a number stands is none"))
}

fn sized(length: i64, most: usize) -> Result<usize> {
    let length = usize::try_from(length).map_err(|_negative| odd("a length is below zero"))?;
    if length > most {
        let message = format!("an answer announces {length}, more than the {most} that are taken");
        return Err(Error::new(ErrorKind::Exhausted, message));
    }
    Ok(length)
}

fn odd(what: &str) -> Error {
    Error::protocol(format_args!("{what}: is this the port of a Redis server, with TLS as it is set here?"))
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Plain(String),
    /// The secret of that name, behind a sign of ours.
    Secret(&'static str, String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command(Vec<Word>);

impl Command {
    pub(crate) fn new<const N: usize>(words: [&str; N]) -> Self {
        Self(words.map(|word| Word::Plain(word.to_owned())).into())
    }

    pub(crate) fn word(mut self, word: impl Into<String>) -> Self {
        self.0.push(Word::Plain(word.into()));
        self
    }

    pub(crate) fn secret(mut self, before: &'static str, name: &str) -> Self {
        self.0.push(Word::Secret(before, name.to_owned()));
        self
    }
}

/// The secrets that these commands name, in the order of their places.
pub(crate) fn named(commands: &[Command]) -> Result<Vec<Secret>> {
    let words = commands.iter().flat_map(|command| &command.0);
    let names = words.filter_map(|word| match word {
        Word::Secret(_, name) => Some(name),
        Word::Plain(_) => None,
    });
    names.map(|name| secrets::get(name)).collect()
}

/// Commands as they are sent, one behind the other: the host puts the secrets in.
pub(crate) fn pieces<'a>(commands: &[Command], secrets: &'a [Secret]) -> Vec<Piece<'a>> {
    let (mut pieces, mut bytes, mut secrets) = (Vec::new(), Vec::new(), secrets.iter());
    for Command(words) in commands {
        bytes.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            match word {
                Word::Plain(text) => bytes.extend(format!("${}\r\n{text}", text.len()).into_bytes()),
                Word::Secret(before, _) => {
                    let Some(secret) = secrets.next() else { continue };
                    let length = before.len() + secret.length() as usize;
                    bytes.extend(format!("${length}\r\n{before}").into_bytes());
                    pieces.push(Piece::Bytes(take(&mut bytes)));
                    pieces.push(Piece::Secret(secret, Encoding::Raw));
                }
            }
            bytes.extend(b"\r\n");
        }
    }
    pieces.push(Piece::Bytes(bytes));
    pieces
}

#[cfg(test)]
mod tests {
    use headgate_sdk::native;

    use super::*;

    fn text(text: &str) -> Answer {
        Answer::Text(text.to_owned())
    }

    #[test]
    fn answers_of_every_shape_are_read_when_they_are_whole() {
        let all = b"*5\r\n$2\r\nab\r\n:-3\r\n+OK\r\n-ERR no\r\n*1\r\n$-1\r\n";
        let Some((Answer::List(list), length)) = read(all).unwrap() else { panic!("no list") };
        let nothing = Answer::List(vec![Answer::Nothing]);
        let refused = Answer::Refused("ERR no".to_owned());
        assert_eq!(list, [text("ab"), Answer::Integer(-3), text("OK"), refused, nothing]);
        assert_eq!(length, all.len());
        for end in 0..all.len() {
            assert_eq!(read(&all[..end]).unwrap(), None, "{end} bytes of it");
        }
        assert_eq!(read(b"+a\r\n+b\r\n").unwrap(), Some((text("a"), 4)));
    }

    #[test]
    fn what_is_no_answer_is_refused_as_soon_as_it_can_be_told() {
        for odd in [&b"\0"[..], b"HTTP/1.1", b":x\r\n", b"$-2\r\n", b"$1\r\nab\r\n", &[b'+'; 70_000]] {
            assert_eq!(read(odd).unwrap_err().kind, ErrorKind::Protocol, "{:?}", &odd[..1]);
        }
        assert_eq!(read(b"$99999999999\r\n").unwrap_err().kind, ErrorKind::Exhausted);
        assert!(read(&b"*1\r\n".repeat(20)).is_err());
    }

    #[test]
    fn a_secret_stands_between_two_pieces_of_a_command() {
        native::secrets::set("alice-1", b"hunter2");
        let commands = [Command::new(["ACL", "SETUSER"]).word("alice").secret(">", "alice-1").word("on")];
        let secrets = named(&commands).unwrap();
        let pieces = pieces(&commands, &secrets);
        let [Piece::Bytes(before), Piece::Secret(..), Piece::Bytes(after)] = &pieces[..] else {
            panic!("not three pieces")
        };
        assert_eq!(before, b"*5\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$5\r\nalice\r\n$8\r\n>");
        assert_eq!(after, b"\r\n$2\r\non\r\n");
        assert!(named(&[Command::new([]).secret("", "nobody's")]).is_err());
    }
}
