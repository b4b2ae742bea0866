//! What became of the cases.

use std::{collections::BTreeMap, fs};

/// How a case was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judge {
    /// The verifier's library, in this process.
    Library,
    /// `audit verify` against the running service, and by the library too where both can.
    Command,
}

/// What a case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Must be refuted, or unproven where only a witness or a kept head could know.
    Attack,
    /// Nothing was touched: must be proven.
    Control,
    /// Only a hint was touched that no evidence rests on: must be proven all the same.
    Hint,
}

/// One case and what became of it.
struct Outcome {
    name: String,
    judge: Judge,
    purpose: Purpose,
    status: i32,
    expected: i32,
    detail: String,
}

impl Outcome {
    /// A line of the table.
    fn print(&self) {
        let judge = match self.judge {
            Judge::Library => "library",
            Judge::Command => "command",
        };
        println!(
            "{:<92} {:>6}  {judge:<8} {:.100}",
            self.name, self.status, self.detail
        );
    }
}

/// All outcomes.
#[derive(Default)]
pub struct Table {
    outcomes: Vec<Outcome>,
}

impl Table {
    /// Notes an outcome, and prints it.
    pub fn note(
        &mut self,
        name: &str,
        judge: Judge,
        purpose: Purpose,
        (status, expected): (i32, i32),
        detail: String,
    ) {
        let is_allowed = match purpose {
            Purpose::Attack => expected == 1 || expected == 3,
            Purpose::Control | Purpose::Hint => expected == 0,
        };
        assert!(is_allowed, "{name} expects {expected}");
        if self.outcomes.is_empty() {
            println!("{:<92} {:>6}  {:<8} refuted by", "case", "status", "judged");
        }
        let outcome = Outcome {
            name: name.to_owned(),
            judge,
            purpose,
            status,
            expected,
            detail,
        };
        outcome.print();
        self.outcomes.push(outcome);
    }

    /// Prints the counts; fails when a case went otherwise than it must.
    pub fn finish(self) {
        self.print_counts();
        let wrong: Vec<String> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.status != outcome.expected)
            .map(|outcome| {
                format!(
                    "{}: {} instead of {}: {:.3000}",
                    outcome.name, outcome.status, outcome.expected, outcome.detail
                )
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{} cases went wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }

    fn print_counts(&self) {
        let count = |is_counted: &dyn Fn(&Outcome) -> bool| {
            self.outcomes.iter().filter(|outcome| is_counted(outcome)).count()
        };
        let attacks =
            |status: i32| count(&|outcome| outcome.purpose == Purpose::Attack && outcome.status == status);
        let by_command =
            count(&|outcome| outcome.purpose == Purpose::Attack && outcome.judge == Judge::Command);
        println!(
            "{} attacks: {} refuted (1), {} unproven (3), {} passed (0), {} unreadable (2); {by_command} of them through audit verify",
            count(&|outcome| outcome.purpose == Purpose::Attack),
            attacks(1),
            attacks(3),
            attacks(0),
            attacks(2),
        );
        let proven = |purpose: Purpose| {
            let of_purpose = count(&|outcome| outcome.purpose == purpose);
            let passed = count(&|outcome| outcome.purpose == purpose && outcome.status == 0);
            format!("{passed} of {of_purpose}")
        };
        println!(
            "{} controls proven, {} changes of mere hints proven all the same",
            proven(Purpose::Control),
            proven(Purpose::Hint)
        );
        if let Some(file) = std::env::var_os("AAL_TAMPER_COUNTS") {
            print_bundles(&fs::read_to_string(file).unwrap_or_default());
        }
    }
}

/// Counts of changed bundles, which the test of both verifiers wrote: `<status> <bundles> <change>` a line.
fn print_bundles(text: &str) {
    let mut by_status: BTreeMap<u64, u64> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        if let (Some(status), Some(count)) = (number(), number()) {
            *by_status.entry(status).or_default() += count;
        }
    }
    let of = |status: u64| by_status.get(&status).copied().unwrap_or_default();
    println!(
        "{} changed evidence bundles, judged by both verifiers alike: {} refuted (1), {} unreadable (2), {} unproven (3), {} with genuine evidence only (0)",
        by_status.values().sum::<u64>(),
        of(1),
        of(2),
        of(3),
        of(0)
    );
}
