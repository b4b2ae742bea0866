const stepMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_592_000_000 };

const utc = (timeMs) => new Date(timeMs).toISOString().replace("Z", "000Z");

function percentiles(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function values(records) {
  const sum = (pick) => records.reduce((total, record) => total + (pick(record) ?? 0), 0);
  const merged = (pick) => {
    const counts = {};
    for (const record of records) {
      for (const [name, count] of Object.entries(pick(record))) counts[name] = (counts[name] ?? 0) + count;
    }
    return counts;
  };
  const digits = String(sum((record) => record.hidden.units)).padStart(11, "0");
  const known = (pick) => records.map(pick).filter((value) => value !== null);
  return {
    calls: records.length,
    errors: sum((record) => (record.status >= 400 ? 1 : 0)),
    latency_ms: percentiles(known((record) => record.duration_ms)),
    first_token_ms: percentiles(known((record) => record.first_token_ms)),
    tokens: merged((record) => record.usage),
    input_tokens: sum((record) => record.input_tokens),
    output_tokens: sum((record) => record.output_tokens),
    cost: records.some((record) => record.cost !== null)
      ? `${digits.slice(0, -10)}.${digits.slice(-10)}`
      : null,
    unpriced: sum((record) => (record.unpriced_reason ? 1 : 0)),
    redactions: merged((record) => record.pii),
    flagged: sum((record) => (record.flagged ? 1 : 0)),
    overrides: sum((record) => (record.overridden ? 1 : 0)),
  };
}

function groupBy(list, key) {
  const groups = new Map();
  for (const entry of list) {
    const name = key(entry);
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return groups;
}

/** `GET /api/v1/metrics` over these records. */
export function metricsOf(records, query) {
  const interval = query.interval ?? "day";
  const names = (query.group_by ?? "").split(",").filter(Boolean);
  const step = stepMs[interval];
  const series = [
    ...groupBy(records, (record) => JSON.stringify(names.map((name) => String(record[name])))),
  ].map(([key, members]) => ({
    group: Object.fromEntries(JSON.parse(key).map((value, index) => [names[index], value])),
    points: [...groupBy(members, (record) => Math.floor(Date.parse(record.occurred_at) / step) * step)]
      .sort((left, right) => left[0] - right[0])
      .map(([timeMs, inside]) => ({ t: utc(timeMs), ...values(inside) })),
  }));
  return { from: query.from, to: query.to, interval, group_by: names, series, totals: values(records) };
}
