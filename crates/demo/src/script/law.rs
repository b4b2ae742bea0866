//! Harlow & Pike LLP: contract review, legal research, search for precedents.

use serde_json::json;

use super::{Script, handbook, money};
use crate::{
    people::{self, Person},
    rng::Rng,
};

const REVIEW_RULES: [&str; 16] = [
    "Liability caps below the annual fees are marked high risk.",
    "An indemnity without a cap is marked high risk.",
    "Auto-renewal with notice above 60 days is marked medium risk.",
    "A change of the price without a right to leave is marked high risk.",
    "Personal data needs a processing agreement with the annexes filled in.",
    "Governing law outside the EU, UK and US is marked for a partner.",
    "Exclusive jurisdiction of the other side's courts is marked medium risk.",
    "Audit rights of the other side must be limited in number and notice.",
    "Non-compete clauses longer than 12 months are marked for a partner.",
    "Assignment without consent is allowed only inside a group of companies.",
    "Definitions that refer to themselves are listed.",
    "Confidentiality must survive the end for at least three years.",
    "Force majeure must not excuse payment.",
    "Intellectual property made for the client belongs to the client.",
    "Warranties are compared with the playbook of the client's industry.",
    "The review proposes wording; it never gives final advice.",
];
const REVIEW_CLAUSES: [&str; 4] = [
    "Quote the clause number and its first ten words, then give the risk and a proposal of no more than three sentences.",
    "If the clause is missing altogether, say so explicitly and propose the firm's standard wording for this industry.",
    "If two clauses contradict each other, quote both and say which one prevails under the order of precedence, if any.",
    "Keep names of natural persons out of the proposal unless the clause itself needs them to identify a signatory.",
];
const COUNTERPARTIES: [&str; 6] = [
    "Castellan Software Ltd",
    "Borealis Shipping AS",
    "Vireo Labs Inc",
    "Quillon Energy plc",
    "Tamarind Foods BV",
    "Orchard Street Capital LLP",
];

pub fn contract(turns: usize, rng: &mut Rng) -> Script {
    let signatory = Person::numbered("CLIENT", rng.below(800));
    let other_side = *rng.pick(&COUNTERPARTIES);
    let fee = rng.between(12, 900) * 1_000;
    let cap = fee / rng.between(1, 5);
    let clause_number = rng.between(4, 19);
    let first_question = format!(
        "Review clause {clause_number} of the services agreement with {other_side}, signed for our client by {} ({}, {}): \
         \"The Supplier's total liability under this Agreement shall not exceed {} in aggregate, and the Client shall \
         indemnify the Supplier against all claims arising from the Client's use of the Services. Fees of {} are payable \
         to {} within 14 days.\"",
        signatory.name(),
        signatory.email,
        signatory.phone,
        money(cap),
        money(fee),
        people::iban(rng),
    );
    let first_answer = format!(
        "Clause {clause_number} (\"The Supplier's total liability under this Agreement\"): {} risk. The cap of {} is {} the \
         annual fees of {} (rule 1), and the client's indemnity has no cap (rule 2).\n\nProposal: raise the cap to 150 % of \
         the annual fees, make the indemnity mutual and limit it to third-party claims, and carve out death, injury and \
         wilful default.\n\nFor a partner: none.",
        if cap < fee { "high" } else { "medium" },
        money(cap),
        if cap < fee { "below" } else { "equal to" },
        money(fee),
    );
    let mut exchanges = vec![(first_question, first_answer)];
    let later = [
        (
            "Draft the counter-proposal as a mark-up.".to_owned(),
            format!(
                "\"The Supplier's total liability in each contract year shall not exceed [{}] {}. Each party shall \
                 indemnify the other against third-party claims arising from its breach of clauses 9 and 12. Nothing in \
                 this Agreement limits liability for death, personal injury or wilful default.\"",
                money(cap),
                money(fee * 3 / 2)
            ),
        ),
        (
            format!("{} asks whether we can live with 100 %. Short answer for a phone call, please.", signatory.name()),
            "Yes, if the indemnity becomes mutual and the carve-outs stay. Without them the answer is no: the uncapped \
             indemnity is the larger exposure of the two."
                .to_owned(),
        ),
        (
            "Does the renewal clause fit the playbook?".to_owned(),
            "Not quite: it renews for 24 months with 90 days of notice (rule 3, medium risk). Propose 12 months and 60 \
             days, and a reminder duty of the supplier."
                .to_owned(),
        ),
        (
            format!("Write to {} and sum up the open points in five lines.", signatory.email),
            format!(
                "Dear {},\n1. Liability cap: 150 % of the annual fees proposed.\n2. Indemnity: mutual, third-party claims \
                 only.\n3. Renewal: 12 months, 60 days of notice.\n4. Data processing agreement: annex 2 is empty.\n5. \
                 Governing law: accepted.",
                signatory.name()
            ),
        ),
    ];
    exchanges.extend(later.into_iter().take(turns.max(1) - 1));
    Script {
        system: handbook(
            "You review contracts for Harlow & Pike LLP. A solicitor decides. Review playbook, edition 7:",
            &REVIEW_RULES,
            &REVIEW_CLAUSES,
        ),
        turns: exchanges,
        facts: vec![
            ("matter", json!(format!("HP-2026-{:04}", rng.below(10_000)))),
            ("counterparty", json!(other_side)),
            ("annual_fees", json!(fee)),
        ],
        subject: Some(signatory),
        self_service: false,
        proposed: "accepted",
        reversed: "revised",
    }
}

pub fn research(turns: usize, rng: &mut Rng) -> Script {
    let questions = [
        (
            "Does an e-mail signature satisfy the written form for a variation of a supply contract under English law?",
            "In general yes: courts have accepted a name typed under an e-mail as a signature where the sender meant to be \
             bound, unless the contract has a clause that excludes variation by e-mail. Check clause wording first, then \
             the course of dealing. I have not verified the citations; a solicitor must.",
        ),
        (
            "Which limitation period applies to a claim for misuse of confidential information?",
            "It depends on the claim: six years from breach where it rests on contract or on the equitable duty by \
             analogy; relief may be refused earlier for delay. If personal data is concerned as well, look at the separate \
             period for that claim. Citations need checking.",
        ),
        (
            "Can a landlord refuse consent to an assignment because the assignee is a start-up?",
            "Only on reasonable grounds that concern the relationship of landlord and tenant. Financial standing is such a \
             ground when it is shown by accounts or missing guarantees; being young as a company is not enough by itself.",
        ),
        (
            "What must an AI supplier give a deployer of a high-risk system before delivery?",
            "Instructions for use, the intended purpose, accuracy and robustness figures, known risks, the human oversight \
             measures, the expected lifetime and how logs are collected and kept. The deployer needs these to carry out \
             its own duties; put them into the contract as deliverables.",
        ),
    ];
    let first = rng.below(questions.len() as u64);
    let client = Person::numbered("CLIENT", rng.below(800));
    let mut exchanges: Vec<(String, String)> = (0..turns as u64)
        .map(|turn| {
            let index = usize::try_from((first + turn) % questions.len() as u64).unwrap_or(0);
            (questions[index].0.to_owned(), questions[index].1.to_owned())
        })
        .collect();
    if let (true, Some((question, _))) = (rng.chance(300), exchanges.first_mut()) {
        question.push_str(&format!(
            " The client is {} ({}), reach me on {}.",
            client.name(),
            client.email,
            people::phone(rng)
        ));
    }
    Script {
        system: "You help solicitors of Harlow & Pike LLP with first orientation in legal questions. Say how sure you are, \
                 name what must be checked, and never invent a citation."
            .to_owned(),
        turns: exchanges,
        facts: vec![("matter", json!(format!("HP-2026-{:04}", rng.below(10_000))))],
        subject: None,
        self_service: false,
        proposed: "used",
        reversed: "rejected",
    }
}

pub fn precedent(rng: &mut Rng) -> Script {
    let clause = *rng.pick(&[
        "limitation of liability, services agreement, 150 % of annual fees, carve-out for wilful default",
        "mutual non-disclosure, residual knowledge, three years after termination",
        "data processing agreement, sub-processor approval, 30 days objection",
        "change of control, termination right, share purchase agreement",
        "escrow of source code, release events, software licence",
    ]);
    Script {
        system: String::new(),
        turns: vec![(clause.to_owned(), String::new())],
        facts: vec![("index", json!("precedents-v3"))],
        subject: None,
        self_service: false,
        proposed: "found",
        reversed: "not_found",
    }
}
