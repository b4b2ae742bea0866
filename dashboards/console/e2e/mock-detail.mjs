import { generator } from "./mock-data.mjs";

const questions = {
  credit_limit:
    "Customer asks to raise the card limit from 4,000 to 9,500. Income statement attached. Contact: %s. Recommend approve, decline or refer, with reasons.",
  loan_precheck:
    "Pre-check this application for a 25,000 loan over 60 months. Applicant %s, employed since 2019.",
  transaction_review:
    "Review: card payment of 1,940.00 at 03:12 from a new device. Account holder %s. Fraud or not?",
  customer_reply: "Reply to this customer: 'I was charged twice, please call me.' Details: %s",
  discharge_summary:
    "Write the discharge summary. 67-year-old patient, pneumonia, 5 days intravenous then oral antibiotics. Next of kin: %s.",
  medication_check: "Check for interactions: warfarin 3 mg, clarithromycin 500 mg. Patient contact %s.",
  urgency: "Triage: chest pressure for 40 minutes, radiating to the left arm. Caller %s.",
  clause_risk: "Assess clause 14.2 (unlimited indemnity) for the buyer's side. Counterparty contact %s.",
  case_search: "Find authorities on frustration of contract after supply bans. Requested by %s.",
};

const answers = {
  credit_limit:
    "Recommendation: refer.\n\n1. The stated income supports a limit of up to 8,000.\n2. Two late payments within 12 months.\n3. Confirmation will be sent to %s.\n\nA credit officer should decide on the remaining 1,500.",
  loan_precheck:
    "The pre-check passes. Debt-to-income 31 %, no adverse entries. Next step: identity check for %s.",
  transaction_review:
    "Likely fraud (score 0.87): new device, unusual hour, foreign merchant. Block the card and call %s.",
  customer_reply:
    "I am sorry for the double charge. The second booking has been reversed and will show within two days. We will contact you at %s.",
  discharge_summary:
    "The patient was treated for community-acquired pneumonia with good response. Control X-ray in six weeks. Informed: %s.",
  medication_check:
    "Major interaction: clarithromycin raises the INR under warfarin. Choose azithromycin or check the INR within 3 days. Notify %s.",
  urgency: "Immediate. Suspected acute coronary syndrome: send the emergency team, keep %s on the line.",
  clause_risk:
    "High risk: the indemnity is uncapped and survives termination. Propose a cap at 12 months' fees. Send the redline to %s.",
  case_search:
    "Three authorities are on point; the strongest distinguishes temporary from permanent bans. A memo follows to %s.",
};

function texts(record) {
  const names = record.hidden.tokens.map((entry) => entry.token);
  const fill = (template) => template.replace("%s", names.join(", ") || "on file");
  return { question: fill(questions[record.decision_type]), answer: fill(answers[record.decision_type]) };
}

const instructions = "You assist a regulated company. State reasons. Never decide alone: recommend.";

function bodies(record) {
  const { question, answer } = texts(record);
  if (record.status >= 400) {
    const error = {
      type: record.status === 429 ? "rate_limit_error" : "api_error",
      message: "The service is overloaded. Please retry.",
    };
    return {
      request: chatRequest(record, question),
      response: JSON.stringify({ error }),
      type: "application/json",
    };
  }
  if (record.provider === "anthropic") return anthropic(record, question, answer);
  if (record.operation === "embeddings") {
    const response = {
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: Array(1536).fill(0.0123) }],
    };
    return {
      request: JSON.stringify({ model: record.model_requested, input: question }),
      response: JSON.stringify(response),
      type: "application/json",
    };
  }
  if (record.streamed) return chatStream(record, question, answer);
  const choices = [{ index: 0, message: { role: "assistant", content: answer }, finish_reason: "stop" }];
  const response = {
    id: "chatcmpl-9x",
    object: "chat.completion",
    model: record.model,
    choices,
    usage: { prompt_tokens: record.input_tokens, completion_tokens: record.output_tokens },
  };
  return {
    request: chatRequest(record, question),
    response: JSON.stringify(response),
    type: "application/json",
  };
}

function chatRequest(record, question) {
  return JSON.stringify({
    model: record.model_requested,
    temperature: 0.2,
    max_tokens: 800,
    stream: record.streamed,
    messages: [
      { role: "system", content: instructions },
      { role: "user", content: question },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "call_81",
            type: "function",
            function: { name: "lookup_account", arguments: '{"account":"on file","months":12}' },
          },
        ],
      },
      { role: "tool", tool_call_id: "call_81", content: '{"late_payments":2,"average_balance":"1843.20"}' },
    ],
    tools: [{ type: "function", function: { name: "lookup_account", parameters: { type: "object" } } }],
  });
}

function chatStream(record, question, answer) {
  const kept = record.interrupted ? answer.slice(0, Math.floor(answer.length / 3)) : answer;
  const chunks = kept.match(/\S+\s*/g) ?? [];
  const events = chunks.map(
    (content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`,
  );
  const end = record.interrupted ? "" : "data: [DONE]\n\n";
  return {
    request: chatRequest(record, question),
    response: events.join("") + end,
    type: "text/event-stream",
  };
}

function anthropic(record, question, answer) {
  const request = {
    model: record.model_requested,
    max_tokens: 1024,
    system: instructions,
    messages: [{ role: "user", content: question }],
  };
  const content = [
    {
      type: "thinking",
      thinking: "The file supports the request in part. Weigh the late payments against the income.",
    },
    { type: "text", text: answer },
  ];
  const response = {
    id: "msg_01",
    type: "message",
    role: "assistant",
    model: record.model,
    content,
    stop_reason: "end_turn",
  };
  return { request: JSON.stringify(request), response: JSON.stringify(response), type: "application/json" };
}

const urls = {
  openai: "https://api.openai.com/v1/chat/completions",
  azure: "https://northgate.openai.azure.com/openai/deployments/gpt-4o-eu/chat/completions",
  anthropic: "https://api.anthropic.com/v1/messages",
  ollama: "http://models.internal:11434/v1/chat/completions",
};

export function publicPart(record) {
  const { hidden: _, ...rest } = record;
  return rest;
}

/** The detail of one record, as `GET /api/v1/audit/logs/{id}` answers it. */
export function detailOf(record, outcomes, sealed) {
  const random = generator(record.hidden.seed);
  const { question, answer } = texts(record);
  const { request, response, type } = bodies(record);
  const { model } = record.hidden;
  const money = (units) =>
    `${String(units).padStart(11, "0").slice(0, -10)}.${String(units).padStart(11, "0").slice(-10)}`;
  const priced = record.cost !== null;
  return {
    ...publicPart(record),
    request: { method: "POST", url: urls[record.provider], body: request },
    response: { status: record.status, content_type: type, body: response },
    text: `${question}\n${answer}`,
    attributes: {
      tags: { team: "retail", release: "2026.11" },
      metadata: { case: `C-${4000 + (record.hidden.seed % 900)}`, locale: "en-GB" },
      trace: { trace_id: random.hex(32), span_id: random.hex(16) },
    },
    cost_detail: {
      input: priced ? money(record.input_tokens * model.input) : null,
      output: priced ? money(record.output_tokens * model.output) : null,
      total: record.cost,
      currency: "USD",
      price_version: "2026-11-23+9f2c41d07b6e",
      rule: priced ? `${record.provider}/${record.model_requested}@2024-10-01` : "",
      unpriced_reason: record.unpriced_reason,
    },
    redactions: record.hidden.tokens.map(({ entity, token }, index) => ({
      token,
      entity,
      band: "A",
      rule: `${entity.toLowerCase()}.v1`,
      field: index % 2 === 0 ? "/messages/1/content" : "/choices/0/message/content",
      slot: 16 + index,
    })),
    outcomes,
    source: {
      sdk: "aal-python",
      version: "0.1.0",
      instance: `${record.application}-7c9d`,
      epoch: 1,
      sequence: record.hidden.seed,
    },
    ledger: {
      ...record.ledger,
      chain: `${record.tenant}/${record.ledger.shard}`,
      leaf_hash: random.hex(64),
      prev_leaf_hash: random.hex(64),
      state: sealed ? "sealed" : "appended",
      epoch: sealed ? 4711 : null,
      tree_size: sealed ? 752 : null,
    },
  };
}
