//! A plugin's actions beside the edits: what a session's guest is asked about them.

use futures::future::BoxFuture;
use wasmtime::Store;

use super::bindings::exports::headgate::plugin::operations;
use super::bindings::headgate::host::errors::{Error, ErrorKind};
use super::convert::{self, Broken};
use super::guest::Guest;
use super::linked::Talking;
use super::session::Request;
use crate::domain::operation::{Forecast, Progress};

type Running<'a, T> = BoxFuture<'a, wasmtime::Result<Result<T, Error>>>;

/// A plugin that declares no action can still be asked for one, by a name from another version of it.
macro_rules! or_refuse {
    ($operations:expr) => {
        match $operations {
            Some(operations) => operations,
            None => return Ok(Err(no_operations())),
        }
    };
}

fn no_operations() -> Error {
    Error {
        kind: ErrorKind::Unsupported,
        code: None,
        message: "the plugin has no operations".to_owned(),
        retry_after_ms: None,
        details: Vec::new(),
    }
}

pub(super) struct Asked {
    pub(super) name: String,
    pub(super) subject: operations::Subject,
    pub(super) input: String,
}

pub(super) struct Preview(pub(super) Asked);

impl Request for Preview {
    type Raw = operations::Forecast;
    type Answer = Forecast;
    type Expected = ();
    const NAME: &'static str = "preview";

    fn call(self, guest: Talking, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move {
            let operations = or_refuse!(guest.operations);
            let Asked { name, subject, input } = self.0;
            operations.call_preview(store, &name, &subject, &input).await
        })
    }

    fn expected(&self) {}

    fn read(raw: Self::Raw, (): ()) -> Result<Self::Answer, Broken> {
        convert::forecast(raw)
    }
}

pub(super) struct Run {
    pub(super) asked: Asked,
    pub(super) id: String,
}

impl Request for Run {
    type Raw = operations::Progress;
    type Answer = Progress;
    type Expected = ();
    const NAME: &'static str = "run";

    fn call(self, guest: Talking, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move {
            let operations = or_refuse!(guest.operations);
            let Asked { name, subject, input } = self.asked;
            operations.call_run(store, &name, &subject, &input, &self.id).await
        })
    }

    fn expected(&self) {}

    fn read(raw: Self::Raw, (): ()) -> Result<Self::Answer, Broken> {
        convert::progress(raw)
    }
}

pub(super) struct Poll(pub(super) String);

impl Request for Poll {
    type Raw = operations::Progress;
    type Answer = Progress;
    type Expected = ();
    const NAME: &'static str = "poll";

    fn call(self, guest: Talking, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { or_refuse!(guest.operations).call_poll(store, &self.0).await })
    }

    fn expected(&self) {}

    fn read(raw: Self::Raw, (): ()) -> Result<Self::Answer, Broken> {
        convert::progress(raw)
    }
}

pub(super) struct Cancel(pub(super) String);

impl Request for Cancel {
    type Raw = ();
    type Answer = ();
    type Expected = ();
    const NAME: &'static str = "cancel";

    fn call(self, guest: Talking, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { or_refuse!(guest.operations).call_cancel(store, &self.0).await })
    }

    fn expected(&self) {}

    fn read((): (), (): ()) -> Result<Self::Answer, Broken> {
        Ok(())
    }
}
