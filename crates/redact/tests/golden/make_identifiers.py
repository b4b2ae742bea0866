#!/usr/bin/env python3
"""Writes identifiers.txt: values judged by python-stdnum, the independent opinion on every check digit.

usage: make_identifiers.py PER_KIND SEED > identifiers.txt      (needs: pip install python-stdnum==2.2)
       make_identifiers.py --patterns             `check pattern` lines
       make_identifiers.py --judge < values       a verdict for each `check value` line: valid, invalid or exception
Each line is `check value verdict`; about half of the values are valid. Values are random, so none is a person's.
"""
import importlib
import random
import string
import sys

# check name: (stdnum module, pattern of random candidates). 9 digit, A letter, D date YYMMDD, d date DDMMYY,
# Y date YYYYMMDD, N digit or letter, other characters themselves. A list gives alternatives.
KINDS = {
    'luhn': ('luhn', ['9999999999', '9999999999999999']),
    'verhoeff': ('verhoeff', '999999999999'),
    'aba_routing': ('us.rtn', '999999999'),
    'imei': ('imei', '999999999999999'),
    'us_ssn': ('us.ssn', '999999999'),
    'us_itin': ('us.itin', ['999999999', '9' + '99999999']),
    'ca_sin': ('ca.sin', '999999999'),
    'br_cpf': ('br.cpf', '99999999999'),
    'br_cnpj': ('br.cnpj', '99999999999999'),
    'ar_cuit': ('ar.cuit', ['20999999999', '27999999999', '30999999999', '99999999999']),
    'cl_rut': ('cl.rut', ['999999999', '99999999K', '99999999']),
    'mx_curp': ('mx.curp', ['AAAADHDFAAA99', 'AAAADMJCAAA99', 'AAAADHNLAAAA9']),
    'mx_rfc': ('mx.rfc', 'AAAADNNN'),
    'co_nit': ('co.nit', ['9999999999']),
    'au_tfn': ('au.tfn', '999999999'),
    'au_abn': ('au.abn', '99999999999'),
    'au_acn': ('au.acn', '999999999'),
    'nz_ird': ('nz.ird', ['99999999', '199999999', '999999999']),
    'in_aadhaar': ('in_.aadhaar', '999999999999'),
    'in_pan': ('in_.pan', ['AAAPA9999A', 'AAACA9999A', 'AAAAA9999A']),
    'in_gstin': ('in_.gstin', ['27AAAPA9999A1ZN', '99AAACA9999ANZN']),
    'za_id': ('za.idnr', ['D9999089', 'D9999189', '9999999999999']),
    'th_pin': ('th.pin', '9999999999999'),
    'jp_my_number': ('jp.in_', '999999999999'),
    'cn_resident_id': ('cn.ric', ['110101Y9999', '440300Y999X', '652800Y9999']),
    'my_nric': ('my.nric', ['D019999', 'D999999']),
    'id_nik': ('id.nik', ['327301d9999', '317504d9999', '999999999999']),
    'tr_tckn': ('tr.tckimlik', '99999999999'),
    'il_id': ('il.idnr', '999999999'),
    'uk_nhs': ('gb.nhs', '9999999999'),
    'uk_utr': ('gb.utr', '9999999999'),
    'ie_pps': ('ie.pps', ['9999999A', '9999999AW', '9999999AA']),
    'nl_bsn': ('nl.bsn', '999999999'),
    'be_nn': ('be.nn', ['D99999', '99999999999']),
    'de_tax_id': ('de.idnr', '99999999999'),
    'fr_nir': ('fr.nir', ['199019999999999', '285122A99999999', '155102B99999999']),
    'at_svnr': ('at.vnr', ['9999d']),
    'ch_ahv': ('ch.ssn', '7569999999999'),
    'se_personnummer': ('se.personnummer', ['D9999']),
    'es_nif': ('es.dni', '99999999A'),
    'es_nie': ('es.nie', ['X9999999A', 'Y9999999A', 'Z9999999A']),
    'it_fiscal_code': ('it.codicefiscale', ['AAAAAA99A01F999A', 'AAAAAA85T41H501A', 'AAAAAA7LM2VAL5AA']),
    'pt_nif': ('pt.nif', '999999999'),
    'gr_amka': ('gr.amka', 'd99999'),
    'hr_oib': ('hr.oib', '99999999999'),
    'pl_pesel': ('pl.pesel', ['D99999', '99999999999']),
    'fi_hetu': ('fi.hetu', ['d-999N', 'dA999N', 'd+999N']),
    'no_fnr': ('no.fodselsnummer', ['d99999']),
    'dk_cpr': ('dk.cpr', ['d9999']),
    'baltic_id': ('ee.ik', ['3D9999', '4D9999', '5D9999', '6D9999']),
    'cz_rodne_cislo': ('cz.rc', ['D9999', '9951999999', '0999999999']),
    'ro_cnp': ('ro.cnp', ['1D999999', '2D999999', '5D999999', '6D999999']),
    'bg_egn': ('bg.egn', ['D9999']),
    'iban': ('iban', ['DE9999999999999999999', 'DE99999999999999999999', 'NL99AAAA9999999999', 'NO9999999999999',
                      'FI9999999999999999', 'GB99AAAA99999999999999', 'PL99999999999999999999999999']),
}

# Values on which the two differ for a known reason are left out.
ITIN_GROUPS_SINCE_2016 = range(50, 66)  # IRS: "Understanding your ITIN", groups assigned since 2016
FEDERAL_RESERVE = [*range(0, 13), *range(21, 33), *range(61, 73), 80]  # ABA Routing Number Policy; not in stdnum
CZECH_MONTHS = [m + n for m in range(1, 13) for n in (0, 20, 50, 70)]  # Act 133/2000; stdnum takes any of mod 50 mod 20
NEW_PROVINCES = range(92, 98)  # Indonesia, Acts 14-16 and 29 of 2022; not in stdnum's list
EXCEPTIONS = {
    'us_itin': lambda v: int(v[3:5]) in ITIN_GROUPS_SINCE_2016,
    'aba_routing': lambda v: int(v[:2]) not in FEDERAL_RESERVE,
    'cz_rodne_cislo': lambda v: int(v[2:4]) not in CZECH_MONTHS,
    # Serial numbers begin at 0001 (Ministry of Home Affairs, structure of the NIK); stdnum takes 0000.
    'id_nik': lambda v: int(v[:2]) in NEW_PROVINCES or v[12:] == '0000',
    # ISO 13616-1 asks for length and MOD 97-10, as ours does; stdnum also for the national structure inside, which
    # countries change and people mistype.
    'iban': lambda v: (importlib.import_module('stdnum.iso7064.mod_97_10').is_valid(v[4:] + v[:4])
                       and not importlib.import_module('stdnum.iban').is_valid(v)),
    'fi_hetu': lambda v: v[7] == '9',  # temporary codes of hospitals: ours takes them
    # State codes of the GST portal: 38 Ladakh (since 2019), 97 other territory, 99 centre; not in stdnum's list.
    'in_gstin': lambda v: v[:2] in ('38', '97', '99'),
    # Citizenship digit 2: refugees (Identification Act 68 of 1997, Department of Home Affairs); stdnum knows 0 and 1.
    'za_id': lambda v: v[10] == '2',
    # Dates in the future: ours has no clock.
    'no_fnr': lambda v: int(v[6:9]) >= 500 and 24 < int(v[4:6]) < 40,
    'be_nn': lambda v: int(v[:2]) > 24 and 97 - int('2' + v[:9]) % 97 == int(v[9:]) or int(v[2:4]) > 12,
    'dk_cpr': lambda v: v[6] in '456789' and 24 < int(v[4:6]) < 58,
    # Australian Business Register, "Format of the ABN": the sum is divisible by 89, for 10 as for 99; stdnum wants 11 or more.
    'au_abn': lambda v: v[:2] == '10',
    # Words that the register avoids today; older codes hold them.
    'mx_curp': lambda v: v[:4] in importlib.import_module('stdnum.mx.curp')._name_blacklist,
    'mx_rfc': lambda v: v[:4] in importlib.import_module('stdnum.mx.rfc')._name_blacklist,
    'pl_pesel': lambda v: 40 < int(v[2:4]) < 80,
}


def fill(pattern, rng):
    letters = string.ascii_uppercase
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1900, 2024)
    out = []
    for c in pattern:
        out.append({'9': lambda: rng.choice(string.digits), 'A': lambda: rng.choice(letters),
                    'N': lambda: rng.choice(string.digits + letters),
                    'D': lambda: '%02d%02d%02d' % (year % 100, month, day),
                    'd': lambda: '%02d%02d%02d' % (day, month, year % 100),
                    'Y': lambda: '%04d%02d%02d' % (year, month, day)}.get(c, lambda: c)())
    return ''.join(out)


def patterns_of(name):
    patterns = KINDS[name][1]
    return [patterns] if isinstance(patterns, str) else patterns


def judge(lines):
    """Judges values for the differential test in src/checks/differential.rs."""
    validators = {name: importlib.import_module('stdnum.' + module) for name, (module, _) in KINDS.items()}
    for line in lines:
        name, value = line.split()
        if EXCEPTIONS.get(name, lambda v: False)(value):
            print('exception')
        else:
            print('valid' if validators[name].is_valid(value) else 'invalid')


def main():
    if sys.argv[1:] == ['--patterns']:
        for name in KINDS:
            for pattern in patterns_of(name):
                print(name, pattern)
        return
    if sys.argv[1:] == ['--judge']:
        judge(sys.stdin)
        return
    per_kind, seed = int(sys.argv[1]), int(sys.argv[2])
    for name, (module, patterns) in KINDS.items():
        try:
            validator = importlib.import_module('stdnum.' + module)
        except ImportError:
            print('no stdnum module', module, file=sys.stderr)
            continue
        rng = random.Random('%s %d' % (name, seed))
        patterns = [patterns] if isinstance(patterns, str) else patterns
        valid, invalid = [], []
        for _ in range(4000 * per_kind):
            value = fill(rng.choice(patterns), rng)
            if EXCEPTIONS.get(name, lambda v: False)(value):
                continue
            bucket = valid if validator.is_valid(value) else invalid
            if len(bucket) < per_kind:
                bucket.append(value)
            if len(valid) == per_kind and len(invalid) == per_kind:
                break
        if len(valid) < per_kind:
            print(name, 'only', len(valid), 'valid', file=sys.stderr)
        for verdict, bucket in (('valid', valid), ('invalid', invalid)):
            for value in bucket:
                print(name, value, verdict)


if __name__ == '__main__':
    main()
