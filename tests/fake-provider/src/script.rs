//! What happens on the wire, step by step: an answer and a behaviour become data, pauses and breaks.

use std::{collections::VecDeque, io, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue};
use hyper::body::Frame;

use crate::{answer::Answer, behaviour::Behaviour};

/// A stalled answer holds its connection at most this long.
const LONGEST_STALL: Duration = Duration::from_secs(600);
const SLOW_PACE: Duration = Duration::from_millis(100);
/// A plain answer that is not sent at once is sent in this many parts.
const PARTS: usize = 8;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Data(Bytes),
    Pause(Duration),
    Stall,
    Cut,
    Trailers,
}

/// The steps of an answer.
pub(crate) fn script(
    answer: &Answer,
    behaviour: Behaviour,
    pace: Duration,
    has_trailers: bool,
) -> VecDeque<Step> {
    let pace = if behaviour == Behaviour::Slow {
        SLOW_PACE
    } else {
        pace
    };
    let is_whole =
        !answer.is_stream && !matches!(behaviour, Behaviour::Slow | Behaviour::Stall | Behaviour::Cut);
    let chunks = if answer.is_stream || is_whole {
        answer.chunks.clone()
    } else {
        in_parts(&answer.chunks.concat())
    };
    let breaks_after = match behaviour {
        Behaviour::Stall | Behaviour::Cut => chunks.len().div_ceil(2),
        _ => chunks.len(),
    };
    let mut steps = VecDeque::new();
    for (index, chunk) in chunks.into_iter().take(breaks_after).enumerate() {
        if index > 0 && !pace.is_zero() {
            steps.push_back(Step::Pause(pace));
        }
        steps.push_back(Step::Data(chunk));
    }
    match behaviour {
        Behaviour::Stall => steps.push_back(Step::Stall),
        Behaviour::Cut => steps.push_back(Step::Cut),
        _ if has_trailers => steps.push_back(Step::Trailers),
        _ => {}
    }
    steps
}

fn in_parts(body: &[u8]) -> Vec<Bytes> {
    let part_bytes = body.len().div_ceil(PARTS).max(1);
    body.chunks(part_bytes).map(Bytes::copy_from_slice).collect()
}

/// The steps as a body.
pub(crate) fn play(steps: VecDeque<Step>) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    stream::unfold(steps, |mut steps| async move {
        loop {
            match steps.pop_front()? {
                Step::Data(bytes) => return Some((Ok(Frame::data(bytes)), steps)),
                Step::Pause(pause) => tokio::time::sleep(pause).await,
                Step::Stall => tokio::time::sleep(LONGEST_STALL).await,
                // hyper sends what it has, then closes without the end of the body.
                Step::Cut => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    return Some((Err(io::Error::other("cut on request")), steps));
                }
                Step::Trailers => {
                    let mut trailers = HeaderMap::new();
                    trailers.insert("x-fake-trailer", HeaderValue::from_static("the end"));
                    return Some((Ok(Frame::trailers(trailers)), steps));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_the_answer_comes_before_a_break() {
        let stream = Answer::sse([json!(1), json!(2), json!(3), json!(4)], None);
        let pace = Duration::from_millis(2);
        let steps = script(&stream, Behaviour::Cut, pace, true);
        let expected = [
            Step::Data(stream.chunks[0].clone()),
            Step::Pause(pace),
            Step::Data(stream.chunks[1].clone()),
            Step::Cut,
        ];
        assert_eq!(steps, expected);
        let plain = Answer::json(&json!({"text": "something longer than eight bytes"}));
        let sent: usize = script(&plain, Behaviour::Stall, Duration::ZERO, false)
            .iter()
            .map(|step| {
                if let Step::Data(data) = step {
                    data.len()
                } else {
                    0
                }
            })
            .sum();
        assert!(sent > 0 && sent < plain.chunks[0].len(), "{sent}");
    }

    #[test]
    fn a_plain_answer_that_goes_well_is_one_chunk() {
        let plain = Answer::json(&json!({}));
        let steps = script(&plain, Behaviour::Well, Duration::from_millis(2), false);
        assert_eq!(steps, [Step::Data(plain.chunks[0].clone())]);
    }
}
