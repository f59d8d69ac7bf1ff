//! headgate-plugin-build
