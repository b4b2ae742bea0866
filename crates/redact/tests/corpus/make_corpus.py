#!/usr/bin/env python3
"""Writes a corpus for measuring the detector, independent of the one it was made with: other phrases, other
countries, other languages, the formats of real secrets, and clean text of many kinds.

usage: make_corpus.py SEED PER_KIND > corpus.jsonl        (needs: python-stdnum, see scripts/python-venv.sh)
Each line is {"id", "text", "spans": [{"start", "end", "entity", "value"}]} with offsets in code points. Every value
is random and made at run time; none is a person's, none opens anything.
"""
import base64
import importlib
import json
import random
import string
import sys

UP, LOW, DIG = string.ascii_uppercase, string.ascii_lowercase, string.digits
B62, HEX = UP + LOW + DIG, DIG + 'abcdef'
URL64 = B62 + '-_'


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, items):
        return self.rng.choice(items)

    def some(self, alphabet, length):
        return ''.join(self.rng.choice(alphabet) for _ in range(length))

    def strong(self, alphabet, length):
        """As `some`, with a digit and both cases wherever the alphabet has them."""
        while True:
            text = self.some(alphabet, length)
            if any(c in DIG for c in text) and (not any(c in LOW for c in alphabet) or any(c in LOW for c in text)):
                return text

    def date(self):
        return self.rng.randint(1930, 2005), self.rng.randint(1, 12), self.rng.randint(1, 28)

    def fill(self, pattern):
        year, month, day = self.date()
        out = []
        for c in pattern:
            out.append({'9': lambda: self.pick(DIG), 'A': lambda: self.pick(UP), 'N': lambda: self.pick(UP + DIG),
                        'D': lambda: '%02d%02d%02d' % (year % 100, month, day),
                        'd': lambda: '%02d%02d%02d' % (day, month, year % 100),
                        'Y': lambda: '%04d%02d%02d' % (year, month, day)}.get(c, lambda: c)())
        return ''.join(out)

    def valid(self, module, pattern):
        validator = importlib.import_module('stdnum.' + module)
        for _ in range(200_000):
            value = self.fill(pattern)
            digits = [c for c in value if c.isdigit()]
            if validator.is_valid(value) and len(set(digits)) > 3:
                return value
        raise SystemExit('no value of %s fits %s' % (module, pattern))


def grouped(value, sizes, separator):
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at:at + size])
        at += size
    return separator.join(part for part in parts if part)


def card(m):
    prefix, length = m.pick([('4', 16), ('51', 16), ('55', 16), ('2221', 16), ('37', 15), ('34', 15), ('6011', 16), ('3530', 16)])
    body = prefix + m.some(DIG, length - len(prefix) - 1)
    for last in DIG:
        total = 0
        for index, c in enumerate(reversed(body + last)):
            n = int(c) * (2 if index % 2 else 1)
            total += n - 9 if n > 9 else n
        if total % 10 == 0:
            value = body + last
    if length == 15:
        return m.pick([value, grouped(value, (4, 6, 5), ' '), grouped(value, (4, 6, 5), '-')])
    return m.pick([value, grouped(value, (4, 4, 4, 4), ' '), grouped(value, (4, 4, 4, 4), '-')])


def iban(m):
    country, pattern = m.pick([('DE', '9' * 18), ('FR', '9' * 23), ('GB', 'AAAA' + '9' * 14), ('NL', 'AAAA' + '9' * 10), ('ES', '9' * 20),
                               ('IT', 'A' + '9' * 22), ('CH', '9' * 17), ('AT', '9' * 16), ('PL', '9' * 24), ('SE', '9' * 20), ('BE', '9' * 12),
                               ('PT', '9' * 21), ('SA', '9' * 20), ('TR', '9' * 22), ('BR', '9' * 23 + 'A' + 'N'), ('NO', '9' * 11)])
    body = m.fill(pattern)
    number = int(''.join(str(int(c, 36)) for c in body + country + '00'))
    value = country + '%02d' % (98 - number % 97) + body
    return m.pick([value, grouped(value, (4,) * 9, ' '), value])


def email(m):
    local = m.pick(['k.osei', 'priya_nair', 'f.lindqvist+news', 'sales.2', 'o.tanaka', 'hmuller', 'zoe-b', 'm.da.silva', 'a'])
    domain = m.pick(['firma.example.de', 'corp.example.co.jp', 'mail.example.com.br', 'uni.example.edu', 'example.io', 'x1.example.museum'])
    return local + m.some(DIG, 2) + '@' + domain


def phone(m):
    d = lambda n: m.some('23456789', 1) + m.some(DIG, n - 1)
    return m.pick([lambda: '+49 30 ' + d(7), lambda: '+44 7' + m.some(DIG, 3) + ' ' + d(6), lambda: '+33 6 ' + ' '.join(m.some(DIG, 2) for _ in range(4)),
                   lambda: '+1 (' + d(3).replace('11', '12') + ') ' + d(3).replace('11', '12') + '-' + m.some(DIG, 4), lambda: '+91 ' + m.pick('6789') + m.some(DIG, 4) + ' ' + m.some(DIG, 5),
                   lambda: '+81-90-' + m.some(DIG, 4) + '-' + m.some(DIG, 4), lambda: '+55 11 9' + m.some(DIG, 4) + '-' + m.some(DIG, 4),
                   lambda: '+61 4' + m.some(DIG, 2) + ' ' + m.some(DIG, 3) + ' ' + m.some(DIG, 3), lambda: '+39 3' + m.some(DIG, 2) + ' ' + m.some(DIG, 7),
                   lambda: '+46 70 ' + m.some(DIG, 3) + ' ' + m.some(DIG, 2) + ' ' + m.some(DIG, 2), lambda: '+971 50 ' + d(3) + ' ' + m.some(DIG, 4)])()


def national_phone(m):
    return m.pick([lambda: '020 7' + m.some(DIG, 3) + ' ' + m.some(DIG, 4), lambda: '0171 ' + m.some('23456789', 7), lambda: '06 ' + ' '.join(m.some(DIG, 2) for _ in range(4)),
                   lambda: '212-' + m.some('23456789', 3).replace('11', '12') + '-' + m.some(DIG, 4), lambda: '0412 ' + m.some(DIG, 3) + ' ' + m.some(DIG, 3),
                   lambda: '03-' + m.some('3456789', 4) + '-' + m.some(DIG, 4), lambda: '(11) 9' + m.some(DIG, 4) + '-' + m.some(DIG, 4)])()


def born(m):
    year, month, day = m.date()
    name = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][month - 1]
    return m.pick(['%04d-%02d-%02d' % (year, month, day), '%02d/%02d/%04d' % (month, day, year), '%02d.%02d.%04d' % (day, month, year),
                   '%d %s %d' % (day, name, year), '%s %d, %d' % (name, day, year)])


def jwt(m):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip('=')
    return part({'alg': m.pick(['HS256', 'RS256', 'ES384']), 'typ': 'JWT'}) + '.' + part({'sub': m.some(DIG, 8), 'exp': 1893456000}) + '.' + m.strong(URL64, 43)


def pem(m):
    label = m.pick(['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])
    dashes = '-' * 5
    lines = '\n'.join(m.some(B62 + '+/', 64) for _ in range(m.rng.randint(3, 8)))
    return '%sBEGIN %s%s\n%s\n%sEND %s%s' % (dashes, label, dashes, lines, dashes, label, dashes)


def crypto(m):
    import hashlib
    payload = bytes([m.pick([0, 5])]) + bytes(m.rng.randrange(256) for _ in range(20))
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, alphabet, out = int.from_bytes(data, 'big'), '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', ''
    while number:
        number, rest = divmod(number, 58)
        out = alphabet[rest] + out
    return '1' * (len(data) - len(data.lstrip(b'\0'))) + out


ID = lambda module, pattern, sizes=None, separator=' ': (
    lambda m: (lambda v: grouped(v, sizes, separator) if sizes else v)(m.valid(module, pattern)))
J = ''.join  # keeps prefixes apart in this file, so that no scanner takes them for keys

# entity: (makers, sentences with {} for the value)
KINDS = {
    'EMAIL_ADDRESS': (email, ['Reach the vendor via {} before noon.', 'cc: {}; bcc: none', 'Bitte antworten Sie an {}.', '連絡先は{}です。', '{{"to":"{}"}}', '<a href="mailto:{}">mail</a>', 'contact={}&lang=en', 'Escriba a {} para más detalles']),
    'PHONE_NUMBER': (phone, ['Ring the clinic on {}.', 'Mein Handy: {}', 'Numéro : {} (le soir)', 'WhatsApp {} works best', 'tel={}', '{{"phone":"{}"}}', 'Llámame al {} mañana', '{} is my direct line']),
    'PHONE_NUMBER ': (national_phone, ['Phone: {}', 'Please call {} about the delivery.', 'Telefon {}', 'tél. {}', 'my mobile number is {}', 'Fax {}', 'teléfono {}']),
    'CREDIT_CARD': (card, ['charge {} please', 'Kreditkarte {} wurde abgelehnt', 'la tarjeta {} caduca pronto', 'PAN {}', '{{"card_number":"{}"}}', 'Visa/MC: {}', 'card {}|12|29', 'paid with {} yesterday', 'carte bancaire {}']),
    'IBAN_CODE': (iban, ['Überweisen Sie an {}.', 'IBAN: {}', 'transfer the rent to {} by Friday', 'compte {}', '{{"iban":"{}"}}', 'conto {} intestato a lei', 'Pay {} the balance', 'rekening {}']),
    'US_SSN': (ID('us.ssn', '999999999', (3, 2, 4), '-'), ['Her social is {}.', 'SSN {} on the W-2', 'ssn={}', 'taxpayer {} filed late', '{{"socialSecurityNumber":"{}"}}', 'Employee {} was hired']),
    'US_SSN ': (ID('us.ssn', '999999999'), ['SSN: {}', '{{"ssn": {}}}', 'social security number {}', 'social_security_number={}']),
    'UK_NHS': (ID('gb.nhs', '9999999999'), ['NHS number {}', 'NHS no. {}', '{{"nhs_number":"{}"}}']),
    'UK_NHS ': (ID('gb.nhs', '9999999999', (3, 3, 4)), ['NHS {}', 'patient {} seen in clinic']),
    'UK_NINO': (lambda m: J([m.pick(['AB', 'CE', 'JK', 'PR', 'SW', 'TA']), m.some(DIG, 6), m.pick('ABCD')]), ['NI number {}', 'payroll lists {}', 'national insurance: {}']),
    'DE_TAX_ID': (ID('de.idnr', '99999999999'), ['Steuer-ID {}', 'meine Steueridentifikationsnummer lautet {}', 'IdNr.: {}', '{{"steuer_id":"{}"}}']),
    'FR_NIR': (ID('fr.nir', '185019999999999'), ['numéro de sécurité sociale {}', 'NIR : {}', 'assuré {} rattaché']),
    'ES_NIF': (ID('es.dni', '99999999A'), ['DNI {}', 'con documento {} y domicilio', 'NIF: {}']),
    'ES_NIE': (ID('es.nie', 'X9999999A'), ['NIE {}', 'titular {}', 'extranjero con {}']),
    'IT_FISCAL_CODE': (ID('it.codicefiscale', 'AAAAAA85T41H501A'), ['codice fiscale {}', 'C.F. {}', 'il contribuente {} dichiara']),
    'NL_BSN': (ID('nl.bsn', '999999999'), ['BSN {}', 'burgerservicenummer: {}', '{{"bsn":"{}"}}']),
    'BE_NN': (ID('be.nn', 'D99999', (6, 3, 2), '-'), ['rijksregisternummer {}', 'numéro national {}']),
    'PL_PESEL': (ID('pl.pesel', 'D99999'), ['PESEL {}', 'numer PESEL: {}', '{{"pesel":"{}"}}']),
    'SE_PERSONNUMMER': (ID('se.personnummer', 'D9999', (6, 4), '-'), ['personnummer {}', 'patienten {} kallades', 'född, {}']),
    'FI_PERSONAL_IDENTITY_CODE': (ID('fi.hetu', 'd-899N'), ['henkilötunnus {}', 'HETU: {}', 'potilas {}']),
    'NO_FNR': (ID('no.fodselsnummer', 'd99999'), ['fødselsnummer {}', 'fnr {}', '{{"fnr":"{}"}}']),
    'DK_CPR': (ID('dk.cpr', 'd9999', (6, 4), '-'), ['CPR {}', 'cpr-nummer: {}']),
    'BALTIC_PERSONAL_CODE': (ID('ee.ik', '4D9999'), ['isikukood {}', 'asmens kodas {}']),
    'CZ_RODNE_CISLO': (ID('cz.rc', 'D9999', (6, 4), '/'), ['rodné číslo {}', 'r.č. {}']),
    'RO_CNP': (ID('ro.cnp', '2D120999'), ['CNP {}', 'cod numeric personal: {}']),
    'BG_EGN': (ID('bg.egn', 'D9999'), ['ЕГН {}', 'егн: {}']),
    'GR_AMKA': (ID('gr.amka', 'd99999'), ['ΑΜΚΑ {}', 'ΑΜΚΑ: {}']),
    'HR_OIB': (ID('hr.oib', '99999999999'), ['OIB {}', 'OIB: {}']),
    'PT_NIF': (ID('pt.nif', '299999999'), ['NIF {}', 'contribuinte {}']),
    'IE_PPS': (ID('ie.pps', '9999999A'), ['PPS number {}', 'PPSN {}']),
    'AT_SVNR': (ID('at.vnr', '9999d', (4, 6)), ['Sozialversicherungsnummer {}', 'SVNR {}']),
    'CH_AHV': (ID('ch.ssn', '7569999999999'), ['AHV-Nummer {}', 'numéro AVS {}']),
    'CA_SIN': (ID('ca.sin', '999999999', (3, 3, 3)), ['SIN {}', 'social insurance number {}']),
    'AU_TFN': (ID('au.tfn', '999999999', (3, 3, 3)), ['TFN {}', 'tax file number: {}']),
    'AU_ABN': (ID('au.abn', '99999999999', (2, 3, 3, 3)), ['ABN {}', 'invoice from ABN {}']),
    'NZ_IRD': (ID('nz.ird', '99999999', (2, 3, 3), '-'), ['IRD number {}', 'IRD {}']),
    'ZA_ID': (ID('za.idnr', 'D9999089'), ['ID number {}', 'South African ID {}']),
    'IN_AADHAAR': (ID('in_.aadhaar', '999999999999', (4, 4, 4)), ['Aadhaar {}', 'आधार {}', 'KYC done with {}']),
    'IN_PAN': (ID('in_.pan', 'AAAPA9999A'), ['PAN {}', 'TDS deducted, {}']),
    'IN_GSTIN': (ID('in_.gstin', '27AAAPA9999A1ZN'), ['GSTIN {}', 'supplier {}']),
    'TH_PIN': (ID('th.pin', '1999999999999', (1, 4, 5, 2, 1), '-'), ['เลขประจำตัวประชาชน {}', 'Thai ID {}']),
    'JP_MY_NUMBER': (ID('jp.in_', '999999999999'), ['マイナンバー {}', '個人番号:{}']),
    'CN_RESIDENT_ID': (ID('cn.ric', '110101Y9999'), ['身份证号码 {}', '本人({})申请']),
    'KR_RRN': (lambda m: m.fill('D') + '-' + m.pick('1234') + m.some(DIG, 6), ['주민등록번호 {}', '주민번호: {}']),
    'TR_NATIONAL_ID': (ID('tr.tckimlik', '99999999999'), ['TC kimlik no {}', 'TCKN {}']),
    'IL_ID': (ID('il.idnr', '999999999'), ['תעודת זהות {}', 'teudat zehut {}']),
    'MY_NRIC': (ID('my.nric', 'D149999', (6, 2, 4), '-'), ['MyKad {}', 'no. kad pengenalan {}']),
    'ID_NIK': (ID('id.nik', '327301d9999'), ['NIK {}', 'No KTP {}']),
    'BR_CPF': (lambda m: (lambda v: v[:3] + '.' + v[3:6] + '.' + v[6:9] + '-' + v[9:])(m.valid('br.cpf', '99999999999')), ['CPF {}', 'portador do {}', 'cliente {} aprovado']),
    'AR_CUIT': (ID('ar.cuit', '20999999999', (2, 8, 1), '-'), ['CUIT {}', 'factura a {}']),
    'CL_RUT': (ID('cl.rut', '99999999K', (8, 1), '-'), ['RUT {}', 'RUN: {}']),
    'MX_CURP': (ID('mx.curp', 'AAAADHMCAAA99'), ['CURP {}', 'clave {}']),
    'MEDICAL_RECORD_NUMBER': (lambda m: m.some('123456789', 7), ['MRN {}', 'medical record number: {}', '{{"mrn":"{}"}}', 'chart no. {}']),
    'US_NPI': (lambda m: npi(m), ['NPI {}', 'rendering provider NPI: {}']),
    'DATE_OF_BIRTH': (born, ['DOB {}', 'date of birth: {}', 'geboren am {}', 'née le {}', '{{"birthDate":"{}"}}', 'born {} in Accra', 'fecha de nacimiento {}', 'd.o.b. {}']),
    'IP_ADDRESS': (lambda m: m.pick(['%d.%d.%d.%d' % (m.rng.randint(40, 220), m.rng.randint(0, 255), m.rng.randint(0, 255), m.rng.randint(1, 254)), '2a02:%s::%s' % (m.some(HEX, 4), m.some(DIG, 3))]),
                   ['Failed password for root from {} port 22', 'client {} connected', '"remote_addr":"{}"', 'X-Forwarded-For: {}', 'ping {}']),
    'MAC_ADDRESS': (lambda m: m.pick([':', '-']).join(m.pick(DIG) + m.pick(HEX) for _ in range(6)), ['eth0 {} up', 'device {} joined', 'hwaddr {}']),
    'CRYPTO': (crypto, ['send BTC to {}', 'wallet: {}', 'payout address {}']),
    'JWT': (jwt, ['Authorization: Bearer {}', 'token={}', '{{"id_token":"{}"}}', 'jwt {} expired']),
    'PRIVATE_KEY': (pem, ['{}', 'key below\n{}\nkeep it safe', 'ssh: |\n{}']),
    'AWS_ACCESS_KEY': (lambda m: J(['AK', 'IA', m.some(UP + '234567', 16)]), ['aws_access_key_id = {}', 'key {} leaked', 'export AWS_ACCESS_KEY_ID={}', '"{}"']),
    'GITHUB_TOKEN': (lambda m: m.pick([lambda: J(['gh', 'p_', m.strong(B62, 36)]), lambda: J(['gith', 'ub_pat_', m.strong(B62, 22), '_', m.strong(B62, 59)]), lambda: J(['gh', 's_', m.strong(B62, 36)])])(), ['git clone https://github.com with {}', 'GH_TOKEN={}', "token: '{}'"]),
    'GITLAB_TOKEN': (lambda m: J(['gl', 'pat-', m.strong(URL64.replace('-', ''), 20)]), ['PRIVATE-TOKEN: {}', 'use {} to push']),
    'OPENAI_API_KEY': (lambda m: J(['sk', '-proj-', m.strong(URL64.replace('-', ''), 120)]), ['OPENAI_API_KEY={}', 'my key is {}', 'api_key="{}"']),
    'ANTHROPIC_API_KEY': (lambda m: J(['sk', '-ant-api03-', m.strong(URL64.replace('-', ''), 93), 'AA']), ['x-api-key: {}', 'ANTHROPIC_API_KEY={}']),
    'GOOGLE_API_KEY': (lambda m: m.pick([lambda: J(['AI', 'za', m.strong(URL64.replace('-', ''), 35)]), lambda: J(['GOC', 'SPX-', m.strong(B62, 28)])])(), ['maps?key={}', 'GOOGLE_KEY={}']),
    'SLACK_TOKEN': (lambda m: m.pick([lambda: J(['xo', 'xb-', m.some(DIG, 12), '-', m.some(DIG, 12), '-', m.strong(B62, 24)]), lambda: J(['hooks.slack', '.com/services/T', m.some(UP + DIG, 8), '/B', m.some(UP + DIG, 8), '/', m.strong(B62, 24)])])(), ['SLACK={}', 'post to {}']),
    'STRIPE_KEY': (lambda m: J(['sk', '_live_', m.strong(B62, 24)]), ['stripe.api_key = "{}"', 'STRIPE={}']),
    'SENDGRID_KEY': (lambda m: J(['S', 'G.', m.strong(B62, 22), '.', m.strong(B62, 43)]), ['SENDGRID_API_KEY={}', 'mail key {}']),
    'NPM_TOKEN': (lambda m: J(['np', 'm_', m.strong(B62, 36)]), ['//registry.npmjs.org/:_authToken={}', 'NPM_TOKEN={}']),
    'PYPI_TOKEN': (lambda m: J(['py', 'pi-AgEIcHlwaS5vcmc', m.strong(B62, 70)]), ['password = {}', 'twine upload -p {}']),
    'HUGGINGFACE_TOKEN': (lambda m: J(['h', 'f_', m.strong(B62, 34)]), ['HF_TOKEN={}', 'login(token="{}")']),
    'DATABRICKS_TOKEN': (lambda m: J(['da', 'pi', m.strong(HEX, 32)]), ['DATABRICKS_TOKEN={}', 'token {}']),
    'DIGITALOCEAN_TOKEN': (lambda m: J(['do', 'p_v1_', m.strong(HEX, 64)]), ['DO_TOKEN={}', 'doctl auth {}']),
    'TELEGRAM_BOT_TOKEN': (lambda m: J([m.some('123456789', 10), ':A', 'A', m.strong(B62, 33)]), ['bot token {}', 'https://api.telegram.org/bot{}/getMe', 'TELEGRAM={}']),
    'VAULT_TOKEN': (lambda m: J(['hv', 's.', m.strong(B62, 24)]), ['VAULT_TOKEN={}', 'vault login {}']),
    'TWILIO_KEY': (lambda m: J(['S', 'K', m.strong(HEX, 32)]), ['TWILIO_API_KEY={}', 'sid {}']),
    'AZURE_KEY': (lambda m: J(['AccountKey', '=', m.strong(B62 + '+/', 86), '==']), ['DefaultEndpointsProtocol=https;AccountName=acme;{};EndpointSuffix=core.windows.net']),
    'URL_WITH_CREDENTIALS': (lambda m: m.pick(['postgres', 'mysql', 'mongodb+srv', 'redis', 'amqp', 'https']) + '://' + m.pick(['svc', 'admin', 'app_user']) + ':' + m.strong(B62, 12) + '@' + m.pick(['db.example.internal:5432/prod', 'cache.example.net:6379', 'host.example.org/x']), ['DATABASE_URL={}', 'connect to {}', "dsn: '{}'"]),
    'PASSWORD': (lambda m: m.strong(B62 + '!#%', 12) + '!7a', ['password: {}', 'DB_PASSWORD={}', 'Das Passwort lautet {}', 'mot de passe : {}', 'contraseña: {}', '{{"password":"{}"}}', 'the password is {}', 'jdbc:postgresql://h/db?user=x&password={}', '密码:{}']),
    'GENERIC_SECRET': (lambda m: m.strong(B62, 32), ['client_secret={}', 'api_key: "{}"', 'export API_TOKEN={}', 'SECRET_KEY = \'{}\'', '{{"access_token":"{}"}}', 'https://x.example.com/f?sig={}', 'signing_secret: {}']),
}


def npi(m):
    while True:
        value = m.pick('12') + m.some(DIG, 9)
        if importlib.import_module('stdnum.luhn').is_valid('80840' + value):
            return value


CLEAN = [
    'The regression appeared in build 20240611.3 and went away with 20240612.1.',
    'Order 4512-7781-09 ships on Tuesday; the tracking number is 1Z999AA10123456784.',
    'See Smith v. Jones, 410 U.S. 113 (1973), and 29 C.F.R. § 1910.1200(g)(8).',
    'ISBN 978-3-16-148410-0 and ISSN 2049-3630 are listed in the bibliography.',
    'SELECT id, total FROM orders WHERE created_at >= 1700000000 AND total > 1250.50 LIMIT 100;',
    'commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixes the crash in parser.c:1204',
    'UUID 3f2504e0-4f89-41d3-9a0c-0305e82c3301, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'The patient presented with chest pain; troponin 0.04 ng/mL, BP 138/86, heart rate 92, SpO2 97 %.',
    'Metformin 500 mg twice daily, lisinopril 10 mg once daily, follow up in 6 weeks.',
    'Die Veranstaltung beginnt um 19:30 Uhr, der Eintritt kostet 12,50 Euro, es gibt 350 Plätze.',
    'Le budget 2024-2025 prévoit 1 250 000 euros, soit une hausse de 3,4 % par rapport à 2023.',
    'El tren sale a las 08:45 del andén 12 y llega a las 11:20; el billete cuesta 34,90 euros.',
    'La riunione è fissata per il 14 marzo 2025 alle 10:00 nella sala 3.21 del secondo piano.',
    'A reunião foi marcada para 22/05/2025, com 18 participantes e duração de 90 minutos.',
    'Spotkanie odbędzie się 3 czerwca 2025 o godzinie 15:00, a koszt wynosi 1200 zł.',
    'Встреча назначена на 12 апреля, в бюджете 1 500 000 рублей, участвуют 24 человека.',
    '会议定于2025年3月14日下午3点举行，预算为125万元，共有36人参加。',
    'for i in range(0, 1048576, 4096): checksum ^= table[(checksum ^ data[i]) & 0xFF]',
    '{"page": 3, "per_page": 50, "total": 18234, "items": [101, 102, 103], "elapsed_ms": 12.75}',
    '| 2021 | 48213 | 0.912 |\n| 2022 | 51877 | 0.934 |\n| 2023 | 60412 | 0.951 |',
    'GET /v1/items/88213?limit=25&offset=50 HTTP/1.1 200 5321 "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.6099.109"',
    'Version 10.0.19045.3803 of the driver, firmware 4.2.1.7, OID 1.3.6.1.4.1.311.21.20',
    'The password policy requires 12 characters; a token expires after 3600 seconds.',
    'def get_secret(name: str) -> str:\n    return os.environ["APP_SECRET"]\n\npassword = getpass.getpass()',
    'token = request.headers.get("Authorization")\nif not token:\n    raise PermissionError("no token")',
    'Coordinates 52.520008, 13.404954; elevation 34 m; area 891.7 km²; population 3,769,495.',
    'Flight LH 1234 departs at 06:55 from gate B42; seat 14C; booking reference is not needed.',
    'Part number 7201-0045-B replaces 7201-0044-A. Torque to 25 Nm, clearance 0.05 mm.',
    'npm install react@18.2.0 @types/node@20.10.4 && npx tsc --target es2022',
    'Pi is 3.14159265358979, e is 2.71828182845905, the golden ratio 1.61803398874989.',
    'The court held in para. 47 that Article 6(1) ECHR applies; application no. 12345/06 was joined.',
    'Invoice 2024-000178 over 1,499.00 USD is due in 30 days; purchase order 4500012345.',
    'kernel: [ 1234.567890] usb 1-1.2: new high-speed USB device number 7 using xhci_hcd',
    'Phase 3 enrolled 12,480 participants at 142 sites; hazard ratio 0.74 (95 % CI 0.62-0.88).',
    'export PATH=$HOME/.local/bin:$PATH; export EDITOR=vim; ulimit -n 65536',
    'In chapter 12 the author compares 1848, 1871 and 1918; see pages 233-251.',
    'Call the function with care: card.render(), account.close(), phone.vibrate(200).',
    'Dear all, the office will be closed on Monday. Best regards, the facilities team',
    'rgba(255, 128, 0, 0.5) on #ff8800, z-index 9999, transition 250ms ease-in-out',
    'Die Bestellnummer 70012345678 und die Sendungsnummer 00340434161094042557 stehen auf dem Beleg.',
]
FILLER = ['That is all for now.', 'Let me know what you think.', 'Danke im Voraus!', 'Merci beaucoup.', 'We talked about this last week.', 'Gracias por todo.']


def main():
    seed, per_kind = int(sys.argv[1]), int(sys.argv[2])
    m, rows = Maker(seed), []
    for key, (make, sentences) in KINDS.items():
        for index in range(per_kind):
            value = make(m)
            before = m.pick(FILLER) + ' ' if m.rng.random() < 0.5 else ''
            after = m.pick([' ', '\n']) + m.pick(FILLER) if m.rng.random() < 0.5 else ''
            head, tail = sentences[index % len(sentences)].format('\0').split('\0')
            head, tail = before + head, tail + after
            span = {'start': len(head), 'end': len(head) + len(value), 'entity': key.strip(), 'value': value}
            rows.append({'text': head + value + tail, 'spans': [span]})
    for index in range(max(len(CLEAN), per_kind * 4)):
        parts = [CLEAN[(index + n * 7) % len(CLEAN)] for n in range(m.rng.randint(1, 4))]
        rows.append({'text': m.pick([' ', '\n']).join(parts), 'spans': []})
    for number, row in enumerate(rows):
        print(json.dumps({'id': number, **row}, ensure_ascii=False))


if __name__ == '__main__':
    main()
