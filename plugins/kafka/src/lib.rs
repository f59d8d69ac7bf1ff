//! headgate-kafka
