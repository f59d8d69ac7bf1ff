//! A plugin of a few lines, made on the spot: a kind with a name and a version, whose clusters are empty.

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WORLD: &str = "package test:guest;
world guest {
    export headgate:plugin/manifest@0.1.0;
    export headgate:plugin/storage-driver@0.1.0;
}";

/// What it does when it is asked what a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Answers,
    Traps,
}

/// Where things lie in the guest's memory. Zeros at `NOTHING` are an `ok` of nothing, or of an empty list.
const NOTHING: usize = 16;
const DISCOVERY: usize = 512;
const DESCRIPTION: usize = 1024;
const GRANTS: usize = 1536;
const STRINGS: usize = 2048;

/// The component.
///
/// # Errors
/// The contract of this tree is not the one that the guest was written for.
pub fn guest(kind: &str, version: &str, behaviour: Behaviour) -> Result<Vec<u8>> {
    asking_guest(kind, version, &[], behaviour)
}

/// The same, which asks for these hosts and ports.
///
/// # Errors
/// As [`guest`].
pub fn asking_guest(
    kind: &str,
    version: &str,
    asks: &[(&str, &str)],
    behaviour: Behaviour,
) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let contract = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    resolve.push_path(contract).context("the contract")?;
    let package = resolve.push_str("guest.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("guest"))?;
    let mut bytes = wat::parse_str(module(kind, version, asks, behaviour))?;
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default().module(&bytes)?.validate(true).encode()
}

/// Strings in memory, one after another.
struct Memory {
    data: String,
    next: usize,
}

impl Memory {
    fn place(&mut self, at: usize, bytes: &[u8]) {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        self.data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")\n"));
    }

    /// Its pointer and length, as they stand in a record at `at`.
    fn put(&mut self, at: usize, text: &str) {
        let (start, length) = (self.next, text.len());
        self.place(start, text.as_bytes());
        self.next += length;
        let pair: Vec<u8> =
            [start, length].iter().flat_map(|word| word.to_le_bytes().into_iter().take(4)).collect();
        self.place(at, &pair);
    }
}

fn module(kind: &str, version: &str, asks: &[(&str, &str)], behaviour: Behaviour) -> String {
    let mut memory = Memory { data: String::new(), next: STRINGS };
    for (offset, text) in
        [(0, kind), (8, "Guest"), (16, version), (24, "Tests"), (44, r#"{"type": "object"}"#)]
    {
        memory.put(DESCRIPTION + offset, text);
    }
    memory.put(DISCOVERY + 32, "{}");
    for (number, (host, ports)) in asks.iter().enumerate() {
        // The first case of the variant, and its two strings.
        let at = GRANTS + 20 * number;
        memory.place(at, &[0]);
        memory.put(at + 4, host);
        memory.put(at + 12, ports);
    }
    let list = [GRANTS, asks.len()];
    let list: Vec<u8> = list.iter().flat_map(|word| word.to_le_bytes().into_iter().take(4)).collect();
    memory.place(DESCRIPTION + 72, &list);
    let discover = match behaviour {
        Behaviour::Answers => "",
        Behaviour::Traps => "unreachable",
    };
    let driver = "headgate:plugin/storage-driver@0.1.0";
    format!(
        r#"(module
            (memory (export "memory") 16)
            (global $next (mut i32) (i32.const 65536))
            {data}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func $the_discovery {discover})
            (func (export "headgate:plugin/manifest@0.1.0#describe") (result i32) (i32.const {DESCRIPTION}))
            (func (export "{driver}#open") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const {NOTHING}))
            (func (export "{driver}#probe") (result i32) (i32.const {NOTHING}))
            (func (export "{driver}#discover") (result i32) (call $the_discovery) (i32.const {DISCOVERY}))
            (func (export "{driver}#list-resources") (param i32) (result i32) (i32.const {NOTHING}))
            (func (export "{driver}#get-resources") (param i32 i32) (result i32) (i32.const {NOTHING}))
            (func (export "{driver}#write-resources") (param i32 i32 i32) (result i32) (i32.const {NOTHING}))
            (func (export "{driver}#close")))"#,
        data = memory.data
    )
}
