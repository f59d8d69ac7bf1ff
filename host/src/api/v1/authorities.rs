//! Authorities of clusters, before they are set.

pub(crate) mod preview;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::plans::PlanView;
use crate::app::AuthorityPreview;
use crate::domain::policy::Authority;

/// Steps and blocked entries of each plan that are shown; its counts say how many there are.
const SHOWN_MAX: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewAuthority {
    pub authority: Authority,
}

/// What an authority would mean for what is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorityPreviewView {
    /// The cluster's name.
    pub cluster: String,
    /// As it is now.
    pub current: Authority,
    pub authority: Authority,
    /// `adopt`: what would be taken over, a plan for each type. `manage`: what would be changed, so that it is as it was wished
    /// for. Not stored, and without what it is based on; of each, the first 100 steps.
    pub plans: Vec<PlanView>,
    /// What nobody wishes for, by type: `manage` and `observe` leave it as it is.
    pub unmanaged: BTreeMap<String, u64>,
}

impl From<AuthorityPreview> for AuthorityPreviewView {
    fn from(preview: AuthorityPreview) -> Self {
        let AuthorityPreview { cluster, authority, plans, unmanaged } = preview;
        let shorten = |named| {
            let mut view = PlanView::from(named);
            view.plan.steps.truncate(SHOWN_MAX);
            view.plan.blocked.truncate(SHOWN_MAX);
            view.plan.warnings.truncate(SHOWN_MAX);
            view.plan.wishes.clear();
            view.plan.base.clear();
            view
        };
        let plans = plans.into_iter().map(shorten).collect();
        Self { cluster: cluster.name, current: cluster.authority, authority, plans, unmanaged }
    }
}
