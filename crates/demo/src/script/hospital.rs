//! St. Brigid Hospital: triage notes, discharge summaries, search in guidelines.

use serde_json::json;

use super::Script;
use crate::{people::Person, rng::Rng};

const COMPLAINTS: [(&str, &str, &str, &str); 8] = [
    (
        "chest pain since this morning, spreading to the left arm",
        "2",
        "ECG within 10 minutes, troponin, aspirin if not allergic",
        "orange",
    ),
    (
        "a twisted ankle after football, can put weight on it",
        "4",
        "cool, elevate, Ottawa ankle rules do not ask for an X-ray",
        "green",
    ),
    (
        "fever of 39.4 and a cough for three days",
        "3",
        "pulse oximetry, chest examination, blood count",
        "yellow",
    ),
    (
        "sudden weakness of the right hand, speech unclear for 40 minutes",
        "1",
        "stroke call, CT at once, note the time of onset",
        "red",
    ),
    (
        "a cut on the palm from a kitchen knife, bleeding stopped",
        "4",
        "clean, check tendons and sensation, tetanus status",
        "green",
    ),
    (
        "abdominal pain on the right side, nausea since last night",
        "3",
        "blood count, CRP, ultrasound, nothing to eat",
        "yellow",
    ),
    (
        "a rash after starting amoxicillin two days ago, no trouble breathing",
        "3",
        "stop the drug, antihistamine, watch for two hours",
        "yellow",
    ),
    (
        "a fall from the bed, takes blood thinners, small bump on the head",
        "2",
        "CT of the head, INR, neurological checks every 30 minutes",
        "orange",
    ),
];

const STAYS: [(&str, &str, &str); 6] = [
    (
        "community-acquired pneumonia, left lower lobe",
        "ceftriaxone, then oral amoxicillin",
        "chest X-ray in six weeks",
    ),
    (
        "elective hip replacement, right",
        "enoxaparin for 28 days, physiotherapy daily",
        "wound check on day 12",
    ),
    (
        "newly diagnosed type 2 diabetes",
        "metformin 500 mg twice a day, diabetes nurse teaching",
        "HbA1c in three months",
    ),
    (
        "acute appendicitis, laparoscopic appendectomy",
        "paracetamol as needed",
        "no lifting for two weeks",
    ),
    (
        "atrial fibrillation with fast ventricular response",
        "bisoprolol 2.5 mg, apixaban 5 mg twice a day",
        "cardiology clinic in four weeks",
    ),
    (
        "kidney stone, passed spontaneously",
        "diclofenac as needed, two litres of water a day",
        "urology if pain returns",
    ),
];

pub fn triage(rng: &mut Rng) -> Script {
    let patient = Person::numbered("PAT", rng.below(6_000));
    let (complaint, category, plan, colour) = *rng.pick(&COMPLAINTS);
    let question = format!(
        "Patient {}, MRN {}, date of birth {}, phone {}. Presents with {complaint}. BP {}/{}, pulse {}, temp {}.{}, \
         SpO2 {} %. Next of kin {}. Write a triage note with a Manchester category.",
        patient.name(),
        rng.between(1_000_000, 9_999_999),
        patient.born,
        patient.phone,
        rng.between(98, 184),
        rng.between(56, 104),
        rng.between(58, 128),
        rng.between(36, 39),
        rng.below(10),
        rng.between(91, 99),
        Person::numbered("KIN", rng.below(6_000)).name(),
    );
    let answer = format!(
        "Triage note for {}: {complaint}. Category {category} ({colour}).\nPlan: {plan}.\nRed flags asked for and not \
         reported: shortness of breath, loss of consciousness. This is a proposal for the triage nurse.",
        patient.name(),
    );
    let follow_up = format!(
        "Add for the doctor on duty that {} is allergic to penicillin.",
        patient.name()
    );
    let addition = format!(
        "Added. ALLERGY: penicillin (reported by the patient). {} stays in category {category} ({colour}).",
        patient.name()
    );
    Script {
        system: "You draft triage notes for the emergency department of St. Brigid Hospital from the nurse's dictation. Use \
                 the Manchester categories 1 to 5. Never invent findings. The nurse decides."
            .to_owned(),
        turns: vec![(question, answer), (follow_up, addition)],
        facts: vec![("department", json!("emergency")), ("category", json!(category))],
        subject: Some(patient),
        self_service: false,
        proposed: "accepted",
        reversed: "changed",
    }
}

pub fn discharge(rng: &mut Rng) -> Script {
    let patient = Person::numbered("PAT", rng.below(6_000));
    let (diagnosis, treatment, next) = *rng.pick(&STAYS);
    let days = rng.between(2, 11);
    let question = format!(
        "Write the discharge summary. Patient: {} ({}), DOB {}, address {}, e-mail {}. Admitted {days} days ago with \
         {diagnosis}. Treatment: {treatment}. Follow-up: {next}. General practitioner: Dr {}, phone {}.",
        patient.name(),
        patient.id,
        patient.born,
        patient.street,
        patient.email,
        Person::numbered("GP", rng.below(300)).last,
        patient.phone,
    );
    let answer = format!(
        "DISCHARGE SUMMARY\nPatient: {}\nStay: {days} days\nDiagnosis: {diagnosis}\n\nCourse: The patient was admitted \
         with {diagnosis} and treated with {treatment}. The course was without complications; observations were stable \
         for the last 24 hours before discharge.\n\nMedication on discharge: {treatment}.\nFollow-up: {next}.\nReturn at \
         once in case of fever, bleeding or worsening pain.",
        patient.name(),
    );
    let turns = vec![
        (question, answer),
        (
            format!("Now a version for {} without medical terms, at most 80 words.", patient.first),
            format!(
                "Dear {}, you were with us for {days} days because of {diagnosis}. You are well enough to go home. Please \
                 take your medicine as written on the plan ({treatment}). Next step: {next}. If you get a fever, bleed \
                 or feel worse, come back or call us at any time.",
                patient.first
            ),
        ),
        (
            format!("Which of this may be sent to {}?", patient.email),
            "Only the patient version, and only by the secure portal; plain e-mail is not allowed for health data by the \
             hospital's policy. I have left out the hospital number."
                .to_owned(),
        ),
    ];
    Script {
        system: "You write discharge summaries for St. Brigid Hospital from structured input. Keep to the facts given, mark \
                 what is missing, write in complete sentences. A doctor signs."
            .to_owned(),
        turns,
        facts: vec![("ward", json!(*rng.pick(&["3A", "3B", "5C", "7A"]))), ("stay_days", json!(days))],
        subject: Some(patient),
        self_service: false,
        proposed: "signed",
        reversed: "rewritten",
    }
}

pub fn guideline(rng: &mut Rng) -> Script {
    let question = *rng.pick(&[
        "anticoagulation before elective endoscopy, DOAC, when to pause",
        "community acquired pneumonia CURB-65 score 2 outpatient or inpatient",
        "tetanus booster interval for contaminated wounds in adults",
        "insulin sliding scale on surgical ward, peri-operative target glucose",
        "sepsis six bundle, timing of first antibiotic dose",
        "head injury on anticoagulants, indication for repeat CT",
    ]);
    Script {
        system: String::new(),
        turns: vec![(question.to_owned(), String::new())],
        facts: vec![("index", json!("guidelines-2026-10"))],
        subject: None,
        self_service: false,
        proposed: "found",
        reversed: "not_found",
    }
}
