//! Version 1 of the API: one folder a noun, one file an operation.

pub mod authorities;
pub(crate) mod cluster_types;
pub mod clusters;
pub mod divergence;
pub mod drift;
pub mod events;
pub(crate) mod kind_types;
pub mod kinds;
pub mod log_levels;
pub mod nodes;
pub(crate) mod operation_types;
pub mod operations;
pub mod plans;
pub(crate) mod plugin_incidents;
pub mod plugins;
pub(crate) mod policies;
pub mod records;
pub mod relations;
pub mod removals;
pub mod resources;
pub mod tokens;

use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::guard::deadline;
use super::idempotency::{Flights, replay};
use super::problem::Problem;
use super::{ApiState, PLANNING_DEADLINE, REQUEST_DEADLINE, SYNC_DEADLINE};
use crate::app::SharedApp;

/// Every operation, without what lies around it: for the document.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    reading().merge(changing()).merge(registering()).merge(planning()).merge(syncing())
}

/// Every operation, each within its deadline; those that make something remember their answers.
pub(crate) fn router(state: &ApiState) -> Router<ApiState> {
    let kept = from_fn_with_state((SharedApp::from_ref(state), Flights::default()), replay);
    let within = |routes: OpenApiRouter<ApiState>, limit: Duration| -> Router<ApiState> {
        routes.route_layer(from_fn_with_state(limit, deadline)).into()
    };
    within(reading(), REQUEST_DEADLINE)
        .merge(within(changing(), REQUEST_DEADLINE))
        .merge(within(registering().route_layer(kept.clone()), REQUEST_DEADLINE))
        .merge(within(planning().route_layer(kept), PLANNING_DEADLINE))
        .merge(within(syncing(), SYNC_DEADLINE))
}

fn reading() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(kinds::list::list_kinds))
        .routes(routes!(kinds::show::show_kind))
        .routes(routes!(kind_types::list::list_kind_types))
        .routes(routes!(plugins::list::list_plugins))
        .routes(routes!(plugins::show::show_plugin))
        .routes(routes!(plugin_incidents::list::list_plugin_incidents))
        .routes(routes!(clusters::list::list_clusters))
        .routes(routes!(clusters::show::show_cluster))
        .routes(routes!(nodes::list::list_nodes))
        .routes(routes!(removals::show::show_removal))
        .routes(routes!(cluster_types::list::list_cluster_types))
        .routes(routes!(relations::list::list_relations))
        .routes(routes!(resources::list::list_resources))
        .routes(routes!(resources::show::show_resource))
        .routes(routes!(divergence::list::list_divergence))
        .routes(routes!(drift::list::list_drift))
        .routes(routes!(plans::list::list_plans))
        .routes(routes!(plans::show::show_plan))
        .routes(routes!(operation_types::list::list_operation_types))
        .routes(routes!(operations::list::list_operations))
        .routes(routes!(operations::show::show_operation))
        .routes(routes!(policies::list::list_policies))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::stream::stream_events))
        .routes(routes!(records::list::list_records))
        .routes(routes!(log_levels::list::list_log_levels))
        .routes(routes!(tokens::list::list_tokens))
}

fn changing() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(clusters::change::change_cluster))
        .routes(routes!(clusters::pause::pause_cluster))
        .routes(routes!(clusters::resume::resume_cluster))
        .routes(routes!(clusters::rebind::rebind_cluster))
        .routes(routes!(clusters::remove::remove_cluster))
        .routes(routes!(nodes::add::add_node))
        .routes(routes!(nodes::remove::remove_node))
        .routes(routes!(relations::add::add_relation))
        .routes(routes!(relations::remove::remove_relation))
        .routes(routes!(resources::release::release_resource))
        .routes(routes!(drift::accept::accept_drift))
        .routes(routes!(drift::ignore::ignore_drift))
        .routes(routes!(plans::approve::approve_plan))
        .routes(routes!(plans::cancel::cancel_plan))
        .routes(routes!(operations::cancel::cancel_operation))
        .routes(routes!(plugins::disable::disable_plugin))
        .routes(routes!(plugins::enable::enable_plugin))
        .routes(routes!(plugins::grant::grant_plugin))
        .routes(routes!(policies::save::save_policy))
        .routes(routes!(log_levels::change::change_log_level))
        .routes(routes!(tokens::create::create_token))
        .routes(routes!(tokens::remove::remove_token))
}

fn registering() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(clusters::register::register_cluster))
        .routes(routes!(operations::run::run_operation))
        .routes(routes!(operations::undo::undo_operation))
}

fn planning() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(plans::propose::propose_plan))
        .routes(routes!(plans::undo::undo_plan))
        .routes(routes!(divergence::repair::repair_divergence))
        .routes(routes!(operations::preview::preview_operation))
        .routes(routes!(drift::revert::revert_drift))
}

fn syncing() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(clusters::sync::sync_cluster))
        .routes(routes!(authorities::preview::preview_authority))
        // A version whose machine code is gone is compiled again.
        .routes(routes!(plugins::rollback::rollback_plugin))
}

/// Words of an enumeration, with commas between.
pub(crate) fn choices<T: DeserializeOwned>(name: &str, text: Option<&str>) -> Result<Vec<T>, Box<Problem>> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            serde_json::from_value(Value::String(word.to_owned())).map_err(|error| {
                Box::new(Problem::new(StatusCode::BAD_REQUEST, "invalid-query", format!("`{name}`: {error}")))
            })
        })
        .collect()
}
