//! Identifiers of Africa, Asia, Oceania and Turkey.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CONTEXT, POSSIBLE, shape};
use crate::checks::{africa_asia as check, oceania};
use crate::entity::Entity;
use crate::topics::Topic::{
    Aadhaar, Abn, Acn, CnId, Gstin, HkId, IlId, Ird, MyNric, MyNumber, NationalId, Nik, Nric, Pan, Rrn, Tckn,
    Tfn, Thai, TwId, ZaId,
};
use crate::topics::Topics;

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "in_aadhaar",
        entity: Entity::InAadhaar,
        shapes: &[
            shape("9999 9999 9999", LIKELY),
            shape("9999-9999-9999", LIKELY),
            shape("999999999999", -60),
        ],
        check: check::in_aadhaar,
        topics: Topics::of(&[Aadhaar, NationalId]),
    },
    IdRule {
        id: "in_pan",
        entity: Entity::InPan,
        shapes: &[shape("AAAAA9999A", 240), shape("aaaaa9999a", NEEDS_CONTEXT)],
        check: check::in_pan,
        topics: Topics::of(&[Pan]),
    },
    IdRule {
        id: "in_gstin",
        entity: Entity::InGstin,
        shapes: &[shape("99AAAAA9999ANAN", CERTAIN)],
        check: check::in_gstin,
        topics: Topics::of(&[Gstin]),
    },
    IdRule {
        id: "za_id",
        entity: Entity::ZaId,
        shapes: &[
            shape("9999999999999", POSSIBLE),
            shape("999999 9999 999", CERTAIN),
            shape("999999 9999 99 9", CERTAIN),
        ],
        check: check::za_id,
        topics: Topics::of(&[ZaId, NationalId]),
    },
    IdRule {
        id: "sg_nric",
        entity: Entity::SgNric,
        shapes: &[shape("A9999999A", CERTAIN), shape("a9999999a", POSSIBLE)],
        check: check::sg_nric,
        topics: Topics::of(&[Nric, NationalId]),
    },
    IdRule {
        id: "th_pin",
        entity: Entity::ThPin,
        shapes: &[
            shape("9-9999-99999-99-9", CERTAIN),
            shape("9 9999 99999 99 9", CERTAIN),
            shape("9999999999999", -200),
        ],
        check: check::th_pin,
        topics: Topics::of(&[Thai, NationalId]),
    },
    IdRule {
        id: "kr_rrn",
        entity: Entity::KrRrn,
        shapes: &[
            shape("999999-9999999", LIKELY),
            shape("9999999999999", NEEDS_CONTEXT),
        ],
        check: check::kr_rrn,
        topics: Topics::of(&[Rrn, NationalId]),
    },
    IdRule {
        id: "jp_my_number",
        entity: Entity::JpMyNumber,
        shapes: &[
            shape("999999999999", NEEDS_CONTEXT),
            shape("9999 9999 9999", NEEDS_CONTEXT),
            shape("9999-9999-9999", NEEDS_CONTEXT),
        ],
        check: check::jp_my_number,
        topics: Topics::of(&[MyNumber]),
    },
    IdRule {
        id: "cn_resident_id",
        entity: Entity::CnResidentId,
        shapes: &[
            shape("99999999999999999n", CERTAIN),
            shape("999999 99999999 999n", CERTAIN),
        ],
        check: check::cn_resident_id,
        topics: Topics::of(&[CnId, NationalId]),
    },
    IdRule {
        id: "tw_id",
        entity: Entity::TwId,
        shapes: &[shape("A999999999", LIKELY)],
        check: check::tw_id,
        topics: Topics::of(&[TwId, NationalId]),
    },
    IdRule {
        id: "hk_id",
        entity: Entity::HkId,
        shapes: &[
            shape("A999999(N)", CERTAIN),
            shape("AA999999(N)", CERTAIN),
            shape("A999999N", NEEDS_CONTEXT),
            shape("AA999999N", NEEDS_CONTEXT),
        ],
        check: check::hk_id,
        topics: Topics::of(&[HkId, NationalId]),
    },
    IdRule {
        id: "my_nric",
        entity: Entity::MyNric,
        shapes: &[
            shape("999999-99-9999", CERTAIN),
            shape("999999999999", NEEDS_CONTEXT),
        ],
        check: check::my_nric,
        topics: Topics::of(&[MyNric, NationalId]),
    },
    IdRule {
        id: "id_nik",
        entity: Entity::IdNik,
        shapes: &[shape("9999999999999999", POSSIBLE)],
        check: check::id_nik,
        topics: Topics::of(&[Nik, NationalId]),
    },
    IdRule {
        id: "tr_tckn",
        entity: Entity::TrNationalId,
        shapes: &[shape("99999999999", LIKELY)],
        check: check::tr_tckn,
        topics: Topics::of(&[Tckn, NationalId]),
    },
    IdRule {
        id: "il_id",
        entity: Entity::IlId,
        shapes: &[
            shape("999999999", NEEDS_CONTEXT),
            shape("99999999-9", NEEDS_CONTEXT),
        ],
        check: check::il_id,
        topics: Topics::of(&[IlId]),
    },
    IdRule {
        id: "au_tfn",
        entity: Entity::AuTfn,
        shapes: &[
            shape("999 999 999", -20),
            shape("999-999-999", POSSIBLE),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: oceania::au_tfn,
        topics: Topics::of(&[Tfn]),
    },
    IdRule {
        id: "au_abn",
        entity: Entity::AuAbn,
        shapes: &[
            shape("99 999 999 999", LIKELY),
            shape("99999999999", NEEDS_CONTEXT),
        ],
        check: oceania::au_abn,
        topics: Topics::of(&[Abn]),
    },
    IdRule {
        id: "au_acn",
        entity: Entity::AuAcn,
        shapes: &[
            shape("999 999 999", NEEDS_CONTEXT),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: oceania::au_acn,
        topics: Topics::of(&[Acn]),
    },
    IdRule {
        id: "nz_ird",
        entity: Entity::NzIrd,
        shapes: &[
            shape("99-999-999", POSSIBLE),
            shape("999-999-999", POSSIBLE),
            shape("99999999", NEEDS_CONTEXT),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: oceania::nz_ird,
        topics: Topics::of(&[Ird]),
    },
];
