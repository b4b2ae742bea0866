//! How the providers say no.

use super::{Answer, Call, Fate};
use crate::{catalogue::Api, rng::Rng};

type Failure = (Option<Answer>, (String, String));

/// The provider's refusal, or `None` when the call was answered.
pub fn failure(call: &Call<'_>, fate: Fate, rng: &mut Rng) -> Option<Failure> {
    let (status, kind, message) = match fate {
        Fate::Answered | Fate::BrokenOff => return None,
        Fate::TimedOut => {
            let error = (
                "timeout".to_owned(),
                "the read operation timed out after 60 s".to_owned(),
            );
            return Some((None, error));
        }
        Fate::RateLimited => (429, "rate_limit_exceeded", rate_limit_message(call, rng)),
        Fate::ServerError if call.route.api == Api::Messages => {
            (529, "overloaded_error", "Overloaded".to_owned())
        }
        Fate::ServerError => {
            let message = "The server had an error while processing your request. Sorry about that!";
            (500, "server_error", message.to_owned())
        }
        Fate::Filtered => {
            let message = "The response was filtered due to the prompt triggering Azure OpenAI's content management \
                           policy. Please modify your prompt and retry.";
            (400, "content_filter", message.to_owned())
        }
    };
    let body = match call.route.api {
        Api::Messages => format!(
            r#"{{"type":"error","error":{{"type":"{}","message":"{message}"}},"request_id":"req_011{}"}}"#,
            if status == 429 { "rate_limit_error" } else { kind },
            rng.base62(21),
        ),
        _ if fate == Fate::Filtered => format!(
            r#"{{"error":{{"message":"{message}","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{{"code":"ResponsibleAIPolicyViolation","content_filter_result":{{"hate":{{"filtered":false,"severity":"safe"}},"jailbreak":{{"filtered":false,"detected":false}},"self_harm":{{"filtered":false,"severity":"safe"}},"sexual":{{"filtered":false,"severity":"safe"}},"violence":{{"filtered":true,"severity":"medium"}}}}}}}}}}"#
        ),
        _ => format!(
            "{{\n    \"error\": {{\n        \"message\": \"{message}\",\n        \"type\": \"{}\",\n        \
             \"param\": null,\n        \"code\": {}\n    }}\n}}\n",
            if status == 429 { "tokens" } else { kind },
            if status == 429 {
                format!("\"{kind}\"")
            } else {
                "null".to_owned()
            },
        ),
    };
    let answer = Answer {
        status,
        content_type: "application/json",
        body,
    };
    Some((Some(answer), (kind.to_owned(), message)))
}

fn rate_limit_message(call: &Call<'_>, rng: &mut Rng) -> String {
    if call.route.api == Api::Messages {
        return "This request would exceed your organization's rate limit of 400,000 input tokens per minute.".to_owned();
    }
    let used = rng.between(430_000, 449_999);
    let wait_ms = rng.between(120, 2_400);
    format!(
        "Rate limit reached for {} on tokens per min (TPM): Limit 450000, Used {used}, Requested {}. Please try again in {wait_ms}ms.",
        call.route.model,
        call.input_tokens() + 20_000,
    )
}
