//! What a plugin implements, one trait a concern. The first three decide and never talk; the others talk.

use crate::json::Value;
use crate::{
    Change, Check, Cluster, Description, Forecast, Issue, Lookup, MetadataType, Operation, Outcome, Page,
    Progress, Query, ResourceKey, Result, Step, Subject, Target, Write,
};

pub trait Manifest {
    /// Called with no grant at all; the same answer every time.
    fn describe() -> Description;
}

pub trait MetadataTypes {
    /// Facts of a cluster where there is one: its version may know more keys.
    fn list_types(facts: Option<&Value>) -> Vec<MetadataType>;
}

pub trait ConfigStrategy {
    /// The one way to write the same wish. Drops no leaf; done twice, it changes nothing.
    fn normalize(metadata_type: &str, spec: Value, facts: &Value) -> Result<Value, Vec<Issue>>;
    /// What is wrong with a wish.
    fn validate(metadata_type: &str, spec: &Value, facts: &Value) -> Vec<Issue>;
    /// For each change the writes that lead from `before` to `after`, in order; an error refuses and says why.
    fn steps(changes: &[Change], facts: &Value) -> Vec<Result<Vec<Step>>>;
}

/// One instance is bound to one cluster and is asked one thing at a time.
pub trait StorageDriver: Sized + 'static {
    fn open(target: &Target) -> Result<Self>;
    /// Cheap enough for every few seconds.
    fn probe(&mut self) -> Result<Vec<Check>>;
    fn discover(&mut self) -> Result<Cluster>;
    fn list_resources(&mut self, query: &Query) -> Result<Page>;
    /// With everything that can be read of each; an answer for each, in order.
    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>>;
    /// An outcome for each, in order. An error instead means that nothing was sent.
    fn write_resources(&mut self, writes: &[Write], dry_run: bool) -> Result<Vec<Outcome>>;
    /// Best effort: the host may drop an instance without it.
    fn close(self) {}
}

/// Named actions that are no edit of a resource, asked of the opened driver.
pub trait Operations: StorageDriver {
    /// Facts of a cluster where there is one. Decides; never talks.
    fn list_operations(facts: Option<&Value>) -> Vec<Operation>;
    /// What a run would do. Reads, never writes.
    fn preview(&mut self, name: &str, subject: &Subject, input: &Value) -> Result<Forecast>;
    /// The id is the same for the same run. An error means that nothing was done.
    fn run(&mut self, name: &str, subject: &Subject, input: &Value, operation_id: &str) -> Result<Progress>;
    /// With the handle that a run gave, or a write that was started; also in another instance.
    fn poll(&mut self, handle: &str) -> Result<Progress>;
    /// Ends it early where it can be. What was done stays done; `poll` tells the end.
    fn cancel(&mut self, handle: &str) -> Result<()>;
}
