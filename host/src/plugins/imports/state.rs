//! `state`: a small key-value space for each plugin and cluster, kept by the host's store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{HostError, cut};
use crate::domain::id::ClusterId;
use crate::plugins::bindings::headgate::host::errors::ErrorKind;
use crate::plugins::bindings::headgate::host::state::Host;
use crate::plugins::guest::{Guest, Wait};
use crate::plugins::limits::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};

/// The host's own database answers within this or is cut.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where plugins' state is kept. An error is one sentence for a person.
#[async_trait]
pub trait StateStore: Send + Sync {
    async fn get(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<Option<Vec<u8>>, String>;
    async fn set(&self, kind: &str, cluster: &ClusterId, key: &str, value: Vec<u8>) -> Result<(), String>;
    async fn delete(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), String>;
}

/// The space of one session; none for calls that decide.
#[derive(Clone, Default)]
pub(in crate::plugins) struct State(pub(in crate::plugins) Option<Space>);

#[derive(Clone)]
pub(in crate::plugins) struct Space {
    pub(in crate::plugins) store: Arc<dyn StateStore>,
    pub(in crate::plugins) kind: String,
    pub(in crate::plugins) cluster: ClusterId,
}

impl State {
    fn space(&self, key: &str) -> Result<Space, HostError> {
        if key.is_empty() || key.len() > STATE_KEY_BYTES_MAX {
            let text = format!("a key of the plugin's state has 1 to {STATE_KEY_BYTES_MAX} bytes");
            return Err(HostError::new(ErrorKind::InvalidArgument, text));
        }
        let missing = || HostError::new(ErrorKind::Unsupported, "a call that decides has no state");
        self.0.clone().ok_or_else(missing)
    }
}

async fn answer<T>(wait: Wait, work: impl Future<Output = Result<T, String>>) -> Result<T, HostError> {
    let answer = wait.on(TIMEOUT, work).await.map_err(|why| cut(why, "the plugin's state"))?;
    answer.map_err(|text| {
        HostError::new(ErrorKind::Unavailable, format!("the plugin's state is not available: {text}"))
    })
}

impl Host for Guest {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, HostError> {
        self.enter("state")?;
        let space = self.state.space(&key)?;
        answer(self.call.wait.clone(), space.store.get(&space.kind, &space.cluster, &key)).await
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), HostError> {
        self.enter("state")?;
        let space = self.state.space(&key)?;
        if value.len() > STATE_VALUE_BYTES_MAX {
            let text = format!(
                "a value of the plugin's state has {STATE_VALUE_BYTES_MAX} bytes at most; `{key}` would have {}",
                value.len()
            );
            return Err(HostError::new(ErrorKind::InvalidArgument, text));
        }
        answer(self.call.wait.clone(), space.store.set(&space.kind, &space.cluster, &key, value)).await
    }

    async fn delete(&mut self, key: String) -> Result<(), HostError> {
        self.enter("state")?;
        let space = self.state.space(&key)?;
        answer(self.call.wait.clone(), space.store.delete(&space.kind, &space.cluster, &key)).await
    }
}
