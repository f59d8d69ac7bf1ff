//! The interface of HTTP, in a world of its own over the same errors and secrets: who sends no request must not import it.

wit_bindgen::generate!({
    inline: "
        package headgate:sdk;
        world with-http { import headgate:host/http@0.1.0; }
    ",
    path: "../wit",
    world: "headgate:sdk/with-http",
    generate_all,
    with: {
        "headgate:host/errors@0.1.0": crate::bindings::headgate::host::errors,
        "headgate:host/secrets@0.1.0": crate::bindings::headgate::host::secrets,
    },
});
