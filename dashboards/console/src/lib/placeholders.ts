/** Placeholder tokens that redaction leaves in a text: `[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]`. */

export type Segment =
  | { kind: "text"; text: string }
  | { kind: "placeholder"; token: string; entity: string; keyVersion: number; id: string; trusted: boolean };

// 16 characters of Crockford base32 (no I, L, O, U).
const tokenShape = /\[\[([A-Z][A-Z0-9_]*):k(\d+):([0-9A-HJKMNP-TV-Z]{16})\]\]/g;

/**
 * Splits a text at its placeholders. Only tokens in `known` were made by redaction; a look-alike that
 * somebody typed is marked untrusted so that it is never shown as a removed value.
 */
export function splitPlaceholders(text: string, known: ReadonlySet<string>): Segment[] {
  const segments: Segment[] = [];
  let position = 0;
  for (const match of text.matchAll(tokenShape)) {
    const [token, entity = "", keyVersion = "0", id = ""] = match;
    if (match.index > position) segments.push({ kind: "text", text: text.slice(position, match.index) });
    const trusted = known.has(token);
    segments.push({ kind: "placeholder", token, entity, keyVersion: Number(keyVersion), id, trusted });
    position = match.index + token.length;
  }
  if (position < text.length) segments.push({ kind: "text", text: text.slice(position) });
  return segments;
}

/** `[Email address 9hbd]` for each placeholder of a text, for places too small for chips. */
export function shortenPlaceholders(text: string): string {
  return text.replace(tokenShape, (_, entity: string, _version: string, id: string) => {
    return `[${entityLabel(entity)} ${shortId(id)}]`;
  });
}

/** Enough of a placeholder's id to tell two values of one record apart. */
export function shortId(id: string): string {
  return id.slice(-4).toLowerCase();
}

const acronyms = new Set([
  "IP",
  "SSN",
  "IBAN",
  "API",
  "AWS",
  "US",
  "UK",
  "URL",
  "ID",
  "MRN",
  "BIC",
  "VAT",
  "PHI",
]);

/** `EMAIL_ADDRESS` as `Email address`, `US_SSN` as `US SSN`. */
export function entityLabel(entity: string): string {
  const words = entity.split("_").map((word) => (acronyms.has(word) ? word : word.toLowerCase()));
  const label = words.join(" ");
  return label.charAt(0).toUpperCase() + label.slice(1);
}
