//! From proposed plans to applied ones: shown, asked about, approved, followed.

use clap::Args;
use serde_json::to_value;

use super::client::{Client, encode};
use super::failure::{Exit, Failure};
use super::follow::follow;
use super::interrupt::Interrupt;
use super::plan_text;
use super::session::Session;
use crate::api::v1::clusters::ClusterView;
use crate::api::v1::plans::{ApprovePlan, PlanView, ProposePlan};
use crate::domain::plan::PlanState;

/// How far a person goes without being asked.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Approval {
    /// Apply without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Let steps through that lose data, such as deletes; --yes is not that
    #[arg(long)]
    pub(crate) allow_destructive: bool,
    /// Raise the limit of deletes, for this plan only
    #[arg(long, value_name = "N")]
    pub(crate) max_deletes: Option<u32>,
}

pub(crate) fn propose(client: &Client, body: &ProposePlan) -> Result<PlanView, Failure> {
    client.post("/plans", &to_value(body).map_err(|error| Failure::Failed(error.to_string()))?)
}

/// Prints the plan below the name of its cluster.
pub(crate) fn show(client: &Client, plan: &PlanView, session: &mut Session<'_>) -> Result<(), Failure> {
    let cluster: ClusterView = client.get(&format!("/clusters/{}", encode(&plan.cluster_name)), &[])?;
    session.terminal.line(plan_text::heading(&cluster))?;
    session.terminal.line("")?;
    Ok(session.terminal.line(plan_text::text(plan))?)
}

pub(crate) fn is_something(plan: &PlanView) -> bool {
    does_something(plan) || !plan.plan.blocked.is_empty()
}

/// Sends, or records a wish.
fn does_something(plan: &PlanView) -> bool {
    !plan.plan.steps.is_empty() || !plan.plan.standing.is_empty()
}

/// Shows the plans, asks, and applies them one after another. Without a person and `--yes` they stay proposed.
pub(crate) fn carry_out(
    client: &Client,
    plans: Vec<PlanView>,
    approval: Approval,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    for (index, plan) in plans.iter().enumerate() {
        if index > 0 {
            session.terminal.line("")?;
        }
        show(client, plan, session)?;
    }
    session.terminal.flush()?;
    let (plans, idle): (Vec<_>, Vec<_>) = plans.into_iter().partition(does_something);
    let blocked = idle.iter().any(is_something);
    if plans.is_empty() {
        return Ok(if blocked { Exit::Refused } else { Exit::Done });
    }
    for plan in &plans {
        refuse(plan, approval)?;
    }
    if !approval.yes {
        if !session.terminal.asks() {
            session.terminal.note("Nothing is changed yet: give --yes, or apply the plan by its name.")?;
            return Ok(Exit::SomethingToDo);
        }
        let question = if plans.len() == 1 { "Apply this plan?" } else { "Apply these plans?" };
        if !session.terminal.confirm(question)? {
            session
                .terminal
                .note("Nothing is changed. The plan stays until it is applied, cancelled or stale.")?;
            return Ok(Exit::SomethingToDo);
        }
    }
    let interrupt = Interrupt::watch()?;
    let mut worst = if blocked { Exit::Refused } else { Exit::Done };
    for plan in plans {
        let exit = approve_and_follow(client, plan, approval, &interrupt, session)?;
        if worst != Exit::Failed && exit != Exit::Done {
            worst = exit;
        }
    }
    Ok(worst)
}

/// Also of a plan that is under way or applied already: then it is only followed.
pub(crate) fn approve_and_follow(
    client: &Client,
    plan: PlanView,
    approval: Approval,
    interrupt: &Interrupt,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let plan = match plan.plan.state {
        PlanState::Proposed => approve(client, &plan, approval)?,
        PlanState::Approved
        | PlanState::Applying
        | PlanState::Applied
        | PlanState::Failed
        | PlanState::Cancelled
        | PlanState::Stale => plan,
    };
    follow(client, plan, interrupt, session)
}

pub(crate) fn approve(client: &Client, plan: &PlanView, approval: Approval) -> Result<PlanView, Failure> {
    refuse(plan, approval)?;
    let body =
        ApprovePlan { allow_destructive: approval.allow_destructive, max_deletes: approval.max_deletes };
    let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
    client.post(&format!("/plans/{}/approve", plan.plan.id), &body)
}

/// What the host would refuse too, said before anybody is asked.
fn refuse(plan: &PlanView, approval: Approval) -> Result<(), Failure> {
    let id = &plan.plan.id;
    let raised = approval.max_deletes.is_some();
    if let Some(exceeded) =
        plan.plan.exceeded.iter().find(|exceeded| !(raised && exceeded.limit.starts_with("deletes")))
    {
        let hint =
            if exceeded.limit.starts_with("deletes") { "; raise it once with --max-deletes N" } else { "" };
        return Err(Failure::Refused(format!(
            "plan {id} exceeds {}: {}{hint}",
            exceeded.limit, exceeded.message
        )));
    }
    let destructive = plan.plan.steps.iter().filter(|step| step.destructive).count();
    if destructive > 0 && !approval.allow_destructive {
        let steps =
            if destructive == 1 { "1 step is".to_owned() } else { format!("{destructive} steps are") };
        return Err(Failure::Refused(format!(
            "plan {id}: {steps} destructive; read the plan, then give --allow-destructive: \
             headgate apply {id} --allow-destructive"
        )));
    }
    Ok(())
}
