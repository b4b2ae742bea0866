//! Values in the formats that programs and people of several countries write. Secrets are put together at run time.

mod common;

use common::{check, found};

#[test]
fn secrets_of_configurations_and_commands() {
    let word = |parts: &[&str]| parts.concat();
    let password = word(&["Str0ng", ".", "Pass9"]);
    for text in [
        format!("jdbc:sqlserver://db:1433;databaseName=x;user=sa;password={password};encrypt=true"),
        format!("curl -u admin:{password} https://x.example.com/api"),
        format!("sshpass -p '{password}' ssh host"),
        format!("machine api.example.com login bob password {password}"),
        format!("{{\"auths\":{{\"r.example.com\":{{\"username\":\"ci\",\"password\":\"{password}\"}}}}}}"),
        format!("DB_PASS='{password}'"),
    ] {
        assert_eq!(found(&text), [format!("PASSWORD {password}")], "{text}");
    }
    assert!(found("curl -u admin:${PASSWORD} https://x.example.com").is_empty());
    assert!(found("AccountName=acme;AccountKey=PW==;EndpointSuffix=core.windows.net").is_empty());
}

#[test]
fn bank_codes_without_digits() {
    check(&[
        ("BIC: COBADEFFXXX", &["BIC_SWIFT COBADEFFXXX"]),
        ("SWIFT code DEUTDEFF", &["BIC_SWIFT DEUTDEFF"]),
        ("the swift DECISION stands", &[]),
    ]);
}

#[test]
fn addresses_of_other_countries() {
    check(&[
        (
            "J'habite au 12 rue de la République, 69002 Lyon",
            &["ADDRESS 12 rue de la République, 69002 Lyon"],
        ),
        (
            "Vivo en Calle Mayor 15, 28013 Madrid.",
            &["ADDRESS Calle Mayor 15, 28013 Madrid"],
        ),
        (
            "Abito in Via Roma 22, 00184 Roma",
            &["ADDRESS Via Roma 22, 00184 Roma"],
        ),
        ("Il volo va via Roma 22 volte al mese", &[]),
    ]);
}

#[test]
fn scripts_without_spaces_and_with_articles() {
    check(&[
        (
            "連絡先はa46@corp.example.co.jpです。",
            &["EMAIL_ADDRESS a46@corp.example.co.jp"],
        ),
        ("رقم الهاتف ٠٥٠١٢٣٤٥٦٧", &["PHONE_NUMBER ٠٥٠١٢٣٤٥٦٧"]),
        ("Patient: Okonkwo, Chidinma\n", &["PERSON Okonkwo, Chidinma"]),
        ("chart no. 5627937", &["MEDICAL_RECORD_NUMBER 5627937"]),
    ]);
}
