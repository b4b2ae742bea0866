//! Identifiers of the Americas.

use super::{CERTAIN, IdRule, LIKELY, NEEDS_CONTEXT, POSSIBLE, shape};
use crate::checks::americas as check;
use crate::entity::Entity;
use crate::topics::Topic::{Cnpj, Cpf, Cuit, Curp, Itin, NationalId, Nit, Rfc, Rut, Sin, Ssn, TaxId};
use crate::topics::Topics;

pub(super) const RULES: &[IdRule] = &[
    IdRule {
        id: "us_ssn",
        entity: Entity::UsSsn,
        shapes: &[
            shape("999-99-9999", 180),
            shape("999 99 9999", POSSIBLE),
            shape("999.99.9999", POSSIBLE),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: check::us_ssn,
        topics: Topics::of(&[Ssn, TaxId]),
    },
    IdRule {
        id: "us_itin",
        entity: Entity::UsItin,
        shapes: &[
            shape("999-99-9999", 160),
            shape("999 99 9999", POSSIBLE),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: check::us_itin,
        topics: Topics::of(&[Itin, Ssn, TaxId]),
    },
    IdRule {
        id: "ca_sin",
        entity: Entity::CaSin,
        shapes: &[
            shape("999-999-999", LIKELY),
            shape("999 999 999", 60),
            shape("999999999", NEEDS_CONTEXT),
        ],
        check: check::ca_sin,
        topics: Topics::of(&[Sin]),
    },
    IdRule {
        id: "br_cpf",
        entity: Entity::BrCpf,
        shapes: &[
            shape("999.999.999-99", CERTAIN),
            shape("999 999 999 99", POSSIBLE),
            shape("999999999-99", LIKELY),
            shape("99999999999", NEEDS_CONTEXT),
        ],
        check: check::br_cpf,
        topics: Topics::of(&[Cpf, TaxId]),
    },
    IdRule {
        id: "br_cnpj",
        entity: Entity::BrCnpj,
        shapes: &[
            shape("NN.NNN.NNN/NNNN-99", CERTAIN),
            shape("99999999999999", NEEDS_CONTEXT),
            shape("NNNNNNNNNNNN99", NEEDS_CONTEXT),
        ],
        check: check::br_cnpj,
        topics: Topics::of(&[Cnpj, TaxId]),
    },
    IdRule {
        id: "ar_cuit",
        entity: Entity::ArCuit,
        shapes: &[
            shape("99-99999999-9", CERTAIN),
            shape("99999999999", NEEDS_CONTEXT),
        ],
        check: check::ar_cuit,
        topics: Topics::of(&[Cuit, TaxId]),
    },
    IdRule {
        id: "cl_rut",
        entity: Entity::ClRut,
        shapes: &[
            shape("99.999.999-n", CERTAIN),
            shape("9.999.999-n", CERTAIN),
            shape("99999999-n", LIKELY),
            shape("9999999-n", POSSIBLE),
            shape("99999999n", NEEDS_CONTEXT),
        ],
        check: check::cl_rut,
        topics: Topics::of(&[Rut, TaxId, NationalId]),
    },
    IdRule {
        id: "mx_curp",
        entity: Entity::MxCurp,
        shapes: &[shape("aaaa999999aaaaaan9", CERTAIN)],
        check: check::mx_curp,
        topics: Topics::of(&[Curp, NationalId]),
    },
    IdRule {
        id: "mx_rfc",
        entity: Entity::MxRfc,
        shapes: &[shape("AAAA999999NNN", 220), shape("AAAA-999999-NNN", CERTAIN)],
        check: check::mx_rfc,
        topics: Topics::of(&[Rfc, TaxId]),
    },
    IdRule {
        id: "co_nit",
        entity: Entity::CoNit,
        shapes: &[
            shape("999.999.999-9", LIKELY),
            shape("999999999-9", POSSIBLE),
            shape("9999999999", NEEDS_CONTEXT),
        ],
        check: check::co_nit,
        topics: Topics::of(&[Nit]),
    },
];
