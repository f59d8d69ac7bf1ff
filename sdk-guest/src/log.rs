//! Lines to the host's log. Natively they go to standard error.

pub use crate::bindings::headgate::host::log::Level;

/// Cheap: ask before building a long line.
pub fn enabled(level: Level) -> bool {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::headgate::host::log::enabled(level);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::log_enabled(level);
}

pub fn emit(level: Level, message: &str, fields: &[(&str, &str)]) {
    if !enabled(level) {
        return;
    }
    #[cfg(target_arch = "wasm32")]
    {
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        crate::bindings::headgate::host::log::emit(level, message, &fields);
    }
    #[cfg(not(target_arch = "wasm32"))]
    crate::native::log_emit(level, message, fields);
}

pub fn debug(message: &str, fields: &[(&str, &str)]) {
    emit(Level::Debug, message, fields);
}

pub fn info(message: &str, fields: &[(&str, &str)]) {
    emit(Level::Info, message, fields);
}

pub fn warn(message: &str, fields: &[(&str, &str)]) {
    emit(Level::Warn, message, fields);
}

pub fn error(message: &str, fields: &[(&str, &str)]) {
    emit(Level::Error, message, fields);
}
