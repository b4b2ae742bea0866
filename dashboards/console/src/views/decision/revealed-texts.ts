import type { LogDetail } from "../../api/types";

/** The record with the texts that were sealed as a whole, where they are revealed. */
export function withRevealedTexts(log: LogDetail, revealed: Record<string, string | null>): LogDetail {
  const { request_body: asked, response_body: answered, details } = revealed;
  if (asked == null && answered == null && details == null) return log;
  return {
    ...log,
    request: log.request && { ...log.request, body: asked ?? log.request.body },
    response: log.response && { ...log.response, body: answered ?? log.response.body },
    attributes: { ...log.attributes, ...detailsOf(details) },
  };
}

function detailsOf(text: string | null | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return { details: text };
  }
}
