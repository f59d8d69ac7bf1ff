//! Plans and their steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::columns::{Columns, json, json_maybe, word};
use super::resources::read_key;
use super::statement::{ROWS_MAX, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::id::{ClusterId, OrganizationId, PlanId};
use crate::domain::plan::{Plan, PlanState, Step};
use crate::domain::resource::Write;

const SELECT: &str = "
    select id, cluster_id, state, reason, created_by, created_at_ms, updated_at_ms, wishes, standing, base, blocked,
        warnings, unchanged, exceeded, allow_destructive, deletes_max, message, approved_by, approved_request_id, version
    from plans";

/// A list of plans leaves out what only one plan at a time is asked for.
const SELECT_BRIEF: &str = "
    select id, cluster_id, state, reason, created_by, created_at_ms, updated_at_ms, '[]', '[]', '[]', blocked,
        warnings, unchanged, exceeded, allow_destructive, deletes_max, message, approved_by, approved_request_id, version
    from plans";

/// What never changes of a step and is not a column of its own.
#[derive(Serialize, Deserialize)]
struct Document {
    write: Option<Write>,
    before: Option<Value>,
    after: Option<Value>,
    undo: Option<Write>,
    restart: Vec<String>,
    depends_on: Vec<u32>,
}

impl Store {
    pub async fn find_plan(&self, id: &PlanId) -> Result<Option<Plan>, StoreError> {
        let mut connection = self.reader().await?;
        let mut select = Statement::new(SELECT);
        select.push(" where id = ").bind(id.as_str());
        let mut plans = plans(&mut connection, select).await?;
        read_steps(&mut connection, &mut plans, false).await?;
        Ok(plans.pop())
    }

    /// Newest first, those made before `after`. Brief: without wishes and base, steps without their documents
    /// (`write`, `before`, `after`, `undo`, `restart`, `depends_on`).
    pub async fn list_plans(
        &self,
        organization: &OrganizationId,
        cluster: Option<&ClusterId>,
        states: &[PlanState],
        after: Option<&PlanId>,
        limit: u32,
    ) -> Result<Vec<Plan>, StoreError> {
        let mut select = Statement::new(SELECT_BRIEF);
        select.push(" where organization_id = ").bind(organization.as_str());
        if let Some(cluster) = cluster {
            select.push(" and cluster_id = ").bind(cluster.as_str());
        }
        select.among("state", states)?;
        if let Some(after) = after {
            select.push(" and id < ").bind(after.as_str());
        }
        select.push(" order by id desc limit ").bind(i64::from(limit));
        let mut connection = self.reader().await?;
        let mut plans = plans(&mut connection, select).await?;
        read_steps(&mut connection, &mut plans, true).await?;
        Ok(plans)
    }

    /// Who wants the plan to end early, while it is being applied.
    pub async fn cancelled_by(&self, id: &PlanId) -> Result<Option<String>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query("select cancelled_by from plans where id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        row.map_or(Ok(None), |row| Columns::of(&row, "plans").text_maybe())
    }

    /// Those to be carried out, oldest first: approved or applying. Whole.
    pub async fn open_plans(&self, cluster: &ClusterId) -> Result<Vec<Plan>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where cluster_id = ").bind(cluster.as_str());
        select.among("state", &[PlanState::Approved, PlanState::Applying])?;
        select.push(" order by id");
        let mut connection = self.reader().await?;
        let mut plans = plans(&mut connection, select).await?;
        read_steps(&mut connection, &mut plans, false).await?;
        Ok(plans)
    }
}

impl Tx {
    /// With its steps.
    pub async fn insert_plan(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let organization = self.organization_of(&plan.cluster).await?;
        let mut insert = Statement::new(
            "insert into plans (id, organization_id, cluster_id, state, reason, created_by, created_at_ms,
                updated_at_ms, wishes, standing, base, blocked, warnings, unchanged, exceeded, allow_destructive,
                deletes_max, message, approved_by, approved_request_id, version)
            values ",
        );
        insert.rows(&[plan], |row, plan| {
            row.bind(plan.id.as_str())
                .bind(organization.as_str())
                .bind(plan.cluster.as_str())
                .bind(word("state", &plan.state)?)
                .bind(json("reason", &plan.reason)?)
                .bind(plan.created_by.as_str())
                .bind(plan.created_at_ms)
                .bind(plan.updated_at_ms)
                .bind(json("wishes", &plan.wishes)?)
                .bind(json("standing", &plan.standing)?)
                .bind(json("base", &plan.base)?)
                .bind(json("blocked", &plan.blocked)?)
                .bind(json("warnings", &plan.warnings)?)
                .bind(i64::from(plan.unchanged))
                .bind(json("exceeded", &plan.exceeded)?)
                .bind(i64::from(plan.allow_destructive))
                .bind(plan.deletes_max.map(i64::from))
                .bind(plan.message.clone())
                .bind(plan.approved_by.clone())
                .bind(plan.approved_request_id.clone())
                .bind(plan.version);
            Ok(())
        })?;
        insert.execute(self.connection()).await?;
        for steps in plan.steps.chunks(ROWS_MAX) {
            insert_steps(&plan.id, organization.as_str(), steps)?.execute(self.connection()).await?;
        }
        Ok(())
    }

    /// What changes of a plan but its steps. Guarded by the version, which grows; `false`: it changed meanwhile.
    pub async fn save_plan(&mut self, plan: &mut Plan) -> Result<bool, StoreError> {
        let mut update = Statement::new("update plans set state = ");
        update.bind(word("state", &plan.state)?);
        update.push(", updated_at_ms = ").bind(plan.updated_at_ms);
        update.push(", blocked = ").bind(json("blocked", &plan.blocked)?);
        update.push(", warnings = ").bind(json("warnings", &plan.warnings)?);
        update.push(", exceeded = ").bind(json("exceeded", &plan.exceeded)?);
        update.push(", allow_destructive = ").bind(i64::from(plan.allow_destructive));
        update.push(", deletes_max = ").bind(plan.deletes_max.map(i64::from));
        update.push(", message = ").bind(plan.message.clone());
        update.push(", approved_by = ").bind(plan.approved_by.clone());
        update.push(", approved_request_id = ").bind(plan.approved_request_id.clone());
        update.push(", version = version + 1 where id = ").bind(plan.id.as_str());
        update.push(" and version = ").bind(plan.version);
        let saved = update.execute(self.connection()).await? == 1;
        if saved {
            plan.version += 1;
        }
        Ok(saved)
    }

    /// Has a plan that is being applied end early. Leaves its version alone: whoever applies it saves it under that.
    /// `false`: it is not being applied any more, or somebody cancelled it before.
    pub async fn cancel_applying(&mut self, id: &PlanId, actor: &str) -> Result<bool, StoreError> {
        let mut update = Statement::new("update plans set cancelled_by = ");
        update.bind(actor);
        update.push(" where id = ").bind(id.as_str());
        update.push(" and cancelled_by is null and state = ").bind(word("state", &PlanState::Applying)?);
        Ok(update.execute(self.connection()).await? == 1)
    }

    /// What execution changes of them: state, attempt, outcome, message, times.
    pub async fn save_steps(&mut self, plan: &PlanId, steps: &[Step]) -> Result<(), StoreError> {
        for steps in steps.chunks(ROWS_MAX) {
            let mut update = Statement::new(
                "with given (k_seq, n_state, n_attempt, n_outcome, n_message, n_started_at_ms, n_ended_at_ms)
                as (values ",
            );
            update.rows(steps, |row, step| {
                row.bind(i64::from(step.seq))
                    .bind(word("state", &step.state)?)
                    .bind(i64::from(step.attempt))
                    .bind(json_maybe("outcome", step.outcome.as_ref())?)
                    .bind(step.message.clone())
                    .bind(step.started_at_ms)
                    .bind(step.ended_at_ms);
                Ok(())
            })?;
            update.push(
                ")
                update steps
                set state = n_state, attempt = n_attempt, outcome = n_outcome, message = n_message,
                    started_at_ms = n_started_at_ms, ended_at_ms = n_ended_at_ms
                from given
                where seq = k_seq and plan_id = ",
            );
            update.bind(plan.as_str());
            update.execute(self.connection()).await?;
        }
        Ok(())
    }
}

fn insert_steps(plan: &PlanId, organization: &str, steps: &[Step]) -> Result<Statement, StoreError> {
    let mut insert = Statement::new(
        "insert into steps (plan_id, seq, organization_id, type, id, place, verb, summary, destructive, document, state,
            attempt, outcome, message, started_at_ms, ended_at_ms)
        values ",
    );
    insert.rows(steps, |row, step| {
        let document = Document {
            write: step.write.clone(),
            before: step.before.clone(),
            after: step.after.clone(),
            undo: step.undo.clone(),
            restart: step.restart.clone(),
            depends_on: step.depends_on.clone(),
        };
        row.bind(plan.as_str())
            .bind(i64::from(step.seq))
            .bind(organization)
            .bind(step.key.metadata_type.as_str())
            .bind(step.key.id.as_str())
            .bind(step.key.place.to_string())
            .bind(word("verb", &step.verb)?)
            .bind(step.summary.as_str())
            .bind(i64::from(step.destructive))
            .bind(json("step", &document)?)
            .bind(word("state", &step.state)?)
            .bind(i64::from(step.attempt))
            .bind(json_maybe("outcome", step.outcome.as_ref())?)
            .bind(step.message.clone())
            .bind(step.started_at_ms)
            .bind(step.ended_at_ms);
        Ok(())
    })?;
    Ok(insert)
}

async fn plans(connection: &mut AnyConnection, select: Statement) -> Result<Vec<Plan>, StoreError> {
    select.fetch_all(connection).await?.iter().map(read_plan).collect()
}

async fn read_steps(
    connection: &mut AnyConnection,
    plans: &mut [Plan],
    brief: bool,
) -> Result<(), StoreError> {
    for plans in plans.chunks_mut(ROWS_MAX) {
        let mut by_id: BTreeMap<String, &mut Plan> =
            plans.iter_mut().map(|plan| (plan.id.to_string(), plan)).collect();
        let mut select = Statement::new("select plan_id, ");
        select.push(if brief { r#"'{"restart":[],"depends_on":[]}'"# } else { "document" });
        select.push(
            ", seq, type, id, place, verb, summary, destructive, state, attempt, outcome, message, started_at_ms,
                ended_at_ms
            from steps
            where plan_id in (",
        );
        select.list(by_id.keys().map(String::as_str)).push(") order by plan_id, seq");
        for row in &select.fetch_all(connection).await? {
            let mut columns = Columns::of(row, "steps");
            if let Some(plan) = by_id.get_mut(&columns.text()?) {
                plan.steps.push(read_step(columns)?);
            }
        }
    }
    Ok(())
}

fn read_step(mut columns: Columns<'_>) -> Result<Step, StoreError> {
    let document: Document = columns.json()?;
    Ok(Step {
        seq: columns.number()?,
        key: read_key(&mut columns)?,
        verb: columns.word()?,
        summary: columns.text()?,
        destructive: columns.flag()?,
        state: columns.word()?,
        attempt: columns.number()?,
        outcome: columns.json_maybe()?,
        message: columns.text_maybe()?,
        started_at_ms: columns.int_maybe()?,
        ended_at_ms: columns.int_maybe()?,
        write: document.write,
        before: document.before,
        after: document.after,
        undo: document.undo,
        restart: document.restart,
        depends_on: document.depends_on,
    })
}

/// Without its steps.
fn read_plan(row: &AnyRow) -> Result<Plan, StoreError> {
    let mut columns = Columns::of(row, "plans");
    Ok(Plan {
        id: PlanId(columns.text()?),
        cluster: ClusterId(columns.text()?),
        state: columns.word()?,
        reason: columns.json()?,
        created_by: columns.text()?,
        created_at_ms: columns.int()?,
        updated_at_ms: columns.int()?,
        wishes: columns.json()?,
        standing: columns.json()?,
        base: columns.json()?,
        steps: Vec::new(),
        blocked: columns.json()?,
        warnings: columns.json()?,
        unchanged: columns.number()?,
        exceeded: columns.json()?,
        allow_destructive: columns.flag()?,
        deletes_max: columns.int_maybe()?.map(u32::try_from).transpose().map_err(|_out_of_range| {
            StoreError::Row { table: "plans", problem: "deletes_max is out of range".to_owned() }
        })?,
        message: columns.text_maybe()?,
        approved_by: columns.text_maybe()?,
        approved_request_id: columns.text_maybe()?,
        version: columns.int()?,
    })
}
