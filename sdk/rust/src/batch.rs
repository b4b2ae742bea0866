//! Many events in one request, each answered for itself.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Client, ClientError, Problem,
    client::{Answer, Outgoing},
    counters::add,
    retry::is_transient_status,
};

/// One event's fate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BatchItem {
    /// 201 when it is recorded, otherwise the status it would have got alone.
    pub status: u16,
    #[serde(default)]
    pub event_id: Option<Uuid>,
    /// Present with 201.
    #[serde(default)]
    pub receipt: Option<String>,
    /// Present with any other status.
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// The fates of a batch's events, in the order in which they were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReply {
    pub items: Vec<BatchItem>,
}

impl BatchReply {
    /// How many events are recorded.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.items.iter().filter(|item| item.status == 201).count()
    }
}

#[derive(Deserialize)]
struct WireReply {
    items: Vec<BatchItem>,
}

/// Read only to see that it is there.
#[derive(Deserialize)]
struct Identified {
    #[serde(rename = "event_id")]
    _event_id: Uuid,
}

impl Client {
    /// Records NDJSON: one event a line, each with its `event_id`. Events that the edge could not take for now are sent
    /// again; those it refused keep their problem. Lines of one session stay in order as long as none of them has to
    /// be sent again.
    ///
    /// # Errors
    /// [`ClientError::Event`] when a line is no event with an `event_id`, [`ClientError::Refused`] when the edge refuses
    /// the batch as a whole, [`ClientError::GaveUp`] when the edge cannot be reached for longer than the policy allows.
    /// Events that were only temporarily refused until the end keep their 503 in the reply.
    pub async fn record_batch(&self, ndjson: Bytes) -> Result<BatchReply, ClientError> {
        let lines = lines_of(&ndjson)?;
        let mut fates: Vec<Option<BatchItem>> = vec![None; lines.len()];
        let mut open: Vec<usize> = (0..lines.len()).collect();
        for attempt in 1..=self.retry_policy().max_attempts {
            let body = if open.len() == lines.len() {
                ndjson.clone()
            } else {
                join(&lines, &open)
            };
            let items = self.send_lines(body, open.len()).await?;
            for (line, item) in open.iter().zip(items) {
                fates[*line] = Some(item);
            }
            open.retain(|line| {
                fates[*line]
                    .as_ref()
                    .is_some_and(|item| is_transient_status(item.status))
            });
            if open.is_empty() || attempt == self.retry_policy().max_attempts {
                break;
            }
            add(&self.counters().retries, 1);
            tokio::time::sleep(self.retry_policy().pause(attempt, None, rand::random())).await;
        }
        let reply = BatchReply {
            items: fates.into_iter().flatten().collect(),
        };
        add(&self.counters().recorded, reply.recorded());
        add(&self.counters().given_up, open.len());
        add(
            &self.counters().refused,
            reply.items.len() - reply.recorded() - open.len(),
        );
        Ok(reply)
    }

    async fn send_lines(&self, body: Bytes, count: usize) -> Result<Vec<BatchItem>, ClientError> {
        let outgoing = Outgoing {
            path: "/api/v1/audit/logs",
            content_type: "application/x-ndjson",
            idempotency_key: None,
            body,
        };
        let counted = |error: &ClientError| match error {
            ClientError::GaveUp { .. } => add(&self.counters().given_up, count),
            _ => add(&self.counters().refused, count),
        };
        let Answer { status, body } = self.post(&outgoing).await.inspect_err(counted)?;
        if status.as_u16() != 207 {
            add(&self.counters().refused, count);
            let problem = Box::new(Problem::from_body(&body));
            return Err(ClientError::Refused {
                status: status.as_u16(),
                problem,
            });
        }
        let reply: WireReply =
            serde_json::from_slice(&body).map_err(|error| ClientError::Protocol(error.to_string()))?;
        if reply.items.len() != count {
            let message = format!("{count} events were sent, {} answered", reply.items.len());
            return Err(ClientError::Protocol(message));
        }
        Ok(reply.items)
    }
}

/// The lines that are not blank. Each must name its event, or an attempt after a lost answer would record it twice.
fn lines_of(ndjson: &Bytes) -> Result<Vec<Bytes>, ClientError> {
    let mut lines = Vec::new();
    for (number, line) in ndjson.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let identified: Result<Identified, _> = serde_json::from_slice(line);
        identified.map_err(|error| ClientError::Event(format!("line {}: {error}", number + 1)))?;
        lines.push(ndjson.slice_ref(line));
    }
    if lines.is_empty() {
        return Err(ClientError::Event("the batch is empty".into()));
    }
    Ok(lines)
}

fn join(lines: &[Bytes], chosen: &[usize]) -> Bytes {
    let mut body = BytesMut::new();
    for line in chosen {
        body.put_slice(&lines[*line]);
        body.put_u8(b'\n');
    }
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_id_is_refused_by_its_number() {
        let id = Uuid::nil();
        let ndjson = format!("{{\"event_id\":\"{id}\"}}\n\n{{\"application\":\"a\"}}\n");
        let error = lines_of(&Bytes::from(ndjson)).unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
    }
}
