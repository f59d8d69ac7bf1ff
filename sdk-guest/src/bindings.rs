//! The contract as wit-bindgen gives it. The rest of the crate wraps it; nothing is written by hand here.
#![expect(clippy::mem_forget, reason = "the generated lowering hands memory over")]

wit_bindgen::generate!({
    path: "../wit",
    world: "headgate:plugin/driver",
    pub_export_macro: true,
    export_macro_name: "export_driver",
    default_bindings_module: "headgate_sdk::bindings",
    additional_derives: [PartialEq, Clone],
    additional_derives_ignore: ["piece"],
    generate_all,
});

pub mod http;
pub mod operations;
