//! Which partitions a member of a classic group has, as it was told in bytes that its group's leader wrote.
//!
//! Invariant: read by hand with every count checked: any client can put anything there.

use std::collections::BTreeMap;

pub(crate) type Partitions = BTreeMap<String, Vec<i32>>;

/// Nothing for bytes that are no assignment.
pub(super) fn parse(bytes: &[u8]) -> Partitions {
    read(&mut Reader(bytes)).unwrap_or_default()
}

/// A version, then topics with their partitions; what follows is the assignor's own.
fn read(reader: &mut Reader<'_>) -> Option<Partitions> {
    reader.take::<2>()?;
    let mut topics = Partitions::new();
    for _ in 0..reader.count(6)? {
        let length = u16::from_be_bytes(reader.take()?);
        let name = String::from_utf8(reader.bytes(usize::from(length))?.to_vec()).ok()?;
        let count = reader.count(4)?;
        let partitions = (0..count).map(|_| reader.take().map(i32::from_be_bytes));
        topics.insert(name, partitions.collect::<Option<_>>()?);
    }
    Some(topics)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// Entries of at least so many bytes each.
    fn count(&mut self, entry_bytes: usize) -> Option<usize> {
        let count = usize::try_from(i32::from_be_bytes(self.take()?)).ok()?;
        (count.checked_mul(entry_bytes)? <= self.0.len()).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSIGNED: &[u8] = &[0, 3, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0];

    #[test]
    fn topics_and_partitions_are_read() {
        assert_eq!(parse(ASSIGNED), Partitions::from([("t".to_owned(), vec![0, 5])]));
        assert!(parse(&[]).is_empty());
    }

    #[test]
    fn foreign_bytes_are_nothing() {
        for length in 0..21 {
            assert!(parse(&ASSIGNED[..length]).is_empty(), "{length} bytes were taken");
        }
        assert!(parse(&[0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]).is_empty());
        assert!(parse(b"HTTP/1.1 200 OK").is_empty());
    }
}
