//! The contract 0.1 as wasmtime's types. `convert` adapts them to the domain; beside it only `imports` names them.

use super::imports::HostError;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "headgate:plugin/driver-full",
    imports: {
        "headgate:host/net": async | trappable,
        "headgate:host/http": async | trappable,
        "headgate:host/state": async | trappable,
        "headgate:host/secrets": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    trappable_error_type: { "headgate:host/errors.error" => HostError },
    with: {
        "headgate:host/net.connection": crate::plugins::imports::net::Connection,
        "headgate:host/secrets.secret": crate::plugins::imports::secrets::Secret,
    },
});
