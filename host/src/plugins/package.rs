//! From a file to a plugin that may run: verify, compile, link, describe. Each stage consumes the one before.

use std::sync::Arc;

use ring::digest;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;
use wasmtime::{Engine, Precompiled};

use super::cache::Cache;
use super::contract::{VERSIONS, is_of_track};
use super::engine::GuestEngine;
use super::hex::hex;
use super::imports::wasi::TRACK as WASI_TRACK;
use super::limits::{COMPONENT_BYTES_MAX, POOL_MEMORY_BYTES, POOL_TABLE_ELEMENTS};
use super::linked::Linked;
use super::metrics::Metrics;
use super::refusal::{Refusal, Stage};

/// A file as it came.
pub(super) struct Package {
    /// The file, or the built-in plugin's name.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// A component by its first bytes.
pub(super) struct Verified {
    pub(super) name: String,
    pub(super) digest: String,
    bytes: Vec<u8>,
}

/// Machine code.
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) digest: String,
    bytes: usize,
    component: Component,
}

/// `\0asm` and the version: 1 for a core module, 0xd in the layer of components.
const MAGIC: &[u8] = b"\0asm";
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

/// Of a file's beginning that tells what it is.
const START_BYTES: usize = 8;

const COPY_ADVICE: &str = "copy it again, whole: give it its name when it is written";
const COMPONENT_ADVICE: &str = "build it with the plugin SDK, whose build makes a component";

impl Package {
    pub(super) fn verify(self) -> Result<Verified, Refusal> {
        let refuse = |expected: &str, found: String, advice: &str| {
            Err(Refusal::new(&self.name, Stage::Verify, expected, found, advice))
        };
        let bytes = &self.bytes;
        if bytes.len() > COMPONENT_BYTES_MAX {
            let expected = format!("at most {COMPONENT_BYTES_MAX} bytes");
            return refuse(&expected, format!("{} bytes", bytes.len()), "strip its debug information");
        }
        match Engine::detect_precompiled(bytes) {
            Some(Precompiled::Component | Precompiled::Module) => {
                return refuse(
                    "a WebAssembly component",
                    "compiled machine code".to_owned(),
                    "give the `.wasm` that it was made from: this host runs only what it compiled itself",
                );
            }
            None => {}
        }
        match bytes.strip_prefix(MAGIC) {
            Some(rest) if rest.starts_with(COMPONENT) => {}
            Some(rest) if rest.starts_with(CORE_MODULE) => {
                return refuse("a WebAssembly component", "a core module".to_owned(), COMPONENT_ADVICE);
            }
            Some(rest) if rest.len() < COMPONENT.len() => {
                let found = format!("a file that was cut, of {} bytes", bytes.len());
                return refuse("a WebAssembly component", found, COPY_ADVICE);
            }
            Some(_) => {
                let found = "WebAssembly of another version".to_owned();
                return refuse("a WebAssembly component", found, COMPONENT_ADVICE);
            }
            None => {
                let (found, advice) = unlike(bytes);
                return refuse("a WebAssembly component", found, advice);
            }
        }
        let digest = hex(digest::digest(&digest::SHA256, bytes).as_ref());
        Ok(Verified { name: self.name, digest, bytes: self.bytes })
    }
}

/// What a file is that is no WebAssembly, for who put it there.
fn unlike(bytes: &[u8]) -> (String, &'static str) {
    let start = bytes.get(..bytes.len().min(START_BYTES)).unwrap_or_default();
    let is = |magic: &[u8]| start.starts_with(magic);
    let (found, advice) = match start {
        [] => return ("an empty file".to_owned(), COPY_ADVICE),
        _ if is(b"\x7fELF") => ("a program for Linux", COMPONENT_ADVICE),
        _ if is(b"\x1f\x8b") || is(b"PK\x03\x04") => ("an archive", "unpack it"),
        _ if MAGIC.starts_with(start) => ("a file that was cut", COPY_ADVICE),
        _ if start.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) => {
            ("text", COMPONENT_ADVICE)
        }
        _ => {
            let found = format!("a file of {} bytes that begins with {}", bytes.len(), hex(start));
            return (found, COMPONENT_ADVICE);
        }
    };
    (format!("{found}, of {} bytes", bytes.len()), advice)
}

impl Verified {
    /// Blocks: the compiler takes seconds for a large component.
    pub(super) fn compile(
        self,
        engine: &GuestEngine,
        cache: &Cache,
        metrics: &Metrics,
    ) -> Result<Compiled, Refusal> {
        let began = std::time::Instant::now();
        let (engine, pooled) = engine.of_size(self.bytes.len());
        let loaded = cache.load(engine, &self.digest, &self.bytes).map_err(|error| {
            Refusal::new(
                &self.name,
                Stage::Compile,
                "valid WebAssembly",
                format!("{error:#}"),
                "build it again; was the file copied whole?",
            )
        });
        let (component, source) = loaded?;
        tracing::info!(plugin = self.name, ?source, took_ms = began.elapsed().as_millis(), "plugin loaded");
        metrics.compiled(&self.name, began.elapsed());
        if pooled {
            fits_pool(&self.name, &component)?;
        }
        Ok(Compiled { name: self.name, digest: self.digest, bytes: self.bytes.len(), component })
    }
}

fn fits_pool(name: &str, component: &Component) -> Result<(), Refusal> {
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let refuse = |expected: String, found: String| {
        Err(Refusal::new(name, Stage::Compile, expected, found, "build it with less initial memory"))
    };
    if let Some(bytes) = needs.max_initial_memory_size.filter(|bytes| *bytes > POOL_MEMORY_BYTES as u64) {
        return refuse(format!("memories of at most {POOL_MEMORY_BYTES} bytes"), bytes.to_string());
    }
    if let Some(count) = needs.max_initial_table_size.filter(|count| *count > POOL_TABLE_ELEMENTS as u64) {
        return refuse(format!("tables of at most {POOL_TABLE_ELEMENTS} elements"), count.to_string());
    }
    Ok(())
}

/// The packages of the contract, and the track of versions of what this host lends.
const HOST: &str = "headgate:host/";
const PLUGIN: &str = "headgate:plugin/";
const HOST_TRACK: &str = "0.1";

const VERSION_ADVICE: &str = "build it with this host's version of the contract, or update the host";

/// What a component names of the outside.
pub(super) struct Shape {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

impl Compiled {
    pub(super) fn shape(&self) -> Shape {
        let (shape, engine) = (self.component.component_type(), self.component.engine());
        let imports = shape.imports(engine).map(|(name, _)| name.to_owned()).collect();
        Shape { imports, exports: shape.exports(engine).map(|(name, _)| name.to_owned()).collect() }
    }

    /// What it imports is offered, what it exports is known: said before the engine says it without names.
    pub(super) fn link(self) -> Result<Arc<Linked>, Refusal> {
        let shape = self.component.component_type();
        for (import, _item) in shape.imports(self.component.engine()) {
            self.check_import(import)?;
        }
        let exports: Vec<String> = shape
            .exports(self.component.engine())
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
            .map(|(name, _)| name.to_owned())
            .collect();
        let manifest = format!("{PLUGIN}manifest@");
        let built_for = |track| {
            exports.iter().any(|export| {
                export.strip_prefix(&manifest).is_some_and(|version| is_of_track(version, track))
            })
        };
        let Some(version) = VERSIONS.iter().find(|version| built_for(version.track)) else {
            let found = if exports.is_empty() { "no interface".to_owned() } else { exports.join(", ") };
            let advice = if exports.iter().any(|export| export.starts_with(&manifest)) {
                VERSION_ADVICE
            } else {
                "build it for the world of this host's contract"
            };
            let expected = format!("the export {manifest}{}", tracks());
            return Err(Refusal::new(&self.name, Stage::Link, expected, found, advice));
        };
        let linked = Linked::new(&self.component, self.bytes, version).map_err(|error| {
            Refusal::new(
                &self.name,
                Stage::Link,
                format!("interfaces shaped as in the contract {}", version.track),
                format!("{error:#}"),
                "build it again with this host's version of the contract",
            )
        })?;
        Ok(Arc::new(linked))
    }

    fn check_import(&self, import: &str) -> Result<(), Refusal> {
        let offered = format!("imports of {HOST}*@{HOST_TRACK}");
        let refuse =
            |found: String, advice: &str| Err(Refusal::new(&self.name, Stage::Link, &offered, found, advice));
        let found = format!("the import {import}");
        let (path, version) = import.split_once('@').unwrap_or((import, ""));
        if path == "headgate:host/secrets-reveal" {
            return refuse(
                found,
                "it asks for secrets in the clear, which this host does not grant: use the proofs of `secrets`",
            );
        }
        if path.starts_with("wasi:") {
            return match is_of_track(version, WASI_TRACK) {
                true => Ok(()),
                false => refuse(found, "of WASI this host links 0.2: build it with tools for that"),
            };
        }
        // Which of its own versions it is built for is told by what it exports.
        if path == "headgate:plugin/types" {
            return Ok(());
        }
        if !path.starts_with(HOST) {
            return refuse(found, "it belongs to another program, or its world names more than the contract");
        }
        if !is_of_track(version, HOST_TRACK) {
            return refuse(found, VERSION_ADVICE);
        }
        Ok(())
    }
}

/// `0.1 or @0.0.1`: all that this host speaks.
fn tracks() -> String {
    VERSIONS.map(|version| version.track).join(" or @")
}
