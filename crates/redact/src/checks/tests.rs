//! Every check against an independent opinion: `tests/golden/identifiers.txt`, judged by python-stdnum (see
//! `make_identifiers.py` beside it), and public vectors for the rest.

use super::*;

pub(super) type Check = fn(&[u8]) -> bool;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("luhn", arithmetic::luhn),
    ("verhoeff", arithmetic::verhoeff),
    ("aba_routing", finance::aba_routing),
    ("iban", finance::iban),
    ("imei", finance::imei),
    ("us_ssn", americas::us_ssn),
    ("us_itin", americas::us_itin),
    ("ca_sin", americas::ca_sin),
    ("br_cpf", americas::br_cpf),
    ("br_cnpj", americas::br_cnpj),
    ("ar_cuit", americas::ar_cuit),
    ("cl_rut", americas::cl_rut),
    ("mx_curp", americas::mx_curp),
    ("mx_rfc", americas::mx_rfc),
    ("co_nit", americas::co_nit),
    ("au_tfn", oceania::au_tfn),
    ("au_abn", oceania::au_abn),
    ("au_acn", oceania::au_acn),
    ("nz_ird", oceania::nz_ird),
    ("in_aadhaar", africa_asia::in_aadhaar),
    ("in_pan", africa_asia::in_pan),
    ("in_gstin", africa_asia::in_gstin),
    ("za_id", africa_asia::za_id),
    ("th_pin", africa_asia::th_pin),
    ("jp_my_number", africa_asia::jp_my_number),
    ("cn_resident_id", africa_asia::cn_resident_id),
    ("my_nric", africa_asia::my_nric),
    ("id_nik", africa_asia::id_nik),
    ("tr_tckn", africa_asia::tr_tckn),
    ("il_id", africa_asia::il_id),
    ("uk_nhs", europe_west::uk_nhs),
    ("uk_utr", europe_west::uk_utr),
    ("ie_pps", europe_west::ie_pps),
    ("nl_bsn", europe_west::nl_bsn),
    ("be_nn", europe_west::be_nn),
    ("de_tax_id", europe_west::de_tax_id),
    ("fr_nir", europe_west::fr_nir),
    ("at_svnr", europe_west::at_svnr),
    ("ch_ahv", europe_west::ch_ahv),
    ("se_personnummer", europe_west::se_personnummer),
    ("es_nif", europe_south::es_nif),
    ("es_nie", europe_south::es_nie),
    ("it_fiscal_code", europe_south::it_fiscal_code),
    ("pt_nif", europe_south::pt_nif),
    ("gr_amka", europe_south::gr_amka),
    ("hr_oib", europe_south::hr_oib),
    ("pl_pesel", europe_north::pl_pesel),
    ("fi_hetu", europe_north::fi_hetu),
    ("no_fnr", europe_north::no_fnr),
    ("dk_cpr", europe_north::dk_cpr),
    ("baltic_id", europe_north::baltic_id),
    ("cz_rodne_cislo", europe_north::cz_rodne_cislo),
    ("ro_cnp", europe_north::ro_cnp),
    ("bg_egn", europe_north::bg_egn),
];

/// Disagreements by check in a file of `check value verdict` lines, and the lines judged.
fn disagreements(vectors: &str) -> (Vec<&str>, usize) {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for line in vectors.lines() {
        let mut parts = line.split(' ');
        let (Some(name), Some(value), Some(verdict)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("malformed line {line}");
        };
        let (_, check) = CHECKS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("no check {name}"));
        judged += 1;
        if check(value.as_bytes()) != (verdict == "valid") {
            wrong.push(line);
        }
    }
    (wrong, judged)
}

#[test]
fn checks_agree_with_python_stdnum() {
    let (wrong, judged) = disagreements(include_str!("../../tests/golden/identifiers.txt"));
    assert!(
        wrong.is_empty(),
        "{} disagreements of {judged}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(judged > 2_000, "only {judged} values were judged");
}
