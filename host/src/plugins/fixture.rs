//! Small guests for the tests of this module: core modules as text, made components of the contract.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The world of the fixtures; `more` adds to it.
fn world(more: &str) -> String {
    format!(
        "package test:fixture;
         world fixture {{
             import headgate:host/log@0.1.0;
             import headgate:host/net@0.1.0;
             export headgate:plugin/manifest@0.1.0;
             export headgate:plugin/storage-driver@0.1.0;
             {more}
         }}"
    )
}

/// A string in memory: (data segment, pointer, length).
struct Memory {
    data: String,
    next: usize,
}

impl Memory {
    fn put(&mut self, text: &str) -> [u8; 8] {
        let at = self.next;
        let escaped = escaped(text);
        self.data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")\n"));
        self.next += text.len();
        let (at, length) = (u32::try_from(at).unwrap(), u32::try_from(text.len()).unwrap());
        let mut pair = [0; 8];
        pair[..4].copy_from_slice(&at.to_le_bytes());
        pair[4..].copy_from_slice(&length.to_le_bytes());
        pair
    }

    fn place(&mut self, at: usize, bytes: &[u8]) {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        self.data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")\n"));
    }
}

/// Where zeros stand: an `ok` of nothing, or of an empty list.
const ZEROS: usize = 16;
const DISCOVERY: usize = 512;
const DESCRIPTION: usize = 1024;
const GRANTS: usize = 1536;
const STRINGS: usize = 2048;

const DESCRIBE: &str = r#"(func (export "headgate:plugin/manifest@0.1.0#describe") (result i32) "#;
const FORM: &str = r#"{"type": "object"}"#;

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

fn module(kind: &str, probe: &str) -> String {
    versioned_module(kind, "0.1.0", &[], probe)
}

/// `asks`: hosts and ports of the network, or, without ports, parts of WASI.
fn versioned_module(kind: &str, version: &str, asks: &[(&str, &str)], probe: &str) -> String {
    let mut memory = Memory { data: String::new(), next: STRINGS };
    let mut description = [0; 100];
    for (at, text) in [(0, kind), (8, "Fixture"), (16, version), (24, "Tests"), (44, FORM)] {
        description[at..at + 8].copy_from_slice(&memory.put(text));
    }
    description[72..76].copy_from_slice(&u32::try_from(GRANTS).unwrap().to_le_bytes());
    description[76] = u8::try_from(asks.len()).unwrap();
    for (at, (name, ports)) in asks.iter().enumerate() {
        let mut grant = [0; 20];
        grant[0] = if ports.is_empty() { 2 } else { 0 };
        grant[4..12].copy_from_slice(&memory.put(name));
        grant[12..20].copy_from_slice(&memory.put(ports));
        memory.place(GRANTS + 20 * at, &grant);
    }
    memory.place(DESCRIPTION, &description);
    let facts = memory.put("{}");
    memory.place(DISCOVERY + 32, &facts);
    // 3,000 is where `boom` begins.
    memory.place(3000, b"boom");
    format!(
        r#"(module
            (import "headgate:host/net@0.1.0" "wait-readable" (func $wait (param i32 i32 i32 i32)))
            (import "headgate:host/log@0.1.0" "emit" (func $emit (param i32 i32 i32 i32 i32)))
            (memory (export "memory") 16)
            (table $more 1 funcref)
            (global $next (mut i32) (i32.const 65536))
            {data}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func $the_probe {probe})
            (func (export "headgate:plugin/manifest@0.1.0#describe") (result i32) (i32.const {DESCRIPTION}))
            (func (export "headgate:plugin/storage-driver@0.1.0#open")
                (param i32 i32 i32 i32 i32 i32 i32 i32)
                (result i32) (i32.const {ZEROS}))
            (func (export "headgate:plugin/storage-driver@0.1.0#probe") (result i32)
                (call $the_probe) (i32.const {ZEROS}))
            (func (export "headgate:plugin/storage-driver@0.1.0#discover") (result i32) (i32.const {DISCOVERY}))
            (func (export "headgate:plugin/storage-driver@0.1.0#list-resources") (param i32)
                (result i32) (i32.const {ZEROS}))
            (func (export "headgate:plugin/storage-driver@0.1.0#get-resources") (param i32 i32)
                (result i32) (i32.const {ZEROS}))
            (func (export "headgate:plugin/storage-driver@0.1.0#write-resources") (param i32 i32 i32)
                (result i32) (i32.const {ZEROS}))
            (func (export "headgate:plugin/storage-driver@0.1.0#close")))"#,
        data = memory.data
    )
}

fn component(core: &str, more: &str, before: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    resolve.push_path(wit).unwrap();
    if !before.is_empty() {
        resolve.push_str("foreign.wit", before).unwrap();
    }
    let package = resolve.push_str("fixture.wit", &world(more)).unwrap();
    let world = resolve.select_world(&[package], Some("fixture")).unwrap();
    let mut bytes = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&bytes).unwrap().validate(true).encode().unwrap()
}

/// What a guest does when it is probed.
pub(super) const NOTHING: &str = "";
pub(super) const SPIN: &str = "(loop $again (br $again))";
pub(super) const WAIT: &str = "(call $wait (i32.const 0) (i32.const 0) (i32.const 200) (i32.const 256))
    (call $wait (i32.const 0) (i32.const 0) (i32.const 200) (i32.const 256))";
pub(super) const EAT_MEMORY: &str =
    "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable";
pub(super) const EAT_TABLES: &str =
    "(br_if 0 (i32.ne (table.grow $more (ref.null func) (i32.const 30000)) (i32.const -1))) unreachable";
/// 37 MiB of the first memory, and as much of another.
pub(super) const EAT_SECOND_MEMORY: &str = "(drop (memory.grow (i32.const 600)))
    (br_if 0 (i32.ne (memory.grow $second (i32.const 600)) (i32.const -1))) unreachable";
pub(super) const PANIC: &str =
    "(call $emit (i32.const 4) (i32.const 3000) (i32.const 4) (i32.const 0) (i32.const 0)) unreachable";

/// A guest of this kind.
pub(super) fn guest(kind: &str, probe: &str) -> Vec<u8> {
    component(&module(kind, probe), "", "")
}

/// The same of another version: another content, too.
pub(super) fn versioned(kind: &str, version: &str, probe: &str) -> Vec<u8> {
    component(&versioned_module(kind, version, &[], probe), "", "")
}

/// The same, which asks for grants.
pub(super) fn asking(kind: &str, version: &str, asks: &[(&str, &str)]) -> Vec<u8> {
    component(&versioned_module(kind, version, asks, NOTHING), "", "")
}

/// With a memory beside the one that the host sees.
pub(super) fn guest_with_memories(kind: &str, probe: &str) -> Vec<u8> {
    let first = r#"(memory (export "memory") 16)"#;
    component(&module(kind, probe).replacen(first, &format!("{first} (memory $second 16)"), 1), "", "")
}

/// It never says what it is.
pub(super) fn endless() -> Vec<u8> {
    let core =
        module("endless", NOTHING).replacen(DESCRIBE, &format!("{DESCRIBE} (loop $again (br $again))"), 1);
    component(&core, "", "")
}

/// Its connection form takes for ever to check.
pub(super) fn endless_form() -> Vec<u8> {
    // As long as the form that it replaces.
    let core = module("form", NOTHING).replacen(&escaped(FORM), &escaped(r##"{"$ref":      "#"}"##), 1);
    component(&core, "", "")
}

/// It asks for secrets in the clear.
pub(super) fn revealing() -> Vec<u8> {
    let import = r#"(module (import "headgate:host/secrets-reveal@0.1.0" "reveal" (func (param i32 i32)))"#;
    let core = module("revealing", NOTHING).replacen("(module", import, 1);
    component(&core, "import headgate:host/secrets-reveal@0.1.0;", "")
}

/// A component whose only export is an interface of this name, with nothing in it.
pub(super) fn exporting(interface: &str) -> Vec<u8> {
    wat::parse_str(format!("(component (instance $i) (export \"{interface}\" (instance $i)))")).unwrap()
}

/// A component that imports an interface of this name.
pub(super) fn importing(interface: &str) -> Vec<u8> {
    let import = format!("(import \"{interface}\" (instance (export \"run\" (func))))");
    wat::parse_str(format!("(component {import})")).unwrap()
}

pub(super) fn plain() -> Vec<u8> {
    guest("fixture", NOTHING)
}

/// It calls itself something else each time.
pub(super) fn fickle() -> Vec<u8> {
    let title = STRINGS + "fickle".len();
    let changing = format!(
        "{DESCRIBE} (i32.store8 (i32.const {title}) (i32.add (i32.load8_u (i32.const {title})) (i32.const 1)))"
    );
    component(&module("fickle", NOTHING).replacen(DESCRIBE, &changing, 1), "", "")
}

pub(super) fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").unwrap()
}

/// It imports what belongs to another program.
pub(super) fn foreign() -> Vec<u8> {
    let core = module("foreign", NOTHING).replacen(
        "(module",
        r#"(module (import "other:program/thing" "do-it" (func))"#,
        1,
    );
    let before = "package other:program; interface thing { do-it: func(); }";
    component(&core, "import other:program/thing;", before)
}
