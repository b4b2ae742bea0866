//! What is said in a session: prompts, questions, answers, and what the model proposed.

mod bank;
mod hospital;
mod law;

use crate::{catalogue::Topic, people::Person, rng::Rng};

/// A whole session's words, written once from its seed; a call of it looks at as many turns as it needs.
#[derive(Debug)]
pub struct Script {
    pub system: String,
    /// What is asked and what is answered, turn by turn.
    pub turns: Vec<(String, String)>,
    /// The person the session is about, when it is about one.
    pub subject: Option<Person>,
    /// The user is the subject (a customer), not a member of staff.
    pub self_service: bool,
    /// What the model proposed, and what a reviewer says who disagrees.
    pub proposed: &'static str,
    pub reversed: &'static str,
    /// Facts for the event's `metadata`, as name and JSON value.
    pub facts: Vec<(&'static str, serde_json::Value)>,
}

/// Writes a session of at least `turns` turns.
#[must_use]
pub fn write(topic: Topic, turns: usize, rng: &mut Rng) -> Script {
    match topic {
        Topic::LoanDecision => bank::loan(rng),
        Topic::FraudTriage => bank::fraud(rng),
        Topic::CustomerChat => bank::chat(turns, rng),
        Topic::TriageNote => hospital::triage(rng),
        Topic::DischargeSummary => hospital::discharge(rng),
        Topic::GuidelineSearch => hospital::guideline(rng),
        Topic::ContractReview => law::contract(turns, rng),
        Topic::LegalResearch => law::research(turns, rng),
        Topic::PrecedentSearch => law::precedent(rng),
    }
}

/// A handbook that precedes every question of a desk; long enough that providers cache it.
fn handbook(title: &str, rules: &[&str], clauses: &[&str]) -> String {
    let mut text = format!("{title}\n");
    for (number, rule) in rules.iter().enumerate() {
        // Two clauses a rule bring it past the 1,024 tokens from which providers cache.
        let (first, second) = (
            clauses[number % clauses.len()],
            clauses[(number + 1) % clauses.len()],
        );
        text.push_str(&format!("\n{}. {rule} {first} {second}", number + 1));
    }
    text
}

/// An amount of money in whole units with thousands separators.
fn money(amount: u64) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped() {
        assert_eq!(money(999), "999");
        assert_eq!(money(1_234_567), "1,234,567");
    }

    #[test]
    fn every_topic_has_enough_turns() {
        for company in &crate::COMPANIES {
            for scenario in company.scenarios {
                for seed in 0..50 {
                    let most = usize::try_from(scenario.turns.1).unwrap();
                    let script = write(scenario.topic, most, &mut Rng::new(seed));
                    assert!(
                        script.turns.len() >= most,
                        "{:?} has {} turns",
                        scenario.topic,
                        script.turns.len()
                    );
                    assert!(script.turns.iter().all(|(question, _)| !question.is_empty()));
                }
            }
        }
    }
}
