//! Topics: what the words around a value talk about.

/// Declares the topics with their names in the word lists.
macro_rules! topics {
    ($($variant:ident $name:literal,)*) => {
        /// What a context word talks about; the word lists name it by [`Topic::named`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Topic { $($variant,)* }

        impl Topic {
            /// The topic that the word lists call `name`.
            pub fn named(name: &str) -> Option<Topic> {
                match name { $($name => Some(Topic::$variant),)* _ => None }
            }
        }
    };
}

topics! {
    Abn "abn", Acn "acn", Address "address", Aadhaar "aadhaar", Ahv "ahv", Amka "amka", Aws "aws", Azure "azure",
    Baltic "baltic", BankAccount "bank_account", BeNn "be_nn", Bic "bic", Birth "birth", Card "card", CardCode "card_code",
    Cnp "cnp", Cnpj "cnpj", CnId "cn_id", Cpf "cpf", Cpr "cpr", Crypto "crypto", Cuit "cuit", Curp "curp", Dea "dea",
    DeIdCard "de_id_card", DeRvnr "de_rvnr", DeTax "de_tax", Driver "driver", Egn "egn", Email "email", Emso "emso",
    EsNif "es_nif", Expiry "expiry", Fnr "fnr", FrNir "fr_nir", Gstin "gstin", HealthPlan "health_plan", Hetu "hetu",
    HkId "hk_id", Iban "iban", IlId "il_id", Imei "imei", Ip "ip", Ird "ird", ItCf "it_cf", Itin "itin", Mac "mac",
    Mbi "mbi", MedicareAu "medicare_au", Mrn "mrn", MyNric "my_nric", MyNumber "my_number", Name "name",
    NameWeak "name_weak", NationalId "national_id", Negative "negative", Nhs "nhs", Nik "nik", Nino "nino", Nit "nit", NlBsn "nl_bsn",
    Nric "nric", Npi "npi", Oib "oib", Pan "pan", Passport "passport", Password "password", Personnummer "personnummer",
    Pesel "pesel", Phone "phone", Pps "pps", PtNif "pt_nif", RodneCislo "rodne_cislo", Routing "routing", Rrn "rrn",
    Rut "rut", Rfc "rfc", Secret "secret", Sin "sin", Ssn "ssn", Svnr "svnr", Taj "taj", TaxId "tax_id", Tckn "tckn",
    Tfn "tfn", Thai "thai", Title "title", TwId "tw_id", UkDriver "uk_driver", Utr "utr", Version "version", Vin "vin", ZaId "za_id",
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Topics(u128);

impl Topics {
    pub const NONE: Topics = Topics(0);

    /// The set of the given topics.
    pub const fn of(topics: &[Topic]) -> Topics {
        let mut bits = 0;
        let mut index = 0;
        while index < topics.len() {
            bits |= 1 << topics[index] as u8;
            index += 1;
        }
        Topics(bits)
    }

    pub const fn union(self, other: Topics) -> Topics {
        Topics(self.0 | other.0)
    }

    /// Whether every topic of `other` is in the set.
    #[cfg(test)]
    pub fn contains(self, other: Topics) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn meets(self, other: Topics) -> bool {
        self.0 & other.0 != 0
    }
}
