const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** `12,345`; a missing count is a dash, never 0. */
export function formatCount(count: number | null | undefined): string {
  return count === null || count === undefined ? "–" : whole.format(count);
}

/** `12.3K`, for axes. */
export function formatCompact(count: number): string {
  return Math.abs(count) < 1000 ? String(Number(count.toPrecision(6))) : compact.format(count);
}

/** `3.2 %` of a whole; a dash when there is no whole. */
export function formatShare(part: number, total: number): string {
  if (total === 0) return "–";
  const percent = (part / total) * 100;
  return `${percent > 0 && percent < 0.1 ? "<0.1" : percent.toFixed(1)} %`;
}

/** `1.4 MB`, for file sizes. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** `output_reasoning` as `output reasoning`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}
