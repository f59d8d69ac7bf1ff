//! The interface of operations, in a world of its own over the same types: a component of `driver` alone must not export it.

wit_bindgen::generate!({
    inline: "
        package headgate:sdk;
        world with-operations { export headgate:plugin/operations@0.1.0; }
    ",
    path: "../wit",
    world: "headgate:sdk/with-operations",
    pub_export_macro: true,
    export_macro_name: "export_operations",
    default_bindings_module: "headgate_sdk::bindings::operations",
    additional_derives: [PartialEq, Clone],
    with: {
        "headgate:host/errors@0.1.0": crate::bindings::headgate::host::errors,
        "headgate:plugin/types@0.1.0": crate::bindings::headgate::plugin::types,
    },
});
