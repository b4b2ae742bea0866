/**
 * Records every AI model call of an application in the AI Audit Layer.
 *
 *     const audit = new AuditLayer({ url: "http://127.0.0.1:8081", apiKey, application: "loans" });
 *     const client = audit.wrap(new OpenAI());
 *     await audit.context({ userId: "u-1", sessionId: "case-17", subject: "customer-9" }, async (context) => {
 *       await client.chat.completions.create({ ... });
 *       audit.outcome(context.lastEventId, { outcome: "approved", reviewer: "j.doe" });
 *     });
 */

export type { Settings } from "./config.js";
export type { Attribution, Context } from "./context.js";
export { AuditError, AuditUnavailable, ConfigurationError, WrapError } from "./errors.js";
export type { Fetch } from "./fetch.js";
export { AuditLayer, type Outcome } from "./layer.js";
export type { Counts } from "./queue.js";
export type { Half, Recorded } from "./record.js";
export { VERSION } from "./version.js";
