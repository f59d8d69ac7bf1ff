//! headgate-tests
