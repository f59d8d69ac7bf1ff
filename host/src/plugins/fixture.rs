//! Small guests for the tests of this module.

pub(super) fn plain() -> Vec<u8> {
    Vec::new()
}
