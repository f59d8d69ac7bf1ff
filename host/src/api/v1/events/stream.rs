//! `GET /events/stream`: events as they happen, server-sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::extract::QueryString;
use crate::api::problem::Problem;
use crate::api::v1::events::{EventView, GAP, Gap, StreamQuery};
use crate::app::caller::Caller;
use crate::app::{AppError, EventQuery, SharedApp};
use crate::domain::id::EventId;
use crate::store::Event;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A comment is sent so often where nothing happens: proxies cut silent connections after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream ends after this and the reader comes back with `Last-Event-ID`: a token that was taken back meanwhile
/// opens nothing then.
const STREAM_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Events read from the log at a time while catching up.
const CATCH_UP: u32 = 500;

/// Events as they happen: `id`, `event` (the kind) and `data` (the event). `Last-Event-ID` resumes from the log; a
/// reader that was too slow gets the event `gap`.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery, ("Last-Event-ID" = Option<String>, Header)), responses((status = 200, description = "Server-sent events", body = EventView, content_type = "text/event-stream")))]
pub(crate) async fn stream_events(
    State(app): State<SharedApp>,
    State(closing): State<watch::Receiver<bool>>,
    caller: Caller,
    QueryString(query): QueryString<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let cluster = app.event_cluster(&caller, query.cluster.as_deref()).await?;
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let after = header.or(query.after).filter(|id| !id.is_empty());
    if after.as_ref().is_some_and(|id| uuid::Uuid::parse_str(id).is_err()) {
        let detail = "`Last-Event-ID` is no id of an event";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid-event-id", detail));
    }
    let follower = Follower {
        receiver: app.follow_events(&caller),
        catching_up: after.is_some(),
        query: EventQuery { cluster, after: after.map(EventId) },
        backlog: VecDeque::new(),
        ends: Instant::now() + STREAM_LIFETIME,
        closing,
        app,
        caller,
    };
    let events = unfold(follower, |mut follower| async move { Some((Ok(follower.next().await?), follower)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Reads the log up to its end, then what comes. It listens from the beginning, so that nothing falls between.
struct Follower {
    app: SharedApp,
    caller: Caller,
    /// `after` is the last that was sent.
    query: EventQuery,
    receiver: Receiver<Event>,
    backlog: VecDeque<Event>,
    catching_up: bool,
    ends: Instant,
    closing: watch::Receiver<bool>,
}

impl Follower {
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(event) = self.backlog.pop_front() {
                return Some(self.send(event));
            }
            if self.catching_up {
                self.read_log().await.ok()?;
                continue;
            }
            let received = tokio::select! {
                received = self.receiver.recv() => received,
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep_until(self.ends) => return None,
            };
            match received {
                Ok(event) if self.concerns(&event) => return Some(self.send(event)),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => return Some(self.gap(missed)),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn read_log(&mut self) -> Result<(), AppError> {
        let events = self.app.list_events(&self.caller, &self.query, CATCH_UP).await?;
        self.catching_up = !events.is_empty();
        self.backlog.extend(events);
        Ok(())
    }

    /// What was read from the log comes again by the channel.
    fn concerns(&self, event: &Event) -> bool {
        event.organization == self.caller.organization
            && (self.query.cluster.is_none() || event.cluster == self.query.cluster)
            && self.query.after.as_ref().is_none_or(|after| event.id > *after)
    }

    fn send(&mut self, event: Event) -> Sent {
        self.query.after = Some(event.id.clone());
        let sent = Sent::default().id(event.id.as_str()).event(&event.kind);
        let view = EventView::from(event);
        sent.data(serde_json::to_string(&view).unwrap_or_default())
    }

    /// Deliberately not filled from the log: a reader that is too slow for what happens would never catch up.
    fn gap(&self, missed: u64) -> Sent {
        let gap = Gap { missed, after: self.query.after.clone() };
        Sent::default().event(GAP).data(serde_json::to_string(&gap).unwrap_or_default())
    }
}
