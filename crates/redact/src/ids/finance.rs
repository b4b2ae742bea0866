//! Cards, accounts, banks and devices. IBANs are matched in [`crate::numbers::iban`], their groups vary too much.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CLOSE_CONTEXT, NEEDS_CONTEXT, POSSIBLE, shape};
use crate::checks::arithmetic::{all_same, luhn};
use crate::checks::finance as check;
use crate::entity::Entity;
use crate::topics::Topic::{Bic, Card, Imei, Routing, Vin};
use crate::topics::Topics;

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "credit_card",
        entity: Entity::CreditCard,
        shapes: &[
            shape("9999999999999999", 200),
            shape("9999 9999 9999 9999", CERTAIN),
            shape("9999-9999-9999-9999", CERTAIN),
            shape("9999.9999.9999.9999", LIKELY),
            shape("999999999999999", 200),
            shape("9999 999999 99999", CERTAIN),
            shape("9999-999999-99999", CERTAIN),
            shape("9999 999999 9999", 250),
            shape("9999-999999-9999", 250),
            shape("99999999999999", NEEDS_CONTEXT),
            shape("9999999999999", NEEDS_CONTEXT),
            shape("999999999999", NEEDS_CONTEXT),
            shape("9999 9999 9999 9", LIKELY),
            shape("9999 9999 99999", LIKELY),
            shape("9999 9999 9999", NEEDS_CONTEXT),
            shape("99999999999999999", NEEDS_CONTEXT),
            shape("999999999999999999", NEEDS_CONTEXT),
            shape("9999999999999999999", POSSIBLE),
            shape("9999 9999 9999 9999 999", CERTAIN),
            shape("9999-9999-9999-9999-999", CERTAIN),
            shape("99999999 99999999", LIKELY),
        ],
        check: check::card,
        topics: Topics::of(&[Card]),
    },
    IdRule {
        // Test numbers and issuers that the table does not know; the words around it must say it is a card.
        id: "credit_card_other_issuer",
        entity: Entity::CreditCard,
        shapes: &[
            shape("9999999999999999", NEEDS_CONTEXT),
            shape("9999 9999 9999 9999", POSSIBLE),
            shape("9999-9999-9999-9999", POSSIBLE),
            shape("999999999999999", NEEDS_CONTEXT),
            shape("99999999999999", NEEDS_CONTEXT),
            shape("9999999999999", NEEDS_CONTEXT),
            shape("999999999999", NEEDS_CONTEXT),
        ],
        check: |digits| luhn(digits) && !all_same(digits),
        topics: Topics::of(&[Card]),
    },
    IdRule {
        id: "aba_routing",
        entity: Entity::AbaRouting,
        shapes: &[
            shape("999999999", NEEDS_CONTEXT),
            shape("9999-9999-9", NEEDS_CONTEXT),
        ],
        check: check::aba_routing,
        topics: Topics::of(&[Routing]),
    },
    IdRule {
        id: "bic",
        entity: Entity::Bic,
        shapes: &[
            shape("AAAAAAN9", NEEDS_CONTEXT),
            shape("AAAAAA9N", NEEDS_CONTEXT),
            shape("AAAAAANNNNN", NEEDS_CONTEXT),
        ],
        check: check::bic,
        topics: Topics::of(&[Bic]),
    },
    IdRule {
        id: "imei",
        entity: Entity::Imei,
        shapes: &[
            shape("999999999999999", NEEDS_CONTEXT),
            shape("99-999999-999999-9", LIKELY),
            shape("99 999999 999999 9", LIKELY),
        ],
        check: check::imei,
        topics: Topics::of(&[Imei]),
    },
    IdRule {
        id: "vin",
        entity: Entity::Vin,
        shapes: &[shape("NNNNNNNNNNNNNNNNN", POSSIBLE + 40)],
        check: check::vin,
        topics: Topics::of(&[Vin]),
    },
    IdRule {
        id: "vin_without_check",
        entity: Entity::Vin,
        shapes: &[shape("NNNNNNNNNNNNNNNNN", NEEDS_CLOSE_CONTEXT)],
        check: |compact| !compact.iter().any(|byte| b"IOQ".contains(byte)),
        topics: Topics::of(&[Vin]),
    },
];
