//! `http`: requests of a plugin by the host's client: addresses are granted and pinned as for `net`, secrets are put in
//! here, redirects are not followed (where they lead is the plugin's to ask for, and the grant's to allow).

mod client;
mod message;
mod plain;

use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::{HostError, cut, few};
use crate::plugins::bindings::headgate::host::errors::Error;
use crate::plugins::bindings::headgate::host::http::{Host, Request, Response};
use crate::plugins::guest::{Cut, Guest};
use crate::plugins::limits::HTTP_AT_ONCE_MAX;
use client::Client;
pub(in crate::plugins) use client::Pool;
use message::Message;
pub(super) use plain::{Plain, send};

impl Guest {
    fn client(&self) -> Result<Client<'_>, HostError> {
        let dialer = self.net.dialer()?;
        Ok(Client {
            dialer,
            pool: &self.pool,
            secrets: &self.secrets,
            metrics: &self.metrics,
            track: &self.track,
        })
    }
}

impl Host for Guest {
    async fn send(&mut self, request: Request) -> Result<Response, HostError> {
        self.enter("http")?;
        let message = self.message(request)?;
        let (client, what, limit) = (self.client()?, message.what(), message.timeout);
        let answer = self.call.wait.on(limit, client.send(message)).await;
        answer.map_err(|why| cut(why, &what))?
    }

    async fn send_all(
        &mut self,
        requests: Vec<Request>,
        at_once: u32,
    ) -> wasmtime::Result<Vec<Result<Response, Error>>> {
        self.enter("http")?;
        few(requests.len(), "requests")?;
        let at_once = usize::try_from(at_once).unwrap_or(usize::MAX).clamp(1, HTTP_AT_ONCE_MAX);
        let mut messages = Vec::with_capacity(requests.len());
        for request in requests {
            messages.push(match self.message(request) {
                Ok(message) => Ok(message),
                Err(refused) => Err(refused.into_answer()?),
            });
        }
        let whats: Vec<String> =
            messages.iter().map(|message| message.as_ref().map(Message::what).unwrap_or_default()).collect();
        let client = match self.client() {
            Ok(client) => client,
            Err(refused) => {
                let refused = refused.into_answer()?;
                return Ok(whats.iter().map(|_| Err(refused.clone())).collect());
            }
        };
        // The time-out is around each, so that a dead node does not take the others' answers with it.
        let each = messages.into_iter().map(|message| one(&client, message));
        let all = stream::iter(each).buffered(at_once).collect::<Vec<_>>();
        let answers = match self.call.wait.on(Duration::MAX, all).await {
            Ok(answers) => answers,
            Err(why) => return Ok(whats.iter().map(|what| Err(cut(why, what))).collect()),
        };
        answers
            .into_iter()
            .map(|answer| answer.map_or_else(|error| error.into_answer().map(Err), |answer| Ok(Ok(answer))))
            .collect()
    }
}

async fn one(client: &Client<'_>, message: Result<Message, Error>) -> Result<Response, HostError> {
    let message = message?;
    let (what, limit) = (message.what(), message.timeout);
    let answer = tokio::time::timeout(limit, client.send(message)).await;
    answer.unwrap_or_else(|_elapsed| Err(cut(Cut::Timeout(limit), &what).into()))
}
