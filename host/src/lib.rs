//! Headgate's host: the control plane for messaging and data infrastructure.

pub mod api;
pub mod app;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conformance;
pub mod domain;
pub mod kit;
pub mod memory;
pub mod pipelines;
pub mod plugins;
pub mod reconcile;
pub mod store;
pub mod telemetry;
