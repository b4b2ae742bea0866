//! What is found in texts as people and programs write them, and what is not.

mod common;

use common::{check, found_in_field};

#[test]
fn email_addresses() {
    check(&[
        (
            "write to jane.doe+tag@mail.example.co.uk.",
            &["EMAIL_ADDRESS jane.doe+tag@mail.example.co.uk"],
        ),
        (
            "<jane@example.org>, 'joe@example.org'",
            &["EMAIL_ADDRESS jane@example.org", "EMAIL_ADDRESS joe@example.org"],
        ),
        (
            "mailto:o'brien@example.ie?subject=x",
            &["EMAIL_ADDRESS brien@example.ie"],
        ),
        ("q=jane%40example.org&x=1", &["EMAIL_ADDRESS jane%40example.org"]),
        ("jürgen@müller.de", &["EMAIL_ADDRESS jürgen@müller.de"]),
        ("联系jane@example.org谢谢", &["EMAIL_ADDRESS jane@example.org"]),
        (
            "jane@xn--mller-kva.xn--p1ai",
            &["EMAIL_ADDRESS jane@xn--mller-kva.xn--p1ai"],
        ),
        (
            "jane＠example。org is not one; jane＠example.org is",
            &["EMAIL_ADDRESS jane＠example.org"],
        ),
        ("git clone git@github.com:rust-lang/rust.git", &[]),
        ("npm i @scope/pkg@1.2.3 and logo@2x.png", &[]),
        ("@app.route and user@localhost and a@b", &[]),
    ]);
}

#[test]
fn cards() {
    check(&[
        ("4111 1111 1111 1111", &["CREDIT_CARD 4111 1111 1111 1111"]),
        (
            "pay with 5555-5555-5555-4444 exp 12/27 cvv 123",
            &[
                "CREDIT_CARD 5555-5555-5555-4444",
                "CREDIT_CARD_EXPIRY 12/27",
                "CREDIT_CARD_CVV 123",
            ],
        ),
        ("378282246310005", &["CREDIT_CARD 378282246310005"]),
        ("Amex 3782 822463 10005.", &["CREDIT_CARD 3782 822463 10005"]),
        (
            "card:6011111111111117,2223003122003222",
            &["CREDIT_CARD 6011111111111117", "CREDIT_CARD 2223003122003222"],
        ),
        ("diners club 30569309025904", &["CREDIT_CARD 30569309025904"]),
        (
            "Kreditkarte 4000 0000 0000 0002",
            &["CREDIT_CARD 4000 0000 0000 0002"],
        ),
        ("卡号4111111111111111。", &["CREDIT_CARD 4111111111111111"]),
        ("4111 1111 1111 1112", &[]),
        ("30569309025904", &[]),
        ("1724100837994", &[]),
        ("x4111111111111111", &[]),
        ("0.4111111111111111", &[]),
        ("id 41111111-1111-1111-1111-111111111111", &[]),
    ]);
}

#[test]
fn accounts() {
    check(&[
        (
            "IBAN: GB29 NWBK 6016 1331 9268 19",
            &["IBAN_CODE GB29 NWBK 6016 1331 9268 19"],
        ),
        ("de89370400440532013000", &["IBAN_CODE de89370400440532013000"]),
        (
            "FR14 2004 1010 0505 0001 3M02 606",
            &["IBAN_CODE FR14 2004 1010 0505 0001 3M02 606"],
        ),
        ("GB29 NWBK 6016 1331 9268 18", &[]),
        (
            "routing 021000021, acct 000123456789",
            &["ABA_ROUTING_NUMBER 021000021", "US_BANK_NUMBER 000123456789"],
        ),
        ("SWIFT code DEUTDE5M", &["BIC_SWIFT DEUTDE5M"]),
        ("BIC: NEDSZAJJ001", &["BIC_SWIFT NEDSZAJJ001"]),
        ("please open an account by 2024", &[]),
        ("bank account 2 of 3 is closed, 4 remain", &[]),
    ]);
}

#[test]
fn numbers_of_people_in_the_united_states() {
    check(&[
        ("SSN 536-90-4399", &["US_SSN 536-90-4399"]),
        ("536-90-4399", &["US_SSN 536-90-4399"]),
        ("ssn=536904399", &["US_SSN 536904399"]),
        ("social security number: 536 90 4399", &["US_SSN 536 90 4399"]),
        (
            "SSNs: 536-90-4399, 536-90-4398",
            &["US_SSN 536-90-4399", "US_SSN 536-90-4398"],
        ),
        ("SSN 536–90–4399", &["US_SSN 536–90–4399"]),
        ("SSN ５３６-９０-４３９９", &["US_SSN ５３６-９０-４３９９"]),
        ("SSN \u{200B}536\u{200B}904399", &["US_SSN 536\u{200B}904399"]),
        ("666-90-4399 and 000-12-3456 and 536-00-4399", &[]),
        ("order 536904399 shipped", &[]),
        ("491616364 | ssn 627-53-3038", &["US_SSN 627-53-3038"]),
        (
            "SSN is 204-53-1439 I think. 359684203, 261472687",
            &["US_SSN 204-53-1439"],
        ),
        ("ITIN 912-70-1234", &["US_ITIN 912-70-1234"]),
        ("US passport number C12345679", &["US_PASSPORT C12345679"]),
        ("driver's license: D1234567", &["US_DRIVER_LICENSE D1234567"]),
        ("NPI 1234567893", &["US_NPI 1234567893"]),
        ("DEA# AB1234563", &["MEDICAL_LICENSE AB1234563"]),
        ("MBI 1EG4-TE5-MK73", &["US_MBI 1EG4-TE5-MK73"]),
        ("MRN: 00123456", &["MEDICAL_RECORD_NUMBER 00123456"]),
        ("Member ID: XYZ123456789", &["HEALTH_PLAN_ID XYZ123456789"]),
    ]);
}

#[test]
fn telephone_numbers() {
    check(&[
        ("+1 (415) 555-2671", &["PHONE_NUMBER +1 (415) 555-2671"]),
        ("(415) 555-2671 ext. 12", &["PHONE_NUMBER (415) 555-2671 ext. 12"]),
        ("415.555.2671x345", &["PHONE_NUMBER 415.555.2671x345"]),
        ("1-800-555-0199", &["PHONE_NUMBER 1-800-555-0199"]),
        ("call 4155552671", &["PHONE_NUMBER 4155552671"]),
        ("Tel. 030 12345678", &["PHONE_NUMBER 030 12345678"]),
        ("Telefon: 0151/23456789", &["PHONE_NUMBER 0151/23456789"]),
        ("+49 (0)30 901820", &["PHONE_NUMBER +49 (0)30 901820"]),
        ("+44 (0)20 7946 0958", &["PHONE_NUMBER +44 (0)20 7946 0958"]),
        (
            "0044 20 7946 0958 is my phone",
            &["PHONE_NUMBER 0044 20 7946 0958"],
        ),
        ("appelez le 06 12 34 56 78", &["PHONE_NUMBER 06 12 34 56 78"]),
        ("mobile 07700 900123", &["PHONE_NUMBER 07700 900123"]),
        ("tel (+358) 127945698", &["PHONE_NUMBER (+358) 127945698"]),
        ("my cell is 8 766 812 0626", &["PHONE_NUMBER 8 766 812 0626"]),
        ("Telefon 034 804 45 76", &["PHONE_NUMBER 034 804 45 76"]),
        ("+81 90-1234-5678", &["PHONE_NUMBER +81 90-1234-5678"]),
        ("+5511912345678", &["PHONE_NUMBER +5511912345678"]),
        ("手机 +86 138 0013 8000", &["PHONE_NUMBER +86 138 0013 8000"]),
        ("order 990-5387812, 2019-2023, 12.03.2024, 2024-03-18", &[]),
        ("rows 4155552671 and offset 123 456 789", &[]),
        ("1.250.000 units, 10 000 000 tokens, version 415.555.2671.1", &[]),
        ("+1 to that, +12 points, 3+415", &[]),
    ]);
}

#[test]
fn addresses_on_networks() {
    check(&[
        ("from 203.0.113.7:443", &["IP_ADDRESS 203.0.113.7"]),
        ("10.0.0.0/8", &["IP_ADDRESS 10.0.0.0"]),
        ("http://198.51.100.23/admin", &["IP_ADDRESS 198.51.100.23"]),
        ("[2001:db8::1]:8080", &["IP_ADDRESS 2001:db8::1"]),
        (
            "fe80::1ff:fe23:4567:890a%eth0",
            &["IP_ADDRESS fe80::1ff:fe23:4567:890a%eth0"],
        ),
        ("::ffff:192.0.2.128", &["IP_ADDRESS ::ffff:192.0.2.128"]),
        (
            "version 4.0.12.1, Chrome/120.0.0.0, 1.2.3.4.5, v1.2.3.4, 2.5.4.6, 0.11.0.0",
            &[],
        ),
        ("256.1.1.1 and 1.2.3 and 01:02:03", &[]),
        ("std::env::args() and a::b and fe::add and ::", &[]),
        ("00:1A:2B:3C:4D:5E", &["MAC_ADDRESS 00:1A:2B:3C:4D:5E"]),
        ("001a.2b3c.4d5e", &["MAC_ADDRESS 001a.2b3c.4d5e"]),
        (
            concat!("postgres://app:", "hunter2@db.internal:5432/prod?x=1"),
            &[concat!(
                "URL_WITH_CREDENTIALS postgres://app:",
                "hunter2@db.internal:5432/prod?x=1"
            )],
        ),
        ("https://user@example.org/ and ssh://git@github.com/x", &[]),
        ("redis://:${REDIS_PASSWORD}@cache:6379", &[]),
    ]);
}

#[test]
fn dates_of_birth() {
    check(&[
        ("DOB: 05/06/1973", &["DATE_OF_BIRTH 05/06/1973"]),
        (
            "born on the 1st of March 2001 in Rome",
            &["DATE_OF_BIRTH 1st of March 2001"],
        ),
        ("geboren am 26. Mai 1952", &["DATE_OF_BIRTH 26. Mai 1952"]),
        ("né le 4 août 1971", &["DATE_OF_BIRTH 4 août 1971"]),
        (
            "fecha de nacimiento: 3 de mayo de 1960",
            &["DATE_OF_BIRTH 3 de mayo de 1960"],
        ),
        ("出生日期：1958年4月16日", &["DATE_OF_BIRTH 1958年4月16日"]),
        ("the meeting is on 2024-03-18", &[]),
        ("Founded 12 March 2024.", &[]),
    ]);
    assert_eq!(
        found_in_field("1980-02-29", "patient.date_of_birth"),
        ["DATE_OF_BIRTH 1980-02-29"]
    );
}

#[test]
fn national_identifiers() {
    check(&[
        (
            "NINO QQ123456C is a sample, AB123456C is one",
            &["UK_NINO AB123456C"],
        ),
        ("NHS 943 476 5919", &["UK_NHS 943 476 5919"]),
        ("Steuer-ID 86095742719", &["DE_TAX_ID 86095742719"]),
        ("NIR 2 95 10 99 126 111 93", &["FR_NIR 2 95 10 99 126 111 93"]),
        ("DNI 54362315K", &["ES_NIF 54362315K"]),
        ("NIE X2482300W", &["ES_NIE X2482300W"]),
        (
            "codice fiscale RCCMNL83S18D969H",
            &["IT_FISCAL_CODE RCCMNL83S18D969H"],
        ),
        ("BSN 1112.22.333", &["NL_BSN 1112.22.333"]),
        ("rijksregisternummer 85.07.30-033.28", &["BE_NN 85.07.30-033.28"]),
        ("PESEL 44051401359", &["PL_PESEL 44051401359"]),
        ("personnummer 880320-0016", &["SE_PERSONNUMMER 880320-0016"]),
        (
            "henkilötunnus 131052-308T",
            &["FI_PERSONAL_IDENTITY_CODE 131052-308T"],
        ),
        ("fødselsnummer 15108695088", &["NO_FNR 15108695088"]),
        ("CPR 211062-5629", &["DK_CPR 211062-5629"]),
        ("rodné číslo 710319/2745", &["CZ_RODNE_CISLO 710319/2745"]),
        ("CNP 1630615123457", &["RO_CNP 1630615123457"]),
        ("OIB 33392005961", &["HR_OIB 33392005961"]),
        ("AHV 756.9217.0769.85", &["CH_AHV 756.9217.0769.85"]),
        ("PPS 6433435F", &["IE_PPS 6433435F"]),
        (
            "SIN 046 454 286 is a sample; SIN 130 692 544",
            &["CA_SIN 130 692 544"],
        ),
        ("TFN 123 456 782", &["AU_TFN 123 456 782"]),
        ("ABN 83 914 571 673", &["AU_ABN 83 914 571 673"]),
        ("IRD 49-091-850", &["NZ_IRD 49-091-850"]),
        ("ID number 7503305044089", &["ZA_ID 7503305044089"]),
        ("NRIC S1234567D", &["SG_NRIC S1234567D"]),
        ("主民 주민등록번호 971013-9019902", &["KR_RRN 971013-9019902"]),
        (
            "身份证 360426199101010071",
            &["CN_RESIDENT_ID 360426199101010071"],
        ),
        ("Aadhaar 2341 2341 2346", &["IN_AADHAAR 2341 2341 2346"]),
        ("PAN ACUPA7085R", &["IN_PAN ACUPA7085R"]),
        ("GSTIN 27AAPFU0939F1ZV", &["IN_GSTIN 27AAPFU0939F1ZV"]),
        ("HKID A123456(3)", &["HK_ID A123456(3)"]),
        ("身分證 A123456789", &["TW_ID A123456789"]),
        ("TC kimlik no 17291716060", &["TR_NATIONAL_ID 17291716060"]),
        ("CPF 390.533.447-05", &["BR_CPF 390.533.447-05"]),
        ("CNPJ 16.727.230/0001-97", &["BR_CNPJ 16.727.230/0001-97"]),
        ("CUIT 20-05536168-2", &["AR_CUIT 20-05536168-2"]),
        ("RUT 12.531.909-2", &["CL_RUT 12.531.909-2"]),
        ("CURP BOXW310820HNERXN09", &["MX_CURP BOXW310820HNERXN09"]),
    ]);
}

#[test]
fn ordinary_text_is_left_alone() {
    check(&[
        (
            "The model was trained for 3 epochs with a learning rate of 0.00015 and 4096 tokens.",
            &[],
        ),
        (
            "commit 4d69d357f57ab5b37b0f25d05e879f5914722bd5 on main, sha256:f33729b71a68f9296226fc9d20537d89",
            &[],
        ),
        ("{\"id\": 284467418, \"created\": 1710755352, \"index\": 0}", &[]),
        (
            "chatcmpl-943uCLXJ85N1BFjlodTrOrxwwdmpj, msg_01MCkQZZtEKF3nVbFaExwATe, fp_4f2ebda25a",
            &[],
        ),
        (
            "ISBN 978-3-16-148410-0, DOI 10.1000/182, RFC 9457, ISO 13616-1:2020",
            &[],
        ),
        (
            "tracking code 1ZF8243XFGXUUTVF90, flight BA6729, JIRA-30051, INC8296042",
            &[],
        ),
        ("call f(x) = 27*x + 461 when x > 5; phone home", &[]),
        ("coordinates -25.170500, 110.771936; 151.186429", &[]),
        (
            "gpt-4o-2024-08-06, claude-3-5-sonnet-20241022, text-embedding-3-small",
            &[],
        ),
        ("data:image/png;base64,QGvehwtABKD8+mmv4111111111111111GfYr", &[]),
        (
            "SELECT * FROM t WHERE ts >= '2024-01-01 00:00:00' AND n = 1234567890;",
            &[],
        ),
        (
            "total $1,499.00, population 331,002,651, phone numbers are 10 digits",
            &[],
        ),
        ("ports 8080:80, 127.0.0.1:3000, 0.0.0.0", &[]),
        (
            "function_call id call_abc123DEF456ghi789 and toolu_01A09q90qw90lq917835lq9",
            &[],
        ),
    ]);
}

#[test]
fn people_and_places() {
    check(&[
        ("My name is Anthony Young.", &["PERSON Anthony Young"]),
        (
            "Patient name: María José Núñez-Álvarez, age 41",
            &["PERSON María José Núñez-Álvarez"],
        ),
        ("Dear Dr. O'Brien,", &["PERSON O'Brien"]),
        ("Tara Mitchell asked for a refund", &["PERSON Tara Mitchell"]),
        (
            "Ludwig van Beethoven is not cued; Peter van der Berg is known",
            &["PERSON Peter van der Berg"],
        ),
        (
            "Ship it to 5451 James Oval, Bradleyville, UT 17562.",
            &["ADDRESS 5451 James Oval, Bradleyville, UT 17562"],
        ),
        (
            "221B Baker Street, London NW1 6XE",
            &["ADDRESS 221B Baker Street, London NW1 6XE"],
        ),
        (
            "Ich wohne in der Musterstraße 12a, 12345 Berlin.",
            &["ADDRESS Musterstraße 12a, 12345 Berlin"],
        ),
        ("Dear Sir or Madam, Dear Customer, Dear Hiring Manager", &[]),
        ("The client is React and the manager is Kubernetes.", &[]),
        ("Section 12 Main Results and 3 New Features", &[]),
    ]);
}
