//! One client of the live feed.
//!
//! The client's cursor is how far each shard's log was shown. Whoever reads too slowly, or comes back
//! after a while, is told how many records it missed, and the latest of them are sent.

use std::sync::Arc;
use std::time::Duration;

use aal_service::Problem;
use aal_service::times::now_us;
use clickhouse::Row;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use warp::reply::Response;
use warp::ws::{Message, WebSocket};

use crate::app::App;
use crate::call::Request;
use crate::feed::matching::{FeedFilters, Hello};
use crate::logs::{Snapshot, SummaryRow, snapshot, summary_columns, summary_json};
use crate::router::sign_in;
use crate::scope::Scope;
use crate::sql::Sql;

/// The first message must come within this time.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is dropped.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// Without records, a sign of life so often.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Missed records that are sent after all.
const REPLAYED: u64 = 500;

/// `GET /ws/feed` by a client that does not speak WebSocket.
pub(crate) async fn upgrade_required(_: Arc<App>, _: Request) -> Result<Response, Problem> {
    let detail = "this address speaks WebSocket; connect with an upgrade";
    Err(Problem::new(
        "upgrade-required",
        "Upgrade required",
        http::StatusCode::UPGRADE_REQUIRED,
        detail,
    ))
}

struct Client {
    app: Arc<App>,
    socket: WebSocket,
    scope: Scope,
    filters: FeedFilters,
    cursor: Snapshot,
    /// The sign-in ends then, and the feed with it.
    until_us: i64,
}

enum End {
    /// The client left, is too slow or the process stops.
    Gone,
    /// Something to tell the client first.
    Because(Problem),
}

impl From<Problem> for End {
    fn from(problem: Problem) -> Self {
        Self::Because(problem)
    }
}

/// Talks to one client until it leaves, its sign-in ends or the process stops.
pub(crate) async fn serve(app: Arc<App>, mut socket: WebSocket) {
    let Ok(_permit) = Arc::clone(&app.feed_permits).try_acquire_owned() else {
        let problem = Problem::unavailable("too many live feeds are open; close one or try later");
        send_problem(&mut socket, &problem).await;
        return;
    };
    let shutdown = app.shutdown.clone();
    let talking = async {
        let mut client = match greet(Arc::clone(&app), &mut socket).await {
            Ok((scope, hello, until_us)) => {
                let (filters, cursor) = hello;
                Client {
                    app,
                    socket,
                    scope,
                    filters,
                    cursor,
                    until_us,
                }
            }
            Err(End::Because(problem)) => {
                send_problem(&mut socket, &problem).await;
                return;
            }
            Err(End::Gone) => return,
        };
        if let Err(End::Because(problem)) = client.talk().await {
            send_problem(&mut client.socket, &problem).await;
        }
        // The other side may be gone already.
        let _ = client.socket.close().await;
    };
    shutdown.unless_requested(talking).await;
}

async fn send_problem(socket: &mut WebSocket, problem: &Problem) {
    let text = json!({"type": "error", "problem": problem}).to_string();
    // Whether it arrives or not, the connection ends here.
    let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::text(text))).await;
    let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::close())).await;
}

type Greeted = (Scope, (FeedFilters, Snapshot), i64);

async fn greet(app: Arc<App>, socket: &mut WebSocket) -> Result<Greeted, End> {
    let first = tokio::time::timeout(HELLO_TIMEOUT, socket.next()).await;
    let Ok(Some(Ok(message))) = first else {
        return Err(End::Gone);
    };
    let text = message
        .to_str()
        .map_err(|()| Problem::bad_request("the first message must be text"))?;
    let hello = Hello::parse(text)?;
    let scope = sign_in(&app, &hello.token).await?;
    let claims = app.tokens.verify(&hello.token, now_us());
    let until_us = claims.map(|claims| claims.exp * 1_000_000).unwrap_or(0);
    let scope = scope.narrowed(hello.filters.tenant)?;
    let cursor = match hello.cursor.as_deref() {
        None => snapshot(&app, &scope).await?,
        Some(text) => Snapshot::parse(text)
            .ok_or_else(|| Problem::validation("the cursor is not one of this feed; leave it out"))?,
    };
    Ok((scope, (hello.filters, cursor), until_us))
}

impl Client {
    async fn talk(&mut self) -> Result<(), End> {
        let app = Arc::clone(&self.app);
        let mut subscription = app.hub.subscribe();
        self.send(&json!({"type": "ready", "cursor": self.cursor.to_text()}))
            .await?;
        // What came between the cursor and the subscription.
        self.catch_up().await?;
        loop {
            tokio::select! {
                record = subscription.records.recv() => match record {
                    Ok(row) => self.show(&row).await?,
                    Err(RecvError::Lagged(_)) => {
                        // Start again behind what is still buffered; `show` drops what was caught up.
                        subscription.records = subscription.records.resubscribe();
                        self.catch_up().await?;
                    }
                    Err(RecvError::Closed) => return Err(End::Gone),
                },
                Ok(()) = subscription.jumps.changed() => self.catch_up().await?,
                message = self.socket.next() => match message {
                    Some(Ok(message)) if !message.is_close() => {}
                    _ => return Err(End::Gone),
                },
                () = tokio::time::sleep(PING_EVERY) => self.send(&json!({"type": "ping"})).await?,
            }
            if now_us() >= self.until_us {
                return Err(Problem::unauthorized("the token has expired; sign in again").into());
            }
        }
    }

    /// Sends a record unless it is behind the cursor already or not wanted.
    async fn show(&mut self, row: &SummaryRow) -> Result<(), End> {
        let shown = self.cursor.0.iter().find(|(shard, _)| *shard == row.shard);
        if shown.is_some_and(|(_, offset)| *offset >= row.kafka_offset) {
            return Ok(());
        }
        self.cursor.advance(row.shard, row.kafka_offset);
        if !self.filters.admits(&self.scope, row) {
            return Ok(());
        }
        self.send_record(row).await
    }

    async fn send_record(&mut self, row: &SummaryRow) -> Result<(), End> {
        let item = summary_json(row, crate::logs::no_verdict());
        self.send(&json!({"type": "record", "cursor": self.cursor.to_text(), "item": item}))
            .await
    }

    /// Everything stored after the cursor: the latest [`REPLAYED`] are sent, the others counted.
    async fn catch_up(&mut self) -> Result<(), End> {
        let until = snapshot(&self.app, &self.scope).await?;
        let conditions = |sql: &mut Sql| {
            sql.records(&self.scope);
            self.cursor.after(sql);
            until.limit(sql);
            self.filters.apply(sql);
        };
        let mut counting = Sql::new("SELECT count() AS records");
        conditions(&mut counting);
        let count = self
            .app
            .row::<CountRow>(counting)
            .await?
            .map_or(0, |row| row.records);
        let mut sql = summary_columns(false);
        conditions(&mut sql);
        sql.push(" ORDER BY edge_at DESC, shard DESC, kafka_offset DESC LIMIT ?")
            .bind_u64(REPLAYED);
        let mut rows: Vec<SummaryRow> = self.app.rows(sql).await?;
        rows.reverse();
        let missed = count.saturating_sub(rows.len() as u64);
        if missed > 0 {
            self.send(&json!({"type": "missed", "count": missed, "cursor": self.cursor.to_text()}))
                .await?;
        }
        for row in &rows {
            // The cursor moves when all are sent: they are in order of time, not of the shards' logs.
            self.send_record(row).await?;
        }
        for (shard, offset) in until.0 {
            self.cursor.advance(shard, offset);
        }
        if !rows.is_empty() {
            self.send(&json!({"type": "ping", "cursor": self.cursor.to_text()}))
                .await?;
        }
        Ok(())
    }

    async fn send(&mut self, value: &Value) -> Result<(), End> {
        let sending = self.socket.send(Message::text(value.to_string()));
        match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }
}

#[derive(Row, Deserialize)]
struct CountRow {
    records: u64,
}
