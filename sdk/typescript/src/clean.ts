/** Credentials in a provider's address never enter an event. The edge removes them, too: `ingest/src/clean.rs`. */

const CREDENTIAL_PARAMETERS = new Set(
  (
    "access_key access_token api-key api_key apikey auth authorization client_secret code key password secret sig " +
    "signature subscription-key token x-api-key"
  ).split(" "),
);
const SIGNED_PREFIXES = ["x-amz-", "x-goog-", "x-oss-"];

/** The address without user-info, credential parameters and credentials in the fragment. */
export function withoutCredentials(url: string): string {
  const [rest, fragment] = cutAt(url, "#");
  const [address, query] = cutAt(rest, "?");
  const keptQuery = kept(query);
  const keptFragment = kept(fragment);
  return (
    withoutUserInfo(address) + (keptQuery ? `?${keptQuery}` : "") + (keptFragment ? `#${keptFragment}` : "")
  );
}

/** The lower-case host of an address. */
export function hostOf(url: string): string | undefined {
  const [, rest] = cutAt(withoutUserInfo(url), "://");
  const authority = (rest.split(/[/?#]/, 1)[0] ?? "").toLowerCase();
  const host = authority.startsWith("[") ? cutAt(authority.slice(1), "]")[0] : cutAt(authority, ":")[0];
  return host || undefined;
}

function cutAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}

function withoutUserInfo(address: string): string {
  const scheme = address.indexOf("://");
  if (scheme < 0) return address;
  const rest = address.slice(scheme + 3);
  const authorityEnd = rest.search(/[/\\]/);
  const at = rest.slice(0, authorityEnd < 0 ? rest.length : authorityEnd).lastIndexOf("@");
  return at < 0 ? address : `${address.slice(0, scheme)}://${rest.slice(at + 1)}`;
}

function kept(parameters: string): string {
  return parameters
    .split("&")
    .filter((parameter) => !isCredential(parameter))
    .join("&");
}

function isCredential(parameter: string): boolean {
  const at = parameter.indexOf("=");
  if (at < 0) return false;
  const name = percentDecoded(parameter.slice(0, at)).toLowerCase();
  return CREDENTIAL_PARAMETERS.has(name) || SIGNED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
