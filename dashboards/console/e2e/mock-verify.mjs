// Verifications of the whole ledger that end after three looks.

const names = ["CONTENT", "IDENTITY", "TIME", "WITNESS", "SCOPE", "ERASURE", "REPORT"];
const unproven = {
  WITNESS: "the policy names no witnesses",
  ERASURE: null,
  REPORT: null,
};

const verdictOf = (verdict) => {
  const isProven = !(verdict in unproven);
  const what = unproven[verdict];
  return {
    verdict,
    status: isProven ? "pass" : "unproven",
    is_required: isProven,
    checked: isProven ? 25_000 : 0,
    refuted: 0,
    unproven: what ? 1 : 0,
    findings: what ? [{ verdict, severity: "unproven", what }] : [],
  };
};

export class MockVerifications {
  #looks = 0;
  #begun = false;

  begin() {
    this.#looks = 0;
    this.#begun = true;
    return { status: 202, body: this.#state() };
  }

  newest() {
    return this.#begun ? [this.#state()] : [];
  }

  look() {
    this.#looks += 1;
    return this.#state();
  }

  #state() {
    const isDone = this.#looks >= 3;
    const read = Math.min(this.#looks, 3);
    return {
      id: "0190f0aa-0000-7000-8000-0000000000f1",
      tenant: null,
      requested_by: "0190f0aa-0000-7000-8000-000000000001",
      started_at: "2026-03-02T09:00:00Z",
      finished_at: isDone ? "2026-03-02T09:00:03Z" : null,
      state: isDone ? "done" : "running",
      policy: { origin: "audit.example/anchor", sha256: "5d".repeat(32) },
      known_head: { epoch: 41, checkpoint: "audit.example/anchor\n42\n" },
      earlier_head: { verification: "0190f0aa-0000-7000-8000-0000000000f0", epoch: 17 },
      progress: {
        epochs: 42,
        epochs_read: 42,
        chains: 3,
        chains_read: read,
        records: 25_000,
        records_read: read * 8_333,
      },
      outcome: isDone ? "proven" : null,
      report: isDone
        ? {
            records: 25_000,
            sealed: 25_000,
            not_yet_sealed: 0,
            chains: 3,
            epochs: 42,
            unreadable: [],
            verdicts: names.map(verdictOf),
          }
        : null,
      error: null,
    };
  }
}
