/** Puts an auditing `fetch` into a client. */

import { WrapError } from "./errors.js";
import type { Fetch } from "./fetch.js";

// OpenTelemetry GenAI names by the class of a client; the first that fits.
const PROVIDERS: [RegExp, string][] = [
  [/^AzureOpenAI/, "azure"],
  [/^OpenAI/, "openai"],
  [/^AnthropicBedrock/, "aws.bedrock"],
  [/^AnthropicVertex/, "gcp.vertex_ai"],
  [/^AnthropicFoundry/, "azure"],
  [/^Anthropic/, "anthropic"],
  [/^Groq/, "groq"],
];
const HINT =
  "wrap takes the openai, @anthropic-ai/sdk and groq-sdk clients; give any other client audit.fetch() " +
  "where it takes a fetch, or use audit.record(...)";

/** The layer as a wrapped `fetch` knows it. */
export interface Wrapper {
  fetch(inner: Fetch | undefined, options: { provider?: string | undefined }): Fetch;
}

const wrappedBy = new WeakMap<object, Wrapper>();

interface StainlessClient {
  fetch: Fetch;
  _options: { fetch?: Fetch };
}

/** See `AuditLayer.wrap`. */
export function wrap<Client extends object>(
  layer: Wrapper,
  client: Client,
  provider: string | undefined,
): Client {
  const before = client && typeof client === "object" ? wrappedBy.get(client) : undefined;
  if (before === layer) return client;
  if (before) throw new WrapError("this client is already recorded by another AuditLayer; wrap it once");
  if (!isStainless(client)) {
    const kind = (client as { constructor?: { name?: string } } | null)?.constructor?.name ?? typeof client;
    throw new WrapError(`no fetch was found in ${kind}. ${HINT}`);
  }
  const audited = layer.fetch(client.fetch, { provider: provider ?? providerOf(client) });
  client.fetch = audited;
  // `withOptions` makes a new client from these.
  client._options.fetch = audited;
  wrappedBy.set(client, layer);
  return client;
}

function isStainless(client: unknown): client is StainlessClient {
  const candidate = client as Partial<StainlessClient> | null;
  return (
    typeof candidate === "object" &&
    typeof candidate?.fetch === "function" &&
    typeof candidate._options === "object" &&
    candidate._options !== null
  );
}

function providerOf(client: object): string | undefined {
  for (let kind = client.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) {
    const found = PROVIDERS.find(([name]) => name.test(kind.name));
    if (found) return found[1];
  }
  return undefined;
}
