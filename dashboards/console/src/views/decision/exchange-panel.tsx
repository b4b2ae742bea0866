import { useMemo, useState } from "react";
import type { LogDetail } from "../../api/types";
import { CopyButton } from "../../components/copy-button";
import { RedactedText } from "../../components/redacted-text";
import { type Tab, Tabs } from "../../components/tabs";
import { Button, EmptyState } from "../../components/ui";
import { readRequest } from "../../exchange/request";
import { readResponse } from "../../exchange/response";
import { pretty } from "../../exchange/turns";
import { formatCount, words } from "../../lib/number";
import { Conversation } from "./conversation";

const views: readonly Tab[] = [
  { id: "conversation", label: "Conversation" },
  { id: "request", label: "Raw request" },
  { id: "response", label: "Raw response" },
];

/** What was sent and what came back: as a conversation, and to the letter. */
export function ExchangePanel({ log }: { log: LogDetail }) {
  const [view, setView] = useState("conversation");
  const { request, response } = log;
  return (
    <section className="rounded-md border border-line bg-panel">
      <Tabs tabs={views} chosen={view} onChoose={setView} label="Exchange">
        {view === "conversation" && <ConversationTab log={log} />}
        {view === "request" && (
          <Raw
            head={[request?.method, request?.url].filter(Boolean).join(" ")}
            body={request?.body}
            empty="No request was recorded."
          />
        )}
        {view === "response" && (
          <Raw
            head={[response?.status, response?.content_type].filter(Boolean).join(" · ")}
            body={response?.body}
            empty="No response was recorded."
          />
        )}
      </Tabs>
    </section>
  );
}

function ConversationTab({ log }: { log: LogDetail }) {
  const request = useMemo(() => readRequest(log.request?.body), [log.request]);
  const response = useMemo(() => readResponse(log.response?.body), [log.response]);
  // What the console cannot read itself, the service may have read as text.
  const asked = request?.turns ?? [];
  const answered = response ?? [];

  if (asked.length === 0 && answered.length === 0) {
    if ((log.sealed_texts ?? []).length > 0) {
      return (
        <EmptyState title="The text of this decision is sealed">
          Its policy keeps no text in the clear. Reveal values opens it, for a reason that is recorded.
        </EmptyState>
      );
    }
    if (log.content === "digest") {
      return (
        <EmptyState title="Only a digest of the text is kept">
          Whoever has the text can show that it is the one; nobody can read it here.
        </EmptyState>
      );
    }
    return log.text ? <PlainText text={log.text} /> : <NoText log={log} />;
  }
  return (
    <>
      <Conversation label="What the model was sent" turns={asked} />
      <div className="flex flex-wrap items-center gap-x-3 border-y border-line bg-sunken px-3 py-1 text-xs text-muted">
        <span className="font-semibold">{log.model || log.model_requested || log.provider} answered</span>
        {log.streamed && <span>streamed</span>}
        {log.interrupted && <span className="text-warn">the stream broke off; this is what had arrived</span>}
        {log.finish_reasons.length > 0 && <span>finished: {log.finish_reasons.join(", ")}</span>}
      </div>
      {answered.length > 0 ? (
        <Conversation label="What the model answered" turns={answered} answer />
      ) : (
        <p className="px-3 py-2 text-muted">
          Nothing came back{log.error_type ? `: ${log.error_type}` : "."}
        </p>
      )}
      {request && (request.settings.length > 0 || request.tools.length > 0) && (
        <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-0.5 border-t border-line px-3 py-2 text-xs">
          {request.settings.map(({ name, value }) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="font-mono break-words whitespace-pre-wrap">
                <RedactedText text={value.length > 400 ? `${value.slice(0, 400)}…` : value} />
              </dd>
            </div>
          ))}
          {request.tools.length > 0 && (
            <>
              <dt className="text-muted">tools offered</dt>
              <dd className="font-mono break-words">{request.tools.join(", ")}</dd>
            </>
          )}
        </dl>
      )}
    </>
  );
}

function PlainText({ text }: { text: string }) {
  return (
    <p className="max-w-[90ch] px-3 py-2 leading-relaxed break-words whitespace-pre-wrap">
      <RedactedText text={text} />
    </p>
  );
}

function NoText({ log }: { log: LogDetail }) {
  if (log.erased) {
    return (
      <EmptyState title="The texts of this record were erased">
        The ledger still proves that it was written and when; erasure leaves a record of its own.
      </EmptyState>
    );
  }
  if (log.reason) return <EmptyState title={`This record is ${words(log.kind)}`}>{log.reason}</EmptyState>;
  return (
    <EmptyState title="No text is stored for this record">
      {log.kind === "event" && "The application's policy may keep only a digest of it."}
    </EmptyState>
  );
}

const shownAtFirst = 60_000;

function Raw({ head, body, empty }: { head: string; body: unknown; empty: string }) {
  const [whole, setWhole] = useState(false);
  const text = useMemo(() => pretty(body), [body]);
  if (!head && !text) return <EmptyState title={empty} />;
  const shown = whole ? text : text.slice(0, shownAtFirst);
  return (
    <div>
      <div className="flex items-center justify-between gap-3 border-b border-line px-3 py-1">
        <code className="min-w-0 truncate font-mono text-xs" title={head}>
          <RedactedText text={head} />
        </code>
        <CopyButton text={typeof body === "string" ? body : text} />
      </div>
      <pre className="overflow-x-auto px-3 py-2 font-mono text-xs leading-relaxed break-words whitespace-pre-wrap">
        {shown ? <RedactedText text={shown} /> : <span className="text-muted">(empty body)</span>}
      </pre>
      {shown.length < text.length && (
        <div className="border-t border-line p-2 text-center">
          <Button onClick={() => setWhole(true)}>Show all {formatCount(text.length)} characters</Button>
        </div>
      )}
    </div>
  );
}
