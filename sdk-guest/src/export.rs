//! Puts a plugin's traits behind the component's exports: JSON texts become values, the driver is kept between calls,
//! and a panic's message reaches the host's log before the trap.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use crate::bindings::exports::headgate::plugin::{config_strategy, manifest, metadata_types, storage_driver};
use crate::json::{self, Value};
use crate::{
    Change, Check, Cluster, ConfigStrategy, Description, Error, Issue, Lookup, Manifest, MetadataType,
    MetadataTypes, Outcome, Page, Query, ResourceKey, Result, Severity, Step, StorageDriver, Target, Write,
    log,
};

mod operations;

/// Makes the named type the component, with `operations` where it has them. A plugin crate calls it once.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the canonical ABI is exported functions over raw memory")]
        const _: () = {
            type Component = $crate::Exported<$plugin>;
    $crate::bindings::export_driver!(Component with_types_in $crate::bindings);
        };
    };
    ($plugin:ty, operations) => {
        $crate::export!($plugin);
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the canonical ABI is exported functions over raw memory")]
        const _: () = {
            type Component = $crate::Exported<$plugin>;
    $crate::bindings::operations::export_operations!(Component with_types_in $crate::bindings::operations);
        };
    };
}

/// A plugin as the component's exports call it.
pub struct Exported<P>(PhantomData<P>);

thread_local! {
    /// The opened driver and the target that it is bound to.
    static DRIVER: RefCell<Option<(Target, Box<dyn Any>)>> = const { RefCell::new(None) };
}

impl<P: Manifest> manifest::Guest for Exported<P> {
    fn describe() -> Description {
        report_panics();
        P::describe()
    }
}

impl<P: MetadataTypes> metadata_types::Guest for Exported<P> {
    fn list_types(facts: Option<String>) -> Vec<MetadataType> {
        report_panics();
        P::list_types(facts.as_deref().map(parse_facts).as_ref())
    }
}

impl<P: ConfigStrategy> config_strategy::Guest for Exported<P> {
    fn normalize(
        metadata_type: String,
        specs: Vec<String>,
        facts: String,
    ) -> Vec<Result<String, Vec<Issue>>> {
        report_panics();
        let facts = parse_facts(&facts);
        let normalize = |spec: String| {
            let spec = parse_spec(&spec).map_err(|issue| vec![issue])?;
            P::normalize(&metadata_type, spec, &facts).map(|spec| json::text(&spec))
        };
        specs.into_iter().map(normalize).collect()
    }

    fn validate(metadata_type: String, specs: Vec<String>, facts: String) -> Vec<Vec<Issue>> {
        report_panics();
        let facts = parse_facts(&facts);
        let validate = |spec: String| match parse_spec(&spec) {
            Ok(spec) => P::validate(&metadata_type, &spec, &facts),
            Err(issue) => vec![issue],
        };
        specs.into_iter().map(validate).collect()
    }

    fn steps(changes: Vec<Change>, facts: String) -> Vec<Result<Vec<Step>>> {
        report_panics();
        P::steps(&changes, &parse_facts(&facts))
    }
}

impl<P: StorageDriver> storage_driver::Guest for Exported<P> {
    fn open(target: Target) -> Result<()> {
        report_panics();
        DRIVER.with_borrow_mut(|slot| match slot {
            Some((bound, _)) if *bound == target => Ok(()),
            Some(_) => Err(Error::invalid_argument("this instance is bound to another cluster already")),
            None => {
                let driver: Box<dyn Any> = Box::new(P::open(&target)?);
                *slot = Some((target, driver));
                Ok(())
            }
        })
    }

    fn probe() -> Result<Vec<Check>> {
        driver(P::probe)
    }

    fn discover() -> Result<Cluster> {
        driver(P::discover)
    }

    fn list_resources(query: Query) -> Result<Page> {
        driver(|driver: &mut P| driver.list_resources(&query))
    }

    fn get_resources(keys: Vec<ResourceKey>) -> Result<Vec<Lookup>> {
        driver(|driver: &mut P| driver.get_resources(&keys))
    }

    fn write_resources(writes: Vec<Write>, dry_run: bool) -> Result<Vec<Outcome>> {
        driver(|driver: &mut P| driver.write_resources(&writes, dry_run))
    }

    fn close() {
        let open = DRIVER.with_borrow_mut(Option::take);
        if let Some(driver) = open.and_then(|(_, driver)| driver.downcast::<P>().ok()) {
            P::close(*driver);
        }
    }
}

fn driver<P: StorageDriver, T>(ask: impl FnOnce(&mut P) -> Result<T>) -> Result<T> {
    report_panics();
    DRIVER.with_borrow_mut(|slot| {
        let driver = slot.as_mut().and_then(|(_, driver)| driver.downcast_mut::<P>());
        ask(driver.ok_or_else(|| Error::internal("the driver was called before `open`"))?)
    })
}

/// Without it a panic is only a trap: the message is written before the instance dies.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string(), &[("panic", "true")])));
    });
}

/// Facts come from the host and may be missing; what is missing is not known, never an error.
fn parse_facts(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn parse_spec(text: &str) -> Result<Value, Issue> {
    serde_json::from_str(text).map_err(|error| Issue {
        severity: Severity::Error,
        path: String::new(),
        message: format!("the spec is no JSON: {error}"),
    })
}
