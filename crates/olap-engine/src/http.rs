//! ClickHouse's HTTP interface over the engine of this process: one request, one session.

use crate::answer::{AnswerBody, Envelope, full};
use crate::body::Body;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{EngineError, code};
use crate::formats::{Joining, joining};
use crate::guard;
use crate::request::Request;
use crate::run::{self, Event, Input, Job, KillOnDrop, Ticket};
use crate::sql::{self, Statement};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Response, StatusCode};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

/// ClickHouse's `max_query_size`: an INSERT's data starts within this many bytes when both are in the body.
const STATEMENT_HEAD_BYTES: usize = 256 << 10;
/// The longest statement that is taken without data.
const STATEMENT_BYTES: usize = 16 << 20;
/// The format of answers when nobody named one.
const DEFAULT_FORMAT: &str = "TabSeparated";

/// Answers requests.
#[derive(Debug)]
pub struct Service {
    engine: Arc<Engine>,
    permits: Arc<Semaphore>,
    config: Config,
}

impl Service {
    /// A service over an open engine.
    pub fn new(engine: Arc<Engine>, config: Config) -> Self {
        Self {
            engine,
            permits: Arc::new(Semaphore::new(config.max_statements)),
            config,
        }
    }

    /// Answers one request. Never fails: errors are answers.
    pub async fn handle(&self, request: hyper::Request<Incoming>) -> Response<AnswerBody> {
        let path = request.uri().path();
        if path == "/ping" || path == "/replicas_status" {
            return Response::new(full("Ok.\n"));
        }
        let known_method = [Method::GET, Method::HEAD, Method::POST].contains(request.method());
        if path != "/" || !known_method {
            let mut response = Response::new(full("there is no such resource; statements go to /?query=\n"));
            *response.status_mut() = if path == "/" {
                StatusCode::METHOD_NOT_ALLOWED
            } else {
                StatusCode::NOT_FOUND
            };
            return response;
        }
        let (head, incoming) = request.into_parts();
        let id = Uuid::new_v4().simple().to_string();
        let mut envelope = Envelope {
            exception_tag: id[..16].to_owned(),
            query_id: id.clone(),
            compress: false,
        };
        let mut body = Body::new(incoming, self.config.stall_timeout);
        let request = match Request::parse(&head) {
            Ok(request) => request,
            Err(error) => {
                body.drain().await;
                return envelope.error(&error);
            }
        };
        envelope.compress = request.compress;
        if let Some(query_id) = &request.query_id {
            envelope.query_id.clone_from(query_id);
        }
        if request.decompress {
            body = body.decompressed();
        }
        match self.answer(request, &mut body, &envelope).await {
            Ok(response) => response,
            Err(error) => {
                body.drain().await;
                tracing::debug!(%error, "statement failed");
                envelope.error(&error)
            }
        }
    }

    /// Waits until no statement runs, and lets none start any more.
    pub async fn idle(&self) {
        let all = u32::try_from(self.config.max_statements).unwrap_or(u32::MAX);
        // Fails only when the semaphore is closed already: then nothing starts either.
        let _all_permits = self.permits.acquire_many(all).await;
        self.permits.close();
    }

    async fn answer(
        &self,
        mut request: Request,
        body: &mut Body,
        envelope: &Envelope,
    ) -> Result<Response<AnswerBody>, EngineError> {
        self.authenticate(request.password.as_deref())?;
        if let Some(boundary) = request.form_boundary.take() {
            let mut form = Vec::new();
            read_all(body, &mut form).await?;
            request.add_form(&form, &boundary)?;
        }
        let (statement, text) = read_statement(request.query.take(), body).await?;
        if statement == Statement::Empty {
            if request.read_only {
                return Ok(Response::new(full("Ok.\n")));
            }
            return Err(EngineError::query(
                code::SYNTAX_ERROR,
                "SYNTAX_ERROR",
                "empty query",
            ));
        }

        if let Some(sql) = statement.sql() {
            guard::check(sql, &request.parameters)?;
        }
        let permit = self.permit().await?;
        match statement {
            Statement::InsertData { sql, format, data_at } => {
                let format = format.unwrap_or_else(|| "Values".to_owned());
                let inline = Bytes::from(text).slice(data_at..);
                let job = self.job(request, sql, format, permit);
                self.insert(job, inline, body, envelope).await
            }
            Statement::Select { sql, format } => {
                let format = format
                    .or_else(|| request.default_format.take())
                    .unwrap_or_else(|| DEFAULT_FORMAT.into());
                let joining = if request.wait_end_of_query {
                    Joining::Buffered
                } else {
                    joining(&format)
                };
                let job = self.job(request, sql, format, permit);
                if joining == Joining::Buffered {
                    return whole(job, envelope).await;
                }
                self.stream(job, joining, envelope).await
            }
            Statement::Other { sql, format } => {
                let format = format
                    .or_else(|| request.default_format.take())
                    .unwrap_or_else(|| DEFAULT_FORMAT.into());
                whole(self.job(request, sql, format, permit), envelope).await
            }
            Statement::Empty => Ok(Response::new(full(""))),
        }
    }

    fn authenticate(&self, given: Option<&str>) -> Result<(), EngineError> {
        let Some(password) = &self.config.password else {
            return Ok(());
        };
        if given.is_some_and(|given| same_secret(given.as_bytes(), password.as_bytes())) {
            return Ok(());
        }
        let message = "the password is missing or wrong";
        Err(EngineError::query(
            code::AUTHENTICATION_FAILED,
            "AUTHENTICATION_FAILED",
            message,
        ))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        match timeout(self.config.queue_timeout, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                let message = format!("{} statements run already", self.config.max_statements);
                let name = "TOO_MANY_SIMULTANEOUS_QUERIES";
                Err(EngineError::query(
                    code::TOO_MANY_SIMULTANEOUS_QUERIES,
                    name,
                    message,
                ))
            }
        }
    }

    fn job(&self, request: Request, sql: String, format: String, permit: OwnedSemaphorePermit) -> Job {
        let mut session = request.options;
        let client_comment = session
            .settings
            .iter()
            .rfind(|(name, _)| name == "log_comment")
            .map(|(_, v)| v.as_str());
        let mark = Uuid::new_v4().simple();
        let log_comment = match client_comment {
            Some(comment) => format!("{comment} {mark}"),
            None => mark.to_string(),
        };
        let client_settings = std::mem::take(&mut session.settings);
        let defaults = [
            ("session_timezone", "UTC".to_owned()),
            // Since 26.x the server's default is 1: success would say nothing about what is stored.
            ("async_insert", "0".to_owned()),
            (
                "max_execution_time",
                self.config.statement_timeout.as_secs().to_string(),
            ),
        ];
        let own = defaults
            .into_iter()
            .filter(|(name, _)| client_settings.iter().all(|(given, _)| given != name));
        session
            .settings
            .extend(own.map(|(name, value)| (name.to_owned(), value)));
        session.settings.extend(
            client_settings
                .into_iter()
                .filter(|(name, _)| name != "log_comment"),
        );
        session
            .settings
            .push(("log_comment".to_owned(), log_comment.clone()));
        if request.read_only {
            session.settings.push(("readonly".to_owned(), "2".to_owned()));
        }
        Job {
            engine: self.engine.clone(),
            session,
            sql,
            format,
            parameters: request.parameters,
            ticket: Ticket::new(log_comment),
            _permit: permit,
        }
    }

    async fn stream(
        &self,
        job: Job,
        joining: Joining,
        envelope: &Envelope,
    ) -> Result<Response<AnswerBody>, EngineError> {
        let kill = KillOnDrop {
            engine: job.engine.clone(),
            ticket: job.ticket.clone(),
        };
        let format = job.format.clone();
        let mut events = run::select(job, joining, self.config.stall_timeout);
        // The status can say that the statement failed until the first piece is there.
        match events.recv().await {
            Some(Event::Failed(error)) => Err(error),
            Some(first) => Ok(envelope.streamed(&format, first, events, kill)),
            None => Err(EngineError::no_result()),
        }
    }

    async fn insert(
        &self,
        job: Job,
        inline: Bytes,
        body: &mut Body,
        envelope: &Envelope,
    ) -> Result<Response<AnswerBody>, EngineError> {
        let format = job.format.clone();
        let (sender, receiver) = mpsc::channel(4);
        // Dropped with this future when the client goes away: the INSERT then sees its data end without `End`.
        let feed = async {
            if !inline.is_empty() && sender.send(Input::Data(inline)).await.is_err() {
                return Ok(());
            }
            while let Some(data) = body.next().await? {
                if sender.send(Input::Data(data)).await.is_err() {
                    // The INSERT has failed and says why; the rest of the body is read by our caller.
                    return Ok(());
                }
            }
            // When this fails the INSERT has failed, too.
            let _ = sender.send(Input::End).await;
            Ok(())
        };
        let insert = tokio::spawn(run::insert(job, receiver));
        let fed: Result<(), EngineError> = feed.await;
        drop(sender);
        let stored = insert.await.unwrap_or_else(|_| Err(EngineError::no_result()));
        // A body that broke off is the cause of the INSERT's own failure.
        fed?;
        stored.map(|counters| envelope.whole(&format, Bytes::new(), counters))
    }
}

async fn whole(job: Job, envelope: &Envelope) -> Result<Response<AnswerBody>, EngineError> {
    let _kill = KillOnDrop {
        engine: job.engine.clone(),
        ticket: job.ticket.clone(),
    };
    let format = job.format.clone();
    let (data, counters) = run::whole(job).await?;
    Ok(envelope.whole(&format, data, counters))
}

/// Finds out what the request wants. The whole text is the `query` parameter, a newline and the body, where the data
/// of an INSERT is left in the body but for its beginning.
async fn read_statement(query: Option<String>, body: &mut Body) -> Result<(Statement, Vec<u8>), EngineError> {
    let mut text = query.map(String::into_bytes).unwrap_or_default();
    let statement = sql::analyse(&text)?;
    if let Statement::InsertData {
        format: Some(_),
        data_at,
        ..
    } = &statement
    {
        if *data_at < text.len() {
            text.push(b'\n');
        }
        return Ok((statement, text));
    }
    if !text.is_empty() {
        text.push(b'\n');
    }
    let from_url = text.len();
    let ended = body
        .read_until(&mut text, from_url + STATEMENT_HEAD_BYTES)
        .await?;
    if text.len() == from_url {
        return Ok((statement, text));
    }
    match sql::analyse(&text) {
        Ok(statement @ Statement::InsertData { .. }) => return Ok((statement, text)),
        analysed if ended => return analysed.map(|statement| (statement, text)),
        // Cut off somewhere: only the whole text tells.
        _ => {}
    }
    read_all(body, &mut text).await?;
    sql::analyse(&text).map(|statement| (statement, text))
}

async fn read_all(body: &mut Body, text: &mut Vec<u8>) -> Result<(), EngineError> {
    if body.read_until(text, STATEMENT_BYTES).await? {
        return Ok(());
    }
    let message = format!("the statement is longer than {STATEMENT_BYTES} bytes");
    Err(EngineError::query(code::SYNTAX_ERROR, "SYNTAX_ERROR", message))
}

/// Compares without telling by its duration how much was right.
fn same_secret(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len() && given.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
