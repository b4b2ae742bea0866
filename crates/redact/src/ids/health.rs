//! Identifiers of health care.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CONTEXT, POSSIBLE, shape};
use crate::checks::{americas, europe_west, oceania};
use crate::entity::Entity;
use crate::topics::Topic::{Dea, Mbi, MedicareAu, Nhs, Npi};
use crate::topics::Topics;

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "us_npi",
        entity: Entity::UsNpi,
        shapes: &[shape("9999999999", NEEDS_CONTEXT)],
        check: americas::us_npi,
        topics: Topics::of(&[Npi]),
    },
    IdRule {
        id: "us_dea",
        entity: Entity::MedicalLicense,
        shapes: &[shape("AA9999999", POSSIBLE), shape("A99999999", NEEDS_CONTEXT)],
        check: americas::us_dea,
        topics: Topics::of(&[Dea]),
    },
    IdRule {
        id: "us_mbi",
        entity: Entity::UsMbi,
        shapes: &[shape("9AN9AN9AA99", LIKELY), shape("9AN9-AN9-AA99", CERTAIN)],
        check: americas::us_mbi,
        topics: Topics::of(&[Mbi]),
    },
    IdRule {
        id: "uk_nhs",
        entity: Entity::UkNhs,
        shapes: &[
            shape("9999999999", NEEDS_CONTEXT),
            shape("999 999 9999", LIKELY),
            shape("999-999-9999", NEEDS_CONTEXT),
        ],
        check: europe_west::uk_nhs,
        topics: Topics::of(&[Nhs]),
    },
    IdRule {
        id: "au_medicare",
        entity: Entity::AuMedicare,
        shapes: &[
            shape("9999999999", NEEDS_CONTEXT),
            shape("99999999999", NEEDS_CONTEXT),
            shape("9999 99999 9", LIKELY),
            shape("9999-99999-9", LIKELY),
            shape("9999 99999 9/9", LIKELY),
            shape("9999 99999 9-9", LIKELY),
        ],
        check: oceania::au_medicare,
        topics: Topics::of(&[MedicareAu]),
    },
];
