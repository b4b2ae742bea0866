//! The 18 identifiers whose removal makes health information anonymous under HIPAA's Safe Harbor method,
//! 45 CFR 164.514(b)(2)(i), and which of them each kind of value is.

use crate::entity::{Entity, Family};

/// One of the 18 identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SafeHarbor {
    Names,
    Geographic,
    Dates,
    Telephone,
    Fax,
    Email,
    SocialSecurity,
    MedicalRecord,
    HealthPlan,
    Account,
    License,
    Vehicle,
    Device,
    Url,
    IpAddress,
    Biometric,
    Photo,
    OtherUnique,
}

impl SafeHarbor {
    /// All of them, in the order of the regulation, (A) to (R).
    pub const ALL: [SafeHarbor; 18] = [
        SafeHarbor::Names,
        SafeHarbor::Geographic,
        SafeHarbor::Dates,
        SafeHarbor::Telephone,
        SafeHarbor::Fax,
        SafeHarbor::Email,
        SafeHarbor::SocialSecurity,
        SafeHarbor::MedicalRecord,
        SafeHarbor::HealthPlan,
        SafeHarbor::Account,
        SafeHarbor::License,
        SafeHarbor::Vehicle,
        SafeHarbor::Device,
        SafeHarbor::Url,
        SafeHarbor::IpAddress,
        SafeHarbor::Biometric,
        SafeHarbor::Photo,
        SafeHarbor::OtherUnique,
    ];

    /// The name in a record's header.
    pub fn name(self) -> &'static str {
        match self {
            SafeHarbor::Names => "names",
            SafeHarbor::Geographic => "geographic",
            SafeHarbor::Dates => "dates",
            SafeHarbor::Telephone => "telephone",
            SafeHarbor::Fax => "fax",
            SafeHarbor::Email => "email",
            SafeHarbor::SocialSecurity => "social_security",
            SafeHarbor::MedicalRecord => "medical_record",
            SafeHarbor::HealthPlan => "health_plan",
            SafeHarbor::Account => "account",
            SafeHarbor::License => "license",
            SafeHarbor::Vehicle => "vehicle",
            SafeHarbor::Device => "device",
            SafeHarbor::Url => "url",
            SafeHarbor::IpAddress => "ip_address",
            SafeHarbor::Biometric => "biometric",
            SafeHarbor::Photo => "photo",
            SafeHarbor::OtherUnique => "other_unique",
        }
    }

    /// Whether the detector finds values of it in texts: faxes are found as telephone numbers, images not at all.
    pub fn is_detected(self) -> bool {
        !matches!(self, SafeHarbor::Fax | SafeHarbor::Biometric | SafeHarbor::Photo)
    }
}

impl Entity {
    /// Which of the 18 identifiers of HIPAA a value of this kind is; `None` for credentials, which name nobody.
    pub fn safe_harbor(self) -> Option<SafeHarbor> {
        Some(match self {
            Entity::EmailAddress => SafeHarbor::Email,
            Entity::PhoneNumber => SafeHarbor::Telephone,
            Entity::IpAddress => SafeHarbor::IpAddress,
            Entity::Vin => SafeHarbor::Vehicle,
            Entity::UrlWithCredentials => SafeHarbor::Url,
            Entity::UsSsn => SafeHarbor::SocialSecurity,
            Entity::MedicalRecordNumber => SafeHarbor::MedicalRecord,
            Entity::UsNpi | Entity::MedicalLicense | Entity::UsDriverLicense | Entity::UkDrivingLicence => {
                SafeHarbor::License
            }
            Entity::CreditCardCvv => SafeHarbor::Account,
            Entity::Person => SafeHarbor::Names,
            Entity::Address => SafeHarbor::Geographic,
            Entity::DateOfBirth => SafeHarbor::Dates,
            Entity::Password => return None,
            other => match other.family() {
                Family::Financial => SafeHarbor::Account,
                Family::Health => SafeHarbor::HealthPlan,
                Family::Device => SafeHarbor::Device,
                Family::Secret | Family::Destroy => return None,
                Family::Contact | Family::National | Family::Identity => SafeHarbor::OtherUnique,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_about_a_person_is_an_identifier_and_every_detected_identifier_has_a_kind() {
        for entity in Entity::ALL {
            let is_credential =
                entity.is_secret() && !matches!(entity, Entity::CreditCardCvv | Entity::UrlWithCredentials);
            assert_eq!(entity.safe_harbor().is_none(), is_credential, "{entity}");
        }
        for identifier in SafeHarbor::ALL {
            let has_kind = Entity::ALL
                .iter()
                .any(|entity| entity.safe_harbor() == Some(identifier));
            assert_eq!(has_kind, identifier.is_detected(), "{}", identifier.name());
        }
    }
}
