//! A small key-value space per plugin and cluster. Natively it lives as long as the thread.

use crate::Result;

pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::headgate::host::state::get(key);
    #[cfg(not(target_arch = "wasm32"))]
    return Ok(crate::native::state_get(key));
}

pub fn set(key: &str, value: &[u8]) -> Result<()> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::headgate::host::state::set(key, value);
    #[cfg(not(target_arch = "wasm32"))]
    {
        crate::native::state_set(key, Some(value));
        Ok(())
    }
}

pub fn delete(key: &str) -> Result<()> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::headgate::host::state::delete(key);
    #[cfg(not(target_arch = "wasm32"))]
    {
        crate::native::state_set(key, None);
        Ok(())
    }
}
