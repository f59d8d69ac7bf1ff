//! headgate-sdk
