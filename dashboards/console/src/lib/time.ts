/** Times are shown in UTC; the reader's own zone is in the tooltip. */

/** `2026-11-23 13:31:21`, or with `micros` every digit the record has. Unreadable input comes back as it is. */
export function formatUtc(rfc3339: string, precision: "minute" | "second" | "full" = "second"): string {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/.exec(rfc3339);
  if (!match) return rfc3339;
  const [, date, minutes, seconds = ":00", fraction = "", zone = "Z"] = match;
  if (zone !== "Z" && !/^[+-]00:?00$/.test(zone)) {
    return formatUtc(new Date(rfc3339).toISOString(), precision);
  }
  if (precision === "minute") return `${date} ${minutes}`;
  if (precision === "second") return `${date} ${minutes}${seconds}`;
  return `${date} ${minutes}${seconds}${fraction}`;
}

/** The same instant in the browser's zone, named. */
export function formatLocal(rfc3339: string, timeZone?: string): string {
  const time = new Date(rfc3339);
  if (Number.isNaN(time.getTime())) return "";
  const format = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "long",
    ...(timeZone ? { timeZone } : {}),
  });
  return format.format(time);
}

/** `850 ms`, `1.25 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${trimZeros((milliseconds / 1000).toFixed(2))} s`;
  const wholeSeconds = Math.round(milliseconds / 1000);
  const hours = Math.floor(wholeSeconds / 3600);
  const minutes = Math.floor((wholeSeconds % 3600) / 60);
  const seconds = wholeSeconds % 60;
  if (hours > 0) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
}

/** The value of a `datetime-local` input for a UTC instant. */
export function toInputValue(rfc3339: string): string {
  const time = new Date(rfc3339);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 16);
}

/** A `datetime-local` value, read as UTC. */
export function fromInputValue(value: string): string {
  const time = new Date(`${value}Z`);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().replace(".000Z", "Z");
}

function trimZeros(text: string): string {
  return text.replace(/\.?0+$/, "");
}
