/** A `fetch` that records what passes. Streams are handed on chunk by chunk, at the reader's pace, and copied. */

import type { Capture } from "./capture.js";

export type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];
type Init = NonNullable<Parameters<Fetch>[1]>;

const NO_BODY = new Set([101, 103, 204, 205, 304]);

/** What `fetch` was called with, as far as an event needs it. */
export interface Asked {
  method: string;
  url: string;
  traceparent: string | undefined;
}

/** Reads method, address and trace from what `fetch` was called with. */
export function asked(input: Input, init: Init | undefined): Asked {
  const request = input instanceof Request ? input : undefined;
  const headers = new Headers(init?.headers ?? request?.headers);
  return {
    method: (init?.method ?? request?.method ?? "GET").toUpperCase(),
    url: request ? request.url : String(input),
    traceparent: headers.get("traceparent") ?? undefined,
  };
}

/** Copies the request's body; returns what to call `fetch` with instead. */
export function followRequest(capture: Capture, input: Input, init: Init | undefined): Init | undefined {
  const body = init?.body;
  if (body === undefined || body === null) {
    if (input instanceof Request && input.body && init?.body === undefined) {
      capture.requestReady = gather(capture, input.clone());
    }
    return init;
  }
  if (typeof body === "string") capture.request.add(Buffer.from(body), true);
  else if (body instanceof URLSearchParams) capture.request.add(Buffer.from(body.toString()), true);
  else if (body instanceof ArrayBuffer) capture.request.add(new Uint8Array(body));
  else if (ArrayBuffer.isView(body)) {
    capture.request.add(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  } else if (body instanceof Blob || body instanceof FormData) {
    // A form's boundary is chosen when it is sent: the copy has another one, and the same parts.
    capture.requestReady = gather(capture, new Response(body));
  } else if (isIterable(body)) {
    return { ...init, body: copied(body, capture), duplex: "half" } as Init;
  }
  return init;
}

async function gather(capture: Capture, holder: Request | Response): Promise<void> {
  const body = holder.body as AsyncIterable<Uint8Array> | null;
  if (body) for await (const chunk of body) capture.request.add(chunk);
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })?.[Symbol.asyncIterator] === "function";
}

function copied(body: AsyncIterable<Uint8Array>, capture: Capture): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) return controller.close();
        const chunk = typeof value === "string" ? Buffer.from(value) : value;
        capture.request.add(chunk);
        controller.enqueue(chunk);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

// An answer that is neither read to its end nor cancelled is recorded when it is collected.
const abandoned = new FinalizationRegistry<Capture>((capture) => capture.closed());

/** The answer with a body that is copied while it is read. */
export function followResponse(capture: Capture, response: Response): Response {
  capture.status = response.status;
  capture.contentType = response.headers.get("content-type") ?? undefined;
  if (response.body === null || NO_BODY.has(response.status)) {
    capture.finish();
    return response;
  }
  const body = teed(response.body, capture);
  const followed = new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
  for (const name of ["url", "redirected", "type"] as const) {
    Object.defineProperty(followed, name, { value: response[name] });
  }
  abandoned.register(body, capture, capture);
  return followed;
}

// Node's types leave it out.
interface WithOwnBuffer {
  byobRequest: { respond(bytes: number): void } | null;
}

function teed(body: ReadableStream<Uint8Array>, capture: Capture): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const source = {
    type: "bytes" as const,
    async pull(controller: ReadableByteStreamController): Promise<void> {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            capture.finish();
            // A reader with a buffer of its own waits for it to be given back.
            const pending = (controller as unknown as WithOwnBuffer).byobRequest;
            controller.close();
            pending?.respond(0);
            return;
          }
          if (value.byteLength === 0) continue;
          // Enqueuing hands the buffer over, so the copy comes first.
          capture.chunk(value);
          controller.enqueue(value as Uint8Array<ArrayBuffer>);
          return;
        }
      } catch (error) {
        capture.failed(error);
        throw error;
      }
    },
    async cancel(reason: unknown): Promise<void> {
      capture.closed();
      await reader.cancel(reason);
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}
