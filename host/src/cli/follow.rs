//! Watches a plan being applied until it has ended.

use std::time::Duration;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::plan_text::{state_word, subject};
use super::session::Session;
use crate::api::v1::plans::PlanView;
use crate::domain::plan::{PlanState, Step, StepState};

/// Between two looks: short for the many small plans, longer for the long ones.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(1);

pub(crate) fn follow(
    client: &Client,
    mut plan: PlanView,
    interrupt: &Interrupt,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let mut wait = LOOK_FIRST;
    let mut told = String::new();
    loop {
        if let Some(exit) = ended(&plan, session)? {
            return Ok(exit);
        }
        let news = progress(&plan);
        if news != told {
            session.terminal.progress(&news)?;
            told = news;
        }
        if interrupt.within(wait) {
            let id = &plan.plan.id;
            session.terminal.note(format_args!(
                "Plan {id} goes on in the host. Look: headgate plan show {id}. Follow again: headgate apply {id}"
            ))?;
            return Ok(Exit::Failed);
        }
        wait = (wait * 3 / 2).min(LOOK_LAST);
        plan = look(client, &plan)?;
    }
}

fn look(client: &Client, plan: &PlanView) -> Result<PlanView, Failure> {
    let id = &plan.plan.id;
    client.get(&format!("/plans/{id}"), &[]).map_err(|failure| match failure {
        Failure::Unreachable { url, reason, .. } => {
            let advice =
                format!("the plan goes on when the host is back; `headgate apply {id}` follows it again");
            Failure::Unreachable { url, reason, advice }
        }
        other => other,
    })
}

fn progress(plan: &PlanView) -> String {
    let count = |state: StepState| plan.plan.steps.iter().filter(|step| step.state == state).count();
    let mut line = format!(
        "{}: {}, {} of {} steps done",
        plan.cluster_name,
        state_word(plan.plan.state),
        count(StepState::Done),
        plan.plan.steps.len()
    );
    for (state, word) in [
        (StepState::Running, "running"),
        (StepState::Unknown, "unknown"),
        (StepState::Failed, "failed"),
        (StepState::Skipped, "skipped"),
    ] {
        match count(state) {
            0 => {}
            some => line += &format!(", {some} {word}"),
        }
    }
    line
}

fn ended(plan: &PlanView, session: &mut Session<'_>) -> Result<Option<Exit>, Failure> {
    let id = &plan.plan.id;
    let terminal = &mut *session.terminal;
    let because = plan.plan.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let exit = match plan.plan.state {
        PlanState::Proposed | PlanState::Approved | PlanState::Applying => return Ok(None),
        PlanState::Applied => {
            terminal.end_progress()?;
            terminal.line(format_args!(
                "Applied plan {id} on {}: {} steps done.",
                plan.cluster_name,
                plan.plan.steps.len()
            ))?;
            Exit::Done
        }
        PlanState::Failed => {
            terminal.note(format_args!("Plan {id} on {} failed{because}", plan.cluster_name))?;
            for step in plan.plan.steps.iter().filter(|step| is_trouble(step)) {
                let message = step.message.as_deref().unwrap_or("no reason was given");
                let word = if step.state == StepState::Unknown { "unknown" } else { "failed" };
                terminal.note(format_args!(
                    "  {word}: {}, {}: {message}",
                    subject(&step.key),
                    step.summary
                ))?;
            }
            terminal.note(format_args!("  {}", progress(plan)))?;
            Exit::Failed
        }
        PlanState::Cancelled => {
            terminal.note(format_args!("Plan {id} on {} was cancelled{because}", plan.cluster_name))?;
            Exit::Refused
        }
        PlanState::Stale => {
            terminal.note(format_args!(
                "Plan {id} on {} is stale{because}. Nothing was written; plan again.",
                plan.cluster_name
            ))?;
            Exit::Refused
        }
    };
    Ok(Some(exit))
}

fn is_trouble(step: &Step) -> bool {
    matches!(step.state, StepState::Failed | StepState::Unknown)
}
