//! The questions that are asked about a path, and what their answers hold.

use headgate_sdk::Result;

use super::body;
use crate::jute::{Reader, Writer};

/// A question about one path.
pub(crate) struct Op<T> {
    code: i32,
    /// Whether a flag that asks to be told of changes follows the path.
    has_watch: bool,
    read: fn(&mut Reader<'_>) -> Result<T>,
}

pub(crate) const EXISTS: Op<Stat> = Op { code: 3, has_watch: true, read: Stat::read };
pub(crate) const DATA: Op<Vec<u8>> =
    Op { code: 4, has_watch: true, read: |reader| Ok(reader.bytes()?.to_vec()) };
pub(crate) const ACL: Op<Vec<Acl>> = Op { code: 6, has_watch: false, read: |reader| reader.list(Acl::read) };
pub(crate) const CHILDREN: Op<Vec<String>> =
    Op { code: 8, has_watch: true, read: |reader| reader.list(Reader::text) };
/// What was written anywhere before is seen by the questions that follow.
pub(crate) const SYNC: Op<String> = Op { code: 9, has_watch: false, read: |reader| reader.text() };
/// How many znodes are below, at any depth; since 3.6.
pub(crate) const DESCENDANTS: Op<i32> = Op { code: 104, has_watch: false, read: |reader| reader.int() };

impl<T> Op<T> {
    pub(super) fn frame(&self, id: i32, path: &str) -> Vec<u8> {
        let frame = Writer::default().int(id).int(self.code).bytes(path.as_bytes());
        if self.has_watch { frame.flag(false).done() } else { frame.done() }
    }

    pub(super) fn read(&self, frame: &[u8]) -> Result<T> {
        (self.read)(&mut body(frame)?)
    }
}

/// What ZooKeeper keeps beside a znode's data, without the parts that nothing here uses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stat {
    /// The transaction that made it.
    pub(crate) czxid: i64,
    pub(crate) created_at_ms: i64,
    pub(crate) modified_at_ms: i64,
    pub(crate) data_version: i32,
    /// The session whose end removes it; 0 is none.
    pub(crate) owner: i64,
    pub(crate) data_bytes: i32,
    pub(crate) children: i32,
}

impl Stat {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let (czxid, _mzxid) = (reader.long()?, reader.long()?);
        let (created_at_ms, modified_at_ms) = (reader.long()?, reader.long()?);
        let (data_version, _children_version, _acl_version) = (reader.int()?, reader.int()?, reader.int()?);
        let (owner, data_bytes, children) = (reader.long()?, reader.int()?, reader.int()?);
        Ok(Self { czxid, created_at_ms, modified_at_ms, data_version, owner, data_bytes, children })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acl {
    pub(crate) permissions: i32,
    pub(crate) scheme: String,
    pub(crate) id: String,
}

impl Acl {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { permissions: reader.int()?, scheme: reader.text()?, id: reader.text()? })
    }
}
