//! Work on several items at a time, with the outcomes taken in the order of the items.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc;

/// Takes items from `produce` until it has none, works on them on so many threads, and hands each outcome to `merge` in
/// order. At most twice as many items as threads are held.
pub(crate) fn in_order<Item: Send, Outcome: Send>(
    threads: usize,
    mut produce: impl FnMut() -> Option<Item>,
    work: impl Fn(Item) -> Outcome + Sync,
    mut merge: impl FnMut(Outcome),
) {
    if threads < 2 {
        while let Some(item) = produce() {
            merge(work(item));
        }
        return;
    }
    let (job_sender, job_receiver) = mpsc::channel::<(u64, Item)>();
    let (outcome_sender, outcomes) = mpsc::channel::<(u64, Outcome)>();
    let jobs = Mutex::new(job_receiver);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (jobs, work, outcome_sender) = (&jobs, &work, outcome_sender.clone());
            scope.spawn(move || {
                loop {
                    // A poisoned lock means that another worker panicked; the scope tells the caller.
                    let job = jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
                    let Some((number, item)) = job else { return };
                    if outcome_sender.send((number, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(outcome_sender);
        let (mut sent, mut merged) = (0u64, 0u64);
        let mut waiting: BTreeMap<u64, Outcome> = BTreeMap::new();
        let mut has_more = true;
        loop {
            while has_more && sent - merged < 2 * threads as u64 {
                has_more = produce().is_some_and(|item| job_sender.send((sent, item)).is_ok());
                sent += u64::from(has_more);
            }
            if merged == sent {
                break;
            }
            let Ok((number, outcome)) = outcomes.recv() else {
                break;
            };
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&merged) {
                merge(outcome);
                merged += 1;
            }
        }
        drop(job_sender);
    });
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn outcomes_come_in_order_whatever_the_threads() {
        for threads in [0, 1, 2, 7] {
            let mut next = 0..200u64;
            let mut merged = Vec::new();
            in_order(
                threads,
                || next.next(),
                |item| {
                    // Later items are quicker.
                    (0..(200 - item) * 50).fold(item, |sum, step| std::hint::black_box(sum ^ step ^ step))
                },
                |outcome| merged.push(outcome),
            );
            assert_eq!(merged, (0..200).collect::<Vec<_>>(), "{threads} threads");
        }
    }
}
