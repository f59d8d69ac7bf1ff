//! Jute, ZooKeeper's serialisation: numbers in network order, texts and lists behind their counts.
//!
//! Invariant: whatever a peer sends is a value or a protocol error; a count is held against what is there before it is used.

use headgate_sdk::{Error, Result};

/// Of any element of a list: its shortest is the count of an empty text.
const ELEMENT_BYTES_MIN: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn int(mut self, value: i32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: i64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn flag(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        // A frame is bounded far below what does not fit.
        self.int(i32::try_from(bytes.len()).unwrap_or(i32::MAX)).raw(bytes)
    }

    /// Without a count before them.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// What is left of a frame. What newer servers put at the end of an answer is never read.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(frame: &'a [u8]) -> Self {
        Self(frame)
    }

    pub(crate) fn int(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A count of -1 stands for none.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = self.count(1)?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        let text = std::str::from_utf8(self.bytes()?).ok();
        Ok(text.ok_or_else(|| Error::protocol("a text of the answer is not UTF-8"))?.to_owned())
    }

    pub(crate) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count(ELEMENT_BYTES_MIN)?;
        (0..count).map(|_| read(self)).collect()
    }

    /// So many elements of at least that size follow.
    fn count(&mut self, element_bytes: usize) -> Result<usize> {
        match self.int()? {
            -1 => Ok(0),
            count => {
                let count =
                    usize::try_from(count).ok().filter(|count| *count <= self.0.len() / element_bytes);
                count.ok_or_else(truncated)
            }
        }
    }

    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT]> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(*array)
    }
}

fn truncated() -> Error {
    Error::protocol("the answer is shorter than it says: is this ZooKeeper?")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::ErrorKind;

    use super::*;

    fn read_all(frame: &[u8]) -> Result<(i32, i64, String, Vec<String>)> {
        let mut reader = Reader::new(frame);
        Ok((reader.int()?, reader.long()?, reader.text()?, reader.list(Reader::text)?))
    }

    fn frame() -> Vec<u8> {
        let list = Writer::default().int(2).bytes(b"a").bytes(b"").done();
        Writer::default().int(-2).long(i64::MAX).bytes("ü".as_bytes()).raw(&list).done()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let expected = (-2, i64::MAX, "ü".to_owned(), vec!["a".to_owned(), String::new()]);
        assert_eq!(read_all(&frame()).unwrap(), expected);
        assert_eq!(read_all(&[frame(), vec![9; 9]].concat()).unwrap(), expected, "more than was asked for");
        assert_eq!(Reader::new(&[0xff; 4]).text().unwrap(), "");
    }

    #[test]
    fn an_answer_cut_anywhere_is_a_protocol_error() {
        let whole = frame();
        for length in 0..whole.len() {
            assert_eq!(read_all(&whole[..length]).unwrap_err().kind, ErrorKind::Protocol, "at {length}");
        }
    }

    #[test]
    fn counts_that_lie_take_no_memory() {
        for count in [i32::MAX, i32::MIN, -2, 1] {
            let lie = Writer::default().int(count).done();
            assert_eq!(Reader::new(&lie).bytes().unwrap_err().kind, ErrorKind::Protocol, "{count}");
            assert_eq!(Reader::new(&lie).list(Reader::int).unwrap_err().kind, ErrorKind::Protocol, "{count}");
        }
        assert!(Reader::new(&Writer::default().bytes(&[0xc3]).done()).text().is_err(), "half a letter");
    }
}
