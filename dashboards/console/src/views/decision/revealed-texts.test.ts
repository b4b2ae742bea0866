import { expect, test } from "vitest";
import type { LogDetail } from "../../api/types";
import { withRevealedTexts } from "./revealed-texts";

const log = {
  request: { method: "POST", url: "/v1", body: "" },
  response: { status: 200, content_type: "application/json", body: "kept" },
  attributes: { tags: { a: "b" } },
} as unknown as LogDetail;

test("nothing revealed leaves the record as it is", () => {
  expect(withRevealedTexts(log, {})).toBe(log);
  expect(withRevealedTexts(log, { "[[EMAIL_ADDRESS:k1:0123456789ABCDEF]]": "a@b.example" })).toBe(log);
});

test("sealed texts stand where they belong, erased ones stay empty", () => {
  const shown = withRevealedTexts(log, {
    request_body: '{"model":"m"}',
    response_body: null,
    details: '{"error":{"message":"late"}}',
  });
  expect(shown.request?.body).toBe('{"model":"m"}');
  expect(shown.response?.body).toBe("kept");
  expect(shown.attributes).toEqual({ tags: { a: "b" }, error: { message: "late" } });
});

test("details that are no object are shown as they are", () => {
  expect(withRevealedTexts(log, { details: "{" }).attributes).toEqual({ tags: { a: "b" }, details: "{" });
});
