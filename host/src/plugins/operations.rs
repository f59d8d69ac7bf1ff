//! A plugin's actions beside the edits: what a session's guest is asked about them.

use std::sync::Arc;

use futures::future::BoxFuture;
use wasmtime::Store;

use super::bindings::exports::headgate::plugin::operations;
use super::bindings::headgate::host::errors::Error;
use super::contract::Talking;
use super::convert::{self, Broken};
use super::guest::Guest;
use super::session::Request;
use crate::domain::operation::{Forecast, Progress};

type Running<'a, T> = BoxFuture<'a, wasmtime::Result<Result<T, Error>>>;

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

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.preview(store, &self.0).await })
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

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.run(store, &self.asked, &self.id).await })
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

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.poll(store, &self.0).await })
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

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.cancel(store, &self.0).await })
    }

    fn expected(&self) {}

    fn read((): (), (): ()) -> Result<Self::Answer, Broken> {
        Ok(())
    }
}
