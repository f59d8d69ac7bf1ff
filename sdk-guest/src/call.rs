//! The call that is running, its clock and its randomness.

#[cfg(target_arch = "wasm32")]
use crate::bindings::headgate::host;

/// The host waits for an end: stop at the next safe point.
pub fn cancelled() -> bool {
    #[cfg(target_arch = "wasm32")]
    return host::call::cancelled();
    #[cfg(not(target_arch = "wasm32"))]
    return false;
}

/// Wall time left; every host call is cut at it. Natively there is always as much as a driver's call gets.
pub fn remaining_ms() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return host::call::remaining_ms();
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::CALL_DEADLINE_MS;
}

pub fn progress(done: u64, total: Option<u64>, note: Option<&str>) {
    #[cfg(target_arch = "wasm32")]
    host::call::progress(done, total, note);
    #[cfg(not(target_arch = "wasm32"))]
    let _: (u64, Option<u64>, Option<&str>) = (done, total, note);
}

/// From any fixed point; only differences mean something.
pub fn monotonic_ns() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return host::clock::monotonic_ns();
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::monotonic_ns();
}

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return host::clock::now_ms();
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::now_ms();
}

/// Unpredictable bytes.
pub fn random_bytes(count: u32) -> Vec<u8> {
    #[cfg(target_arch = "wasm32")]
    return host::random::bytes(count);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::random_bytes(count);
}
