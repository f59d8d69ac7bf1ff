//! HTTP: the router, the caller, pages, problems, the OpenAPI document, and the operations of `/api/v1`.

pub mod page;
pub mod problem;
pub mod v1;
