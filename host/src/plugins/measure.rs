//! What loading and calling one component costs: for its author, on this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::alone::Alone;
use super::driver::{CallError, Kind};
use super::plugin::Plugin;
use super::refusal::Refusal;
use crate::clock::SharedClock;
use crate::domain::contract::MetadataType;

/// Rows of one call of `normalize`: a page of a listing.
pub const ROWS: usize = 1_000;

/// One thing that was done several times.
#[derive(Clone, Debug)]
pub struct Measured {
    pub what: String,
    pub times: Vec<Duration>,
}

/// How often each thing is done.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Compiled anew, unless that takes long: an interpreter's seconds are the same each time.
    pub cold: usize,
    pub cold_max: Duration,
    pub cached: usize,
    /// Calls of each sort, and how long they may take together.
    pub calls: usize,
    pub calls_max: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        let (cold_max, calls_max) = (Duration::from_secs(5), Duration::from_secs(5));
        Self { cold: 5, cold_max, cached: 10, calls: 200, calls_max }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{0}")]
    Host(String),
}

/// `scratch` is an empty folder of the caller's, for what is compiled.
pub async fn measure(
    name: &str,
    bytes: &[u8],
    scratch: &Path,
    clock: SharedClock,
    effort: Effort,
) -> Result<Vec<Measured>, MeasureError> {
    let mut found = Vec::new();
    let mut cold = Vec::new();
    while cold.len() < effort.cold && cold.iter().sum::<Duration>() < effort.cold_max {
        let (took, _) = load(name, bytes, &scratch.join(format!("cold-{}", cold.len())), &clock).await?;
        cold.push(took);
    }
    found.push(Measured { what: "load, compiled anew".to_owned(), times: cold });
    let mut cached = Vec::new();
    for _ in 0..effort.cached {
        cached.push(load(name, bytes, &scratch.join("cold-0"), &clock).await?.0);
    }
    found.push(Measured { what: "load, from the cache".to_owned(), times: cached });
    let mut first = Vec::new();
    for _ in 0..effort.cached {
        let (_, plugin) = load(name, bytes, &scratch.join("cold-0"), &clock).await?;
        let began = Instant::now();
        plugin.types(None).await?;
        first.push(began.elapsed());
    }
    found.push(Measured { what: "first call".to_owned(), times: first });
    let (_, plugin) = load(name, bytes, &scratch.join("cold-0"), &clock).await?;
    found.push(repeated("instantiate", effort, async || plugin.only_instantiate().await).await?);
    found.push(
        repeated("describe, twice as a host asks", effort, async || plugin.describe().await.map(drop))
            .await?,
    );
    found.push(repeated("list types", effort, async || plugin.types(None).await.map(drop)).await?);
    for one in plugin.types(None).await?.iter().filter(|one| !one.verbs.read_only()) {
        let specs = vec![sample(one); ROWS];
        let what = format!("normalize {ROWS} of {}", one.name);
        let asked = async || plugin.normalize(&one.name, specs.clone(), &json!({})).await.map(drop);
        match repeated(&what, effort, asked).await {
            Ok(measured) => found.push(measured),
            // It has no strategy that could be asked.
            Err(MeasureError::Call(CallError::Refused(_))) => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(found)
}

/// Until it could serve: with the engine's start left out, which a host does once.
async fn load(
    name: &str,
    bytes: &[u8],
    cache: &Path,
    clock: &SharedClock,
) -> Result<(Duration, Arc<Plugin>), MeasureError> {
    let alone = Alone::start(cache.to_owned(), Arc::clone(clock));
    let alone = alone.map_err(|error| MeasureError::Host(format!("{error:#}")))?;
    let bytes = bytes.to_vec();
    let began = Instant::now();
    let plugin = alone.plugin(name, bytes).await?;
    Ok((began.elapsed(), plugin))
}

async fn repeated(
    what: &str,
    effort: Effort,
    mut call: impl AsyncFnMut() -> Result<(), CallError>,
) -> Result<Measured, MeasureError> {
    let (all, mut times) = (Instant::now(), Vec::new());
    while times.len() < effort.calls && all.elapsed() < effort.calls_max {
        let began = Instant::now();
        call().await?;
        times.push(began.elapsed());
    }
    Ok(Measured { what: what.to_owned(), times })
}

/// A wish of the type with everything in it that its schema asks for.
fn sample(metadata_type: &MetadataType) -> Value {
    of_schema(&metadata_type.spec)
}

fn of_schema(schema: &Value) -> Value {
    let told = |key: &str| schema.get(key).cloned();
    let first = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|all| all.first()).cloned();
    if let Some(value) =
        first("examples").or_else(|| told("const")).or_else(|| told("default")).or_else(|| first("enum"))
    {
        return value;
    }
    let wanted = match schema.get("type") {
        Some(Value::Array(several)) => several.first().and_then(Value::as_str),
        one => one.and_then(Value::as_str),
    };
    match wanted {
        Some("string") => {
            let length = schema.get("minLength").and_then(Value::as_u64).unwrap_or(1).clamp(1, 64);
            Value::String("x".repeat(usize::try_from(length).unwrap_or(1)))
        }
        Some("integer" | "number") => told("minimum").unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("null") => Value::Null,
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let object: Map<String, Value> =
                properties.into_iter().flatten().map(|(name, of)| (name.clone(), of_schema(of))).collect();
            Value::Object(object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::plugins::builtin::builtin;
    use crate::plugins::refusal::Stage;

    const FEW: Effort = Effort {
        cold: 1,
        cold_max: Duration::from_secs(60),
        cached: 1,
        calls: 2,
        calls_max: Duration::from_secs(60),
    };

    #[tokio::test]
    async fn a_plugin_is_measured_from_its_load_to_its_decisions() {
        let scratch = tempfile::tempdir().unwrap();
        let (name, bytes) = builtin().into_iter().find(|(name, _)| *name == "kafka").unwrap();
        let found = measure(name, bytes, scratch.path(), Arc::new(SystemClock), FEW).await.unwrap();
        let whats: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        for what in ["load, compiled anew", "load, from the cache", "first call", "instantiate", "list types"]
        {
            assert!(whats.contains(&what), "no `{what}` in {whats:?}");
        }
        assert!(whats.iter().any(|what| what.starts_with("normalize 1000 of ")), "{whats:?}");
        assert!(found.iter().all(|one| !one.times.is_empty()));
    }

    #[tokio::test]
    async fn what_a_host_would_refuse_is_not_measured() {
        let scratch = tempfile::tempdir().unwrap();
        let refused = measure("a.wasm", b"text", scratch.path(), Arc::new(SystemClock), FEW).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, MeasureError::Refused(refusal) if refusal.stage == Stage::Verify));
    }

    #[test]
    fn a_wish_is_made_of_its_schema() {
        let schema = json!({"type": "object", "properties": {
            "text": {"type": "string", "minLength": 3}, "size": {"type": "integer", "minimum": 7},
            "mode": {"enum": ["a", "b"]}, "tags": {"type": "array"}, "inner": {"properties": {"on": {"type": "boolean"}}},
        }});
        let expected = json!({"text": "xxx", "size": 7, "mode": "a", "tags": [], "inner": {"on": false}});
        assert_eq!(of_schema(&schema), expected);
    }
}
