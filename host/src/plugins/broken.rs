//! Files that are no plugins: each is told in one line, with what it is, where it stopped and what to do, and touches
//! nothing else.

use super::driver::Kinds;
use super::engine::GuestEngine;
use super::fixture;
use super::stories::World;

/// What the host says of a file, without the file's name.
fn told(world: &World, file: &str) -> String {
    let refusals = world.registry.refusals();
    let found = refusals.iter().find(|refusal| refusal.plugin == file);
    let text = found.unwrap_or_else(|| panic!("{file} was taken")).to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    text.replace(&format!("plugin `{file}` is refused at "), "")
}

/// Where the cut file ends, which changes with the fixture.
fn wasm_cut(all: &[String]) -> String {
    let cut = all.iter().find_map(|text| text.split_once("(at ")?.1.split_once(')'));
    cut.map(|(offset, _)| offset.to_owned()).unwrap()
}

#[tokio::test]
async fn a_broken_file_is_told_in_one_line_and_the_good_one_serves() {
    let plain = fixture::plain();
    let compiled = GuestEngine::start().unwrap().wasm().precompile_component(&plain).unwrap();
    let mut elsewhere = plain.clone();
    elsewhere[4] = 0x0e;
    let files = [
        ("a-empty.wasm", Vec::new()),
        ("b-text.wasm", b"hello, plugin".to_vec()),
        ("c-archive.wasm", b"\x1f\x8b\x08\0\0\0".to_vec()),
        ("d-program.wasm", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("e-bytes.wasm", vec![0xfe, 0xed, 0xfa, 0xce, 7]),
        ("f-huge.wasm", vec![0; 200 << 20]),
        ("g-compiled.cwasm", compiled.clone()),
        ("h-disguised.wasm", compiled),
        ("i-core.wasm", fixture::core_module()),
        ("j-elsewhere.wasm", elsewhere),
        ("k-start.wasm", plain[..6].to_vec()),
        ("l-cut.wasm", plain[..plain.len() / 2].to_vec()),
        ("m-nothing.wasm", wat::parse_str("(component)").unwrap()),
        ("n-command.wasm", fixture::exporting("wasi:cli/run@0.2.3")),
        ("o-newer.wasm", fixture::exporting("headgate:plugin/manifest@0.2.0")),
        ("p-newer-host.wasm", fixture::importing("headgate:host/log@0.3.0")),
        ("q-newer-wasi.wasm", fixture::importing("wasi:cli/environment@0.3.0")),
        ("r-foreign.wasm", fixture::foreign()),
        ("s-revealing.wasm", fixture::revealing()),
        ("t-good.wasm", plain.clone()),
        ("u-again.wasm", plain),
        ("v-shouting.wasm", fixture::guest("LOUD", fixture::NOTHING)),
        ("w-fickle.wasm", fixture::fickle()),
        ("x-form.wasm", fixture::endless_form()),
    ];
    let world = World::of(&files).await;
    let all: Vec<String> = world
        .registry
        .refusals()
        .iter()
        .map(|refusal| format!("{}: {}", refusal.plugin, told(&world, &refusal.plugin)))
        .collect();
    let offset = wasm_cut(&all);
    insta::assert_snapshot!(all.join("\n").replace(&offset, "offset N"), @r"
    a-empty.wasm: verify: expected a WebAssembly component, found an empty file; copy it again, whole: give it its name when it is written
    b-text.wasm: verify: expected a WebAssembly component, found text, of 13 bytes; build it with the plugin SDK, whose build makes a component
    c-archive.wasm: verify: expected a WebAssembly component, found an archive, of 6 bytes; unpack it
    d-program.wasm: verify: expected a WebAssembly component, found a program for Linux, of 8 bytes; build it with the plugin SDK, whose build makes a component
    e-bytes.wasm: verify: expected a WebAssembly component, found a file of 5 bytes that begins with feedface07; build it with the plugin SDK, whose build makes a component
    f-huge.wasm: verify: expected at most 67108864 bytes, found 209715200 bytes; strip its debug information
    g-compiled.cwasm: verify: expected a WebAssembly component, found compiled machine code; give the `.wasm` that it was made from: this host runs only what it compiled itself
    h-disguised.wasm: verify: expected a WebAssembly component, found compiled machine code; give the `.wasm` that it was made from: this host runs only what it compiled itself
    i-core.wasm: verify: expected a WebAssembly component, found a core module; build it with the plugin SDK, whose build makes a component
    j-elsewhere.wasm: verify: expected a WebAssembly component, found WebAssembly of another version; build it with the plugin SDK, whose build makes a component
    k-start.wasm: verify: expected a WebAssembly component, found a file that was cut, of 6 bytes; copy it again, whole: give it its name when it is written
    l-cut.wasm: compile: expected valid WebAssembly, found failed to parse WebAssembly module: unexpected end-of-file (at offset N); build it again; was the file copied whole?
    m-nothing.wasm: link: expected the export headgate:plugin/manifest@0.1 or @0.0.1, found no interface; build it for the world of this host's contract
    n-command.wasm: link: expected the export headgate:plugin/manifest@0.1 or @0.0.1, found wasi:cli/run@0.2.3; build it for the world of this host's contract
    o-newer.wasm: link: expected the export headgate:plugin/manifest@0.1 or @0.0.1, found headgate:plugin/manifest@0.2.0; build it with this host's version of the contract, or update the host
    p-newer-host.wasm: link: expected imports of headgate:host/*@0.1, found the import headgate:host/log@0.3.0; build it with this host's version of the contract, or update the host
    q-newer-wasi.wasm: link: expected imports of headgate:host/*@0.1, found the import wasi:cli/environment@0.3.0; of WASI this host links 0.2: build it with tools for that
    r-foreign.wasm: link: expected imports of headgate:host/*@0.1, found the import other:program/thing; it belongs to another program, or its world names more than the contract
    s-revealing.wasm: link: expected imports of headgate:host/*@0.1, found the import headgate:host/secrets-reveal@0.1.0; it asks for secrets in the clear, which this host does not grant: use the proofs of `secrets`
    u-again.wasm: activate: expected a kind of its own, found the kind `fixture`, which `t-good.wasm` serves; keep one of the two files, or give one manifest another kind
    v-shouting.wasm: describe: expected a kind of a-z, 0-9 and `-`, beginning with a letter, of at most 40 characters, found `LOUD`; correct `kind` in the plugin's manifest
    w-fickle.wasm: describe: expected a description of itself, found plugin `w-fickle.wasm` failed in `describe`: its answer breaks the contract: asked twice, it answers differently; its log lines above may say why; try it with the plugin's own tests
    x-form.wasm: describe: expected a connection form that is a JSON Schema (2020-12), found a part of it refers to itself, which could go on for ever; correct `connection` in the plugin's manifest
    ");
    assert_eq!(world.registry.list().len(), 1);
    assert!(world.driver("fixture").await.discover().await.unwrap().nodes.is_empty());
}

#[tokio::test]
async fn a_plugin_that_never_says_what_it_is_holds_nobody_up() {
    let files = [("a-endless.wasm", fixture::endless()), ("b-good.wasm", fixture::plain())];
    let world = World::of(&files).await;
    let said = told(&world, "a-endless.wasm");
    // By which of its limits depends on how busy the machine is.
    assert!(said.contains("of CPU time") || said.contains("it did not answer within"), "{said}");
    assert!(said.starts_with("describe: expected a description of itself, found"), "{said}");
    world.driver("fixture").await.discover().await.unwrap();
}
