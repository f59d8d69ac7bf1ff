//! Bytes as text that people read and that holds no secret: percent-encoded, with marks where something was hidden.
//!
//! `%{secret:password}` stands for the cluster's secret, `%{derived:2:20}` for the second value of 20 bytes that the host
//! derived in the same session, `%{hidden:7:24}` for another value that must not be known. `|base64` behind it says in
//! which form it stood. A percent sign of the bytes themselves is always `%25`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::super::hex::hex;

/// What was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Secret(String),
    /// The number of the derivation in its session, from 1, and how many bytes it gave.
    Derived(usize, usize),
    Hidden(usize, usize),
}

/// How it stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Raw,
    Base64,
    Base64Bare,
    Base64Url,
    Hex,
    Url,
    Json,
}

const FORMS: [(Form, &str); 7] = [
    (Form::Raw, ""),
    (Form::Base64, "base64"),
    (Form::Base64Bare, "base64-bare"),
    (Form::Base64Url, "base64-url"),
    (Form::Hex, "hex"),
    (Form::Url, "url"),
    (Form::Json, "json"),
];

/// A value that must not be in a cassette.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) what: What,
    pub(super) bytes: Vec<u8>,
}

impl Form {
    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Raw => bytes.to_vec(),
            Self::Base64 => STANDARD.encode(bytes).into_bytes(),
            Self::Base64Bare => STANDARD_NO_PAD.encode(bytes).into_bytes(),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
            Self::Hex => hex(bytes).into_bytes(),
            Self::Url => percent(bytes),
            Self::Json => match std::str::from_utf8(bytes) {
                Ok(text) => serde_json::Value::from(text).to_string().trim_matches('"').as_bytes().to_vec(),
                Err(_) => bytes.to_vec(),
            },
        }
    }
}

/// RFC 3986, as secrets are put into addresses.
fn percent(bytes: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let each = |byte: &u8| if plain(byte) { vec![*byte] } else { format!("%{byte:02X}").into_bytes() };
    bytes.iter().flat_map(each).collect()
}

/// Takes known values out.
pub(super) struct Scrubber {
    /// By their first byte, the longest first.
    needles: BTreeMap<u8, Vec<(Vec<u8>, What, Form)>>,
}

impl Scrubber {
    pub(super) fn new(known: &[Known]) -> Self {
        let mut needles: BTreeMap<u8, Vec<(Vec<u8>, What, Form)>> = BTreeMap::new();
        for Known { what, bytes } in known {
            for (form, _) in FORMS {
                let needle = form.of(bytes);
                let Some(first) = needle.first() else { continue };
                let same = needles.entry(*first).or_default();
                // What looks the same in two forms, or is known by two names, is the first of them.
                if !same.iter().any(|(other, ..)| *other == needle) {
                    same.push((needle, what.clone(), form));
                }
            }
        }
        for same in needles.values_mut() {
            same.sort_by_key(|(needle, ..)| std::cmp::Reverse(needle.len()));
        }
        Self { needles }
    }

    /// The bytes as text, every known value taken out in every form of it; at one place the longest counts.
    pub(super) fn scrubbed(&self, bytes: &[u8]) -> String {
        let (mut text, mut rest) = (String::new(), bytes);
        while let Some((first, after)) = rest.split_first() {
            let found =
                self.needles.get(first).into_iter().flatten().find_map(|(needle, what, form)| {
                    Some((rest.strip_prefix(needle.as_slice())?, what, *form))
                });
            match found {
                Some((behind, what, form)) => {
                    text.push_str(&mark(what, form));
                    rest = behind;
                }
                None => {
                    push(&mut text, *first);
                    rest = after;
                }
            }
        }
        text
    }
}

pub(super) fn shown(bytes: &[u8]) -> String {
    Scrubber::new(&[]).scrubbed(bytes)
}

fn push(text: &mut String, byte: u8) {
    match byte {
        b'%' => text.push_str("%25"),
        b' '..=b'~' => text.push(char::from(byte)),
        _ => text.push_str(&format!("%{byte:02X}")),
    }
}

fn mark(what: &What, form: Form) -> String {
    let form = FORMS.iter().find(|(one, _)| *one == form).map_or("", |(_, name)| *name);
    let bar = if form.is_empty() { "" } else { "|" };
    match what {
        What::Secret(name) => format!("%{{secret:{name}{bar}{form}}}"),
        What::Derived(number, length) => format!("%{{derived:{number}:{length}{bar}{form}}}"),
        What::Hidden(number, length) => format!("%{{hidden:{number}:{length}{bar}{form}}}"),
    }
}

/// A piece of a text: a byte as it is, or what stands for one that was taken out.
enum Part {
    Byte(u8),
    Mark(What, Form),
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(char) = rest.chars().next() {
        rest = rest.get(char.len_utf8()..).unwrap_or_default();
        if char != '%' {
            let mut buffer = [0; 4];
            parts.extend(char.encode_utf8(&mut buffer).bytes().map(Part::Byte));
        } else if let Some(inner) = rest.strip_prefix('{') {
            let (name, behind) = inner.split_once('}').ok_or("a mark without its end")?;
            let (what, form) = parsed(name).ok_or_else(|| format!("`%{{{name}}}` is no mark"))?;
            parts.push(Part::Mark(what, form));
            rest = behind;
        } else {
            let digits = rest.get(..2).ok_or("a percent sign without its two digits")?;
            let byte =
                u8::from_str_radix(digits, 16).map_err(|_not_hex| format!("`%{digits}` is no byte"))?;
            parts.push(Part::Byte(byte));
            rest = rest.get(2..).unwrap_or_default();
        }
    }
    Ok(parts)
}

/// The bytes again, with what `value` puts in the place of each mark.
pub(super) fn expanded(text: &str, value: impl Fn(&What) -> Vec<u8>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Byte(byte) => bytes.push(byte),
            Part::Mark(what, form) => bytes.extend(form.of(&value(&what))),
        }
    }
    Ok(bytes)
}

/// Whether the bytes are what the text stands for. What was hidden in it is known to nobody: there anything of its length fits.
pub(super) fn fits(text: &str, bytes: &[u8], value: impl Fn(&What) -> Vec<u8>) -> Result<bool, String> {
    let mut rest = bytes;
    for part in parts(text)? {
        let behind = match part {
            Part::Byte(byte) => rest.strip_prefix(&[byte]),
            Part::Mark(what @ What::Hidden(..), form) => rest.get(form.of(&value(&what)).len()..),
            Part::Mark(what, form) => rest.strip_prefix(form.of(&value(&what)).as_slice()),
        };
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(false),
        }
    }
    Ok(rest.is_empty())
}

fn parsed(name: &str) -> Option<(What, Form)> {
    let (what, form) = name.rsplit_once('|').unwrap_or((name, ""));
    let form = FORMS.iter().find(|(_, known)| *known == form).map(|(form, _)| *form)?;
    let (sort, rest) = what.split_once(':')?;
    let two = || {
        let (number, length) = rest.split_once(':')?;
        Some((number.parse().ok()?, length.parse().ok()?))
    };
    let what = match sort {
        "secret" => What::Secret(rest.to_owned()),
        "derived" => two().map(|(number, length)| What::Derived(number, length))?,
        "hidden" => two().map(|(number, length)| What::Hidden(number, length))?,
        _ => return None,
    };
    Some((what, form))
}

/// Letters and digits that stand for what is not known: the same for the same name.
pub(super) fn stand_in(name: &str, length: usize) -> Vec<u8> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = Counted::of(name);
    let letter = |_| LETTERS.get(usize::from(random.byte()) % LETTERS.len()).copied().unwrap_or(b'x');
    (0..length).map(letter).collect()
}

/// Bytes that look random and are the same each time.
#[derive(Debug)]
pub(super) struct Counted(u64);

impl Counted {
    pub(super) fn of(name: &str) -> Self {
        // FNV-1a: any text leads to a beginning of its own.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    pub(super) fn byte(&mut self) -> u8 {
        // Knuth's linear generator; its upper bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [high, ..] = self.0.to_be_bytes();
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(what: What, bytes: &[u8]) -> Known {
        Known { what, bytes: bytes.to_vec() }
    }

    #[test]
    fn bytes_read_back_as_they_were() {
        let all: Vec<u8> = (0..=255).chain(*b"100% {plain} %{secret:x}").collect();
        assert_eq!(expanded(&shown(&all), |_| Vec::new()).unwrap(), all);
        assert_eq!(shown(b"\x00\x07etcd 5%"), "%00%07etcd 5%25");
    }

    #[test]
    fn a_secret_is_taken_out_in_every_form_and_put_back_as_another() {
        let secret = "p\u{fc}\"ncil+/x";
        let known = [known(What::Secret("password".to_owned()), secret.as_bytes())];
        for (form, _) in FORMS {
            let bytes = [b"<".as_slice(), &form.of(secret.as_bytes()), b">"].concat();
            let text = Scrubber::new(&known).scrubbed(&bytes);
            assert!(text.starts_with("<%{secret:password") && text.ends_with("}>"), "{form:?}: {text}");
            assert_eq!(expanded(&text, |_| secret.as_bytes().to_vec()).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn the_longest_value_counts_where_several_begin() {
        let known = [known(What::Hidden(1, 6), b"secret"), known(What::Derived(2, 12), b"secret-proof")];
        let text = Scrubber::new(&known).scrubbed(b"a secret-proof, a secret");
        assert_eq!(text, "a %{derived:2:12}, a %{hidden:1:6}");
    }

    #[test]
    fn a_question_fits_whatever_was_hidden_in_it_and_nothing_else_does() {
        let value = |what: &What| match what {
            What::Secret(_) => b"pencil".to_vec(),
            What::Derived(_, length) | What::Hidden(_, length) => vec![b'x'; *length],
        };
        let fits = |bytes: &str| fits("%{secret:password} %{hidden:1:4}!", bytes.as_bytes(), value).unwrap();
        assert!(fits("pencil abcd!"));
        for other in ["crayon abcd!", "pencil abc!", "pencil abcde!", "pencil abcd", "pencil abcd!!"] {
            assert!(!fits(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_text_of_a_cassette_is_named() {
        for (text, part) in
            [("%", "two digits"), ("%zz", "no byte"), ("%{x}", "no mark"), ("%{secret:a", "end")]
        {
            let error = expanded(text, |_| Vec::new()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_stand_in_is_the_same_each_time_and_differs_by_name() {
        assert_eq!(stand_in("password", 12), stand_in("password", 12));
        assert_ne!(stand_in("password", 12), stand_in("token", 12));
        assert_eq!(stand_in("password", 12).len(), 12);
    }
}
