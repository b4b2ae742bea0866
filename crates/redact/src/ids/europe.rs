//! Identifiers of Western and Southern Europe.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CLOSE_CONTEXT, NEEDS_CONTEXT, POSSIBLE, shape};
use crate::checks::{europe_south as south, europe_west as west};
use crate::entity::Entity;
use crate::topics::Topic::{
    Ahv, Amka, BeNn, DeIdCard, DeRvnr, DeTax, EsNif, FrNir, ItCf, NationalId, Nino, NlBsn, Oib, Passport,
    Pps, PtNif, Svnr, TaxId, UkDriver, Utr,
};
use crate::topics::Topics;

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "uk_nino",
        entity: Entity::UkNino,
        shapes: &[
            shape("AA999999A", 270),
            shape("AA 99 99 99 A", CERTAIN),
            shape("AA-99-99-99-A", CERTAIN),
            shape("AA 999999 A", CERTAIN),
            shape("aa999999a", NEEDS_CONTEXT),
            shape("aa 99 99 99 a", POSSIBLE),
        ],
        check: west::uk_nino,
        topics: Topics::of(&[Nino]),
    },
    IdRule {
        id: "uk_driving_licence",
        entity: Entity::UkDrivingLicence,
        shapes: &[
            shape("NNNNN999999NNNAA", CERTAIN),
            shape("NNNNN 999999 NNNAA", CERTAIN),
            shape("NNNNN-999999-NNNAA", CERTAIN),
            shape("NNNNN 999999 NN NAA", CERTAIN),
        ],
        check: west::uk_driving_licence,
        topics: Topics::of(&[UkDriver]),
    },
    IdRule {
        id: "uk_passport",
        entity: Entity::UkPassport,
        shapes: &[shape("999999999", NEEDS_CLOSE_CONTEXT - 60)],
        check: west::uk_passport,
        topics: Topics::of(&[Passport]),
    },
    IdRule {
        id: "uk_utr",
        entity: Entity::UkUtr,
        shapes: &[
            shape("9999999999", NEEDS_CONTEXT),
            shape("99999 99999", NEEDS_CONTEXT),
        ],
        check: west::uk_utr,
        topics: Topics::of(&[Utr]),
    },
    IdRule {
        id: "ie_pps",
        entity: Entity::IePps,
        shapes: &[
            shape("9999999A", POSSIBLE),
            shape("9999999AA", LIKELY),
            shape("9999999aa", NEEDS_CONTEXT),
        ],
        check: west::ie_pps,
        topics: Topics::of(&[Pps]),
    },
    IdRule {
        id: "nl_bsn",
        entity: Entity::NlBsn,
        shapes: &[
            shape("999999999", NEEDS_CONTEXT),
            shape("9999.99.999", POSSIBLE),
            shape("999 999 999", NEEDS_CONTEXT),
            shape("9999 99 999", NEEDS_CONTEXT),
        ],
        check: west::nl_bsn,
        topics: Topics::of(&[NlBsn]),
    },
    IdRule {
        id: "be_nn",
        entity: Entity::BeNn,
        shapes: &[
            shape("99.99.99-999.99", CERTAIN),
            shape("99.99.99-999-99", CERTAIN),
            shape("999999-999-99", CERTAIN),
            shape("999999-999.99", CERTAIN),
            shape("999999 999 99", LIKELY),
            shape("99999999999", POSSIBLE),
        ],
        check: west::be_nn,
        topics: Topics::of(&[BeNn, NationalId]),
    },
    IdRule {
        id: "de_tax_id",
        entity: Entity::DeTaxId,
        shapes: &[
            shape("99999999999", 50),
            shape("99 999 999 999", LIKELY),
            shape("99 999 999999", LIKELY),
        ],
        check: west::de_tax_id,
        topics: Topics::of(&[DeTax, TaxId]),
    },
    IdRule {
        id: "de_rvnr",
        entity: Entity::DeRvnr,
        shapes: &[
            shape("99999999A999", 260),
            shape("99 999999 A 999", CERTAIN),
            shape("99 999999 A999", CERTAIN),
            shape("99999999 A 999", CERTAIN),
        ],
        check: west::de_rvnr,
        topics: Topics::of(&[DeRvnr]),
    },
    IdRule {
        id: "de_id_card",
        entity: Entity::DeIdCard,
        shapes: &[
            shape("ANNNNNNNN9", NEEDS_CONTEXT),
            shape("ANNNNNNNN 9", NEEDS_CONTEXT),
        ],
        check: west::de_id_card,
        topics: Topics::of(&[DeIdCard, Passport, NationalId]),
    },
    IdRule {
        id: "de_id_card_without_check",
        entity: Entity::DeIdCard,
        shapes: &[shape("ANNNNNNNN", NEEDS_CLOSE_CONTEXT)],
        check: |compact| {
            let letters_fit = compact
                .iter()
                .all(|byte| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte));
            letters_fit && compact.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        },
        topics: Topics::of(&[DeIdCard]),
    },
    IdRule {
        id: "fr_nir",
        entity: Entity::FrNir,
        shapes: &[
            shape("99999N999999999", CERTAIN),
            shape("9 99 99 9N 999 999 99", CERTAIN),
            shape("9 99 99 9N 999 999", NEEDS_CONTEXT),
            shape("99999N9999999 99", CERTAIN),
            shape("9.99.99.9N.999.999.99", CERTAIN),
            shape("9-99-99-9N-999-999-99", CERTAIN),
        ],
        check: west::fr_nir,
        topics: Topics::of(&[FrNir]),
    },
    IdRule {
        id: "at_svnr",
        entity: Entity::AtSvnr,
        shapes: &[
            shape("9999 999999", POSSIBLE),
            shape("9999999999", NEEDS_CONTEXT),
            shape("9999-999999", POSSIBLE),
            shape("9999 99 99 99", LIKELY),
        ],
        check: west::at_svnr,
        topics: Topics::of(&[Svnr]),
    },
    IdRule {
        id: "ch_ahv",
        entity: Entity::ChAhv,
        shapes: &[
            shape("756.9999.9999.99", CERTAIN),
            shape("7569999999999", LIKELY),
            shape("756 9999 9999 99", CERTAIN),
        ],
        check: west::ch_ahv,
        topics: Topics::of(&[Ahv]),
    },
    IdRule {
        id: "es_nif",
        entity: Entity::EsNif,
        shapes: &[
            shape("99999999A", CERTAIN),
            shape("99999999-A", CERTAIN),
            shape("99999999 A", POSSIBLE),
            shape("99999999a", POSSIBLE),
            shape("99999999-a", LIKELY),
            shape("99.999.999-a", CERTAIN),
            shape("99.999.999 a", LIKELY),
        ],
        check: south::es_nif,
        topics: Topics::of(&[EsNif, NationalId, TaxId]),
    },
    IdRule {
        id: "es_nie",
        entity: Entity::EsNie,
        shapes: &[
            shape("A9999999A", CERTAIN),
            shape("A-9999999-A", CERTAIN),
            shape("A9999999-A", CERTAIN),
            shape("a9999999a", POSSIBLE),
        ],
        check: south::es_nie,
        topics: Topics::of(&[EsNif, NationalId, TaxId]),
    },
    IdRule {
        id: "it_fiscal_code",
        entity: Entity::ItFiscalCode,
        shapes: &[
            shape("AAAAAANNANNANNNA", CERTAIN),
            shape("AAA AAA NNANN ANNNA", CERTAIN),
            shape("AAAAAA NNANN ANNNA", CERTAIN),
            shape("aaaaaannannannna", LIKELY),
        ],
        check: south::it_fiscal_code,
        topics: Topics::of(&[ItCf, TaxId]),
    },
    IdRule {
        id: "pt_nif",
        entity: Entity::PtNif,
        shapes: &[
            shape("999999999", NEEDS_CONTEXT),
            shape("999 999 999", NEEDS_CONTEXT),
        ],
        check: south::pt_nif,
        topics: Topics::of(&[PtNif]),
    },
    IdRule {
        id: "gr_amka",
        entity: Entity::GrAmka,
        shapes: &[shape("99999999999", -100)],
        check: south::gr_amka,
        topics: Topics::of(&[Amka]),
    },
    IdRule {
        id: "hr_oib",
        entity: Entity::HrOib,
        shapes: &[shape("99999999999", NEEDS_CONTEXT)],
        check: south::hr_oib,
        topics: Topics::of(&[Oib]),
    },
];
