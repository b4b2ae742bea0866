//! Meridian Bank: loan decisions, fraud triage, customer chat.

use serde_json::json;

use super::{Script, handbook, money};
use crate::{
    people::{self, Person},
    rng::Rng,
};

const LOAN_RULES: [&str; 18] = [
    "Total debt service may not exceed 40 % of verified net income.",
    "Two months of bank statements and three payslips are needed before a proposal.",
    "Self-employed applicants bring two years of accounts, signed by an accountant.",
    "A default younger than 24 months leads to escalation, never to an automatic decline.",
    "Applicants under 21 are escalated to a lending officer.",
    "Amounts above 50,000 need a second reader.",
    "Existing overdraft use above 80 % counts as a monthly obligation of 5 % of the limit.",
    "Rental income is counted at 70 %.",
    "Child support paid counts as an obligation, child support received as income at 50 %.",
    "Nationality, religion, marital status, health and postcode must not influence the proposal.",
    "A declined applicant is told the two main reasons in plain language.",
    "Employment in a probation period is counted only with a second income.",
    "Foreign currency income is converted at the month-end rate less 10 %.",
    "Guarantors are assessed by the same rules as applicants.",
    "Refinancing of our own loans is only proposed when the instalment falls.",
    "Missing documents lead to escalation with a list of what is missing.",
    "Each proposal ends with one line: approve, decline or escalate.",
    "Never state that a human has reviewed the application.",
];
const LOAN_CLAUSES: [&str; 4] = [
    "Quote the document and the page on which the figure was found, and the figure that was derived from it.",
    "Where documents disagree, use the less favourable figure, say which documents disagree and by how much.",
    "If the rule cannot be checked with the documents given, say so and treat the rule as not met for the proposal.",
    "State the rule's number in the reasons when it decided the proposal, so that the applicant can be told.",
];
const PURPOSES: [&str; 6] = [
    "a used car",
    "kitchen renovation",
    "debt consolidation",
    "solar panels",
    "a wedding",
    "tuition fees",
];
const JOBS: [&str; 6] = [
    "nurse",
    "electrician",
    "software tester",
    "teacher",
    "owner of a bakery",
    "warehouse supervisor",
];

pub fn loan(rng: &mut Rng) -> Script {
    let applicant = Person::numbered("CUST", rng.below(9_000));
    let amount = rng.between(20, 600) * 100;
    let income = rng.between(18, 74) * 100;
    let obligations = rng.between(2, 28) * 50;
    let months = *rng.pick(&[24_u64, 36, 48, 60, 84]);
    let instalment = amount * 108 / 100 / months;
    let ratio_percent = (obligations + instalment) * 100 / income;
    let ssn = people::ssn(rng);
    let iban = people::iban(rng);
    let question = format!(
        "Application for a personal loan of {} over {months} months for {}.\nApplicant: {}, born {}, SSN {ssn}, {}. \
         Address: {}. Phone {}, e-mail {}.\nNet income {} a month (payslips, 3 months, {}), obligations {} a month. \
         Salary account {iban}. Internal score {}.\nGive a proposal with reasons.",
        money(amount),
        rng.pick(&PURPOSES),
        applicant.name(),
        applicant.born,
        rng.pick(&JOBS),
        applicant.street,
        applicant.phone,
        applicant.email,
        money(income),
        if rng.chance(850) {
            "complete"
        } else {
            "one month missing"
        },
        money(obligations),
        rng.between(480, 820),
    );
    let (proposed, reversed) = match ratio_percent {
        0..=34 => ("approved", "declined"),
        35..=42 => ("escalated", "approved"),
        _ => ("declined", "approved"),
    };
    let decision = match proposed {
        "approved" => "approve",
        "declined" => "decline",
        _ => "escalate",
    };
    let answer = format!(
        "{}: the instalment would be about {} a month. With obligations of {} the debt service is {ratio_percent} % of a \
         verified net income of {} (rule 1, limit 40 %). Payslips and statements were read (rule 2). {}\n\nReasons for \
         the applicant: {}.\n\nProposal: {decision}",
        applicant.name(),
        money(instalment),
        money(obligations),
        money(income),
        if amount > 50_000 {
            "The amount needs a second reader (rule 6)."
        } else {
            "No second reader is needed."
        },
        match decision {
            "approve" => "income is regular and the debt service stays within the limit",
            "decline" =>
                "the debt service is above the limit; a lower amount or a longer term could be considered",
            _ => "the debt service is close to the limit, so a lending officer looks at the whole picture",
        },
    );
    let follow_up = format!(
        "Write the letter to {} in plain language, no more than 120 words. Send a copy to {}.",
        applicant.name(),
        applicant.email
    );
    let letter = format!(
        "Dear {},\n\nthank you for your application for a loan of {}. {}\n\nIf you have questions, call us or reply to \
         this letter; you may ask for a person to review the decision.\n\nKind regards\nMeridian Bank, Lending",
        applicant.name(),
        money(amount),
        match decision {
            "approve" => "We are glad to tell you that we can offer it; the contract is enclosed.",
            "decline" =>
                "We cannot offer it at present, because the monthly cost would exceed what our rules allow.",
            _ => "A lending officer will look at it and contact you within three working days.",
        },
    );
    Script {
        system: handbook(
            "You assist the lending desk of Meridian Bank. You propose, a lending officer decides. Credit policy, edition 14:",
            &LOAN_RULES,
            &LOAN_CLAUSES,
        ),
        turns: vec![(question, answer), (follow_up, letter)],
        facts: vec![
            ("amount", json!(amount)),
            ("currency", json!("EUR")),
            ("term_months", json!(months)),
            ("debt_service_percent", json!(ratio_percent)),
        ],
        subject: Some(applicant),
        self_service: false,
        proposed,
        reversed,
    }
}

pub fn fraud(rng: &mut Rng) -> Script {
    let holder = Person::numbered("CUST", rng.below(9_000));
    let amount = rng.between(3, 4_800);
    let card = people::card(rng);
    let seen_before = rng.chance(600);
    let far_away = rng.chance(350);
    let risk = rng.between(5, 30) + if seen_before { 0 } else { 25 } + if far_away { 35 } else { 0 };
    let question = format!(
        "{{\"alert\":\"{}\",\"card\":\"{card}\",\"holder\":\"{}\",\"amount\":\"{amount}.{:02}\",\"currency\":\"EUR\",\
         \"merchant\":\"{}\",\"ip\":\"{}\",\"device_seen\":{seen_before},\"distance_km\":{},\"phone\":\"{}\"}}",
        rng.hex(12),
        holder.name(),
        rng.below(100),
        rng.pick(&[
            "Nordwind Electronics",
            "QuickTop Games",
            "Airline Direct",
            "Grocer & Sons",
            "Lumen Tickets"
        ]),
        people::public_ip(rng),
        if far_away {
            rng.between(900, 9_000)
        } else {
            rng.between(0, 40)
        },
        holder.phone,
    );
    let (proposed, reversed) = match risk {
        0..=44 => ("cleared", "confirmed_fraud"),
        45..=69 => ("escalated", "cleared"),
        _ => ("confirmed_fraud", "cleared"),
    };
    let action = match proposed {
        "cleared" => "release",
        "escalated" => "call_customer",
        _ => "block",
    };
    let answer = format!(
        "{{\"risk\":{risk},\"action\":\"{action}\",\"reasons\":[\"device {}\",\"{}\",\"amount {} for this holder\"],\
         \"note\":\"{}\"}}",
        if seen_before {
            "known for this card"
        } else {
            "never seen for this card"
        },
        if far_away {
            "address far from the last purchase"
        } else {
            "address near the last purchase"
        },
        if amount > 1_500 { "unusual" } else { "usual" },
        if action == "call_customer" {
            format!("ring {} before the next purchase", holder.phone)
        } else {
            "none".into()
        },
    );
    Script {
        system: "You rate card alerts for Meridian Bank. Answer with one JSON object: risk (0 to 100), action (release, \
                 call_customer or block), reasons, note. Never block because of a country alone."
            .to_owned(),
        turns: vec![(question, answer)],
        facts: vec![("risk", json!(risk)), ("amount", json!(amount))],
        subject: Some(holder),
        self_service: false,
        proposed,
        reversed,
    }
}

pub fn chat(turns: usize, rng: &mut Rng) -> Script {
    let customer = Person::numbered("CUST", rng.below(9_000));
    let first = rng.below(TOPICS);
    let exchanges = (0..turns as u64)
        .map(|turn| chat_turn((first + turn) % TOPICS, &customer, rng))
        .collect();
    Script {
        system: "You are the customer assistant of Meridian Bank. Be brief and friendly. Never ask for a full card number \
                 or a password. Hand over to a person when the customer asks for one or is in distress."
            .to_owned(),
        turns: exchanges,
        facts: vec![("channel", json!(*rng.pick(&["app", "web", "app", "voice"]))), ("language", json!("en"))],
        subject: Some(customer),
        self_service: true,
        proposed: "resolved",
        reversed: "escalated",
    }
}

const TOPICS: u64 = 7;

fn chat_turn(topic: u64, customer: &Person, rng: &mut Rng) -> (String, String) {
    match topic {
        0 => (
            format!("Hi, this is {}. My card {} was declined at the till today, why?", customer.name(), people::card(rng)),
            format!(
                "Hello {}, I am sorry about that. The purchase was stopped because the chip could not be read, your \
                 account itself is fine. You can pay contactless or order a new card in the app, it arrives within \
                 three working days. Please do not send the full card number here, the last four digits are enough.",
                customer.first
            ),
        ),
        1 => (
            format!("Can you send the statement to {} instead? I lost access to the old mailbox.", customer.email),
            "Of course. I have prepared the change. For your safety you will get a code in the app, and the new address \
             counts once you have entered it. Statements of the last twelve months will be sent again."
                .to_owned(),
        ),
        2 => (
            format!("I want to transfer {} to {} but it says limit exceeded.", money(rng.between(2, 90) * 100), people::iban(rng)),
            "Your daily limit for transfers is 1,000. You can raise it for today under Settings, Limits, up to 10,000. \
             The change needs your second factor and ends at midnight."
                .to_owned(),
        ),
        3 => (
            format!("Please call me back on {} after 5 pm, I prefer to talk to a person.", customer.phone),
            "Certainly. I have asked the service desk to call you today between 17:00 and 19:00. The reference is in \
             your inbox. Is there anything they should prepare?"
                .to_owned(),
        ),
        4 => (
            format!("Somebody logged in from {}! That was not me.", people::public_ip(rng)),
            "Thank you for telling us at once. I have ended all sessions and locked online transfers. Please choose a new \
             password in the app. A colleague of the security desk will check the last 30 days with you; nothing has \
             left the account since yesterday evening."
                .to_owned(),
        ),
        5 if rng.chance(120) => (
            format!("Our shop's export job uses {}, is that the key you need?", people::leaked_credential(rng)),
            "That text looks like a secret of another service: please delete it there and make a new one, it should not \
             be shared in a chat. The accounting link needs no key, you allow it once in the app."
                .to_owned(),
        ),
        5 => (
            format!("I moved to {}. Does my accountant need a new access for the accounting link?", customer.street),
            "I have noted the new address, please confirm it in the app. The accounting link stays as it is; you can see \
             and end every access under Settings, Connected services."
                .to_owned(),
        ),
        _ => (
            "What would an early repayment of my loan cost me?".to_owned(),
            format!(
                "For a personal loan the fee is 1 % of what is repaid early, at most half a year of interest. For you \
                 that would be about {} today. Partial repayments up to 10 % a year are free.",
                money(rng.between(40, 640))
            ),
        ),
    }
}
