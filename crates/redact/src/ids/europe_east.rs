//! Identifiers of Northern, Central and Eastern Europe.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CONTEXT, POSSIBLE, Shape, shape};
use crate::checks::{europe_north as north, europe_south as south, europe_west as west};
use crate::entity::Entity;
use crate::topics::Topic::{
    Baltic, Cnp, Cpr, Egn, Emso, Fnr, Hetu, NationalId, Personnummer, Pesel, RodneCislo, Taj,
};
use crate::topics::Topics;

/// A shape whose `-` or `+` is part of the code.
const fn signed(pattern: &'static str, alone: i32) -> Shape {
    Shape {
        pattern,
        alone,
        keeps_signs: true,
    }
}

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "pl_pesel",
        entity: Entity::PlPesel,
        shapes: &[shape("99999999999", 20)],
        check: north::pl_pesel,
        topics: Topics::of(&[Pesel, NationalId]),
    },
    IdRule {
        id: "se_personnummer",
        entity: Entity::SePersonnummer,
        shapes: &[
            shape("999999-9999", LIKELY),
            shape("99999999-9999", CERTAIN),
            shape("999999+9999", LIKELY),
            shape("999999999999", POSSIBLE),
            shape("9999999999", NEEDS_CONTEXT),
        ],
        check: west::se_personnummer,
        topics: Topics::of(&[Personnummer, NationalId]),
    },
    IdRule {
        id: "fi_hetu",
        entity: Entity::FiHetu,
        shapes: &[
            signed("999999-999N", CERTAIN),
            signed("999999+999N", CERTAIN),
            signed("999999A999N", CERTAIN),
        ],
        check: north::fi_hetu,
        topics: Topics::of(&[Hetu, NationalId]),
    },
    IdRule {
        id: "no_fnr",
        entity: Entity::NoFnr,
        shapes: &[shape("99999999999", LIKELY), shape("999999 99999", CERTAIN)],
        check: north::no_fnr,
        topics: Topics::of(&[Fnr, Personnummer, NationalId]),
    },
    IdRule {
        id: "dk_cpr",
        entity: Entity::DkCpr,
        shapes: &[
            shape("999999-9999", -100),
            shape("9999999999", NEEDS_CONTEXT),
            shape("999999 9999", NEEDS_CONTEXT),
        ],
        check: north::dk_cpr,
        topics: Topics::of(&[Cpr]),
    },
    IdRule {
        id: "baltic_id",
        entity: Entity::BalticId,
        shapes: &[shape("99999999999", POSSIBLE)],
        check: north::baltic_id,
        topics: Topics::of(&[Baltic, NationalId]),
    },
    IdRule {
        id: "lv_personal_code",
        entity: Entity::LvPersonalCode,
        shapes: &[shape("999999-99999", LIKELY), shape("99999999999", NEEDS_CONTEXT)],
        check: north::lv_personal_code,
        topics: Topics::of(&[Baltic]),
    },
    IdRule {
        id: "cz_rodne_cislo",
        entity: Entity::CzRodneCislo,
        shapes: &[shape("999999/9999", CERTAIN), shape("9999999999", NEEDS_CONTEXT)],
        check: north::cz_rodne_cislo,
        topics: Topics::of(&[RodneCislo, NationalId]),
    },
    IdRule {
        id: "ro_cnp",
        entity: Entity::RoCnp,
        shapes: &[shape("9999999999999", POSSIBLE)],
        check: north::ro_cnp,
        topics: Topics::of(&[Cnp, NationalId]),
    },
    IdRule {
        id: "bg_egn",
        entity: Entity::BgEgn,
        shapes: &[shape("9999999999", -200)],
        check: north::bg_egn,
        topics: Topics::of(&[Egn, NationalId]),
    },
    IdRule {
        id: "hu_taj",
        entity: Entity::HuTaj,
        shapes: &[
            shape("999 999 999", NEEDS_CONTEXT),
            shape("999-999-999", NEEDS_CONTEXT),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: north::hu_taj,
        topics: Topics::of(&[Taj]),
    },
    IdRule {
        id: "si_emso",
        entity: Entity::SiEmso,
        shapes: &[shape("9999999999999", POSSIBLE)],
        check: south::si_emso,
        topics: Topics::of(&[Emso, NationalId]),
    },
];
