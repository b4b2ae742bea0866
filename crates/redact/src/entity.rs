//! The kinds of personal data and secrets that are found, and their names.

/// Declares [`Entity`] with the name and family of each kind, once.
macro_rules! entities {
    ($($variant:ident $name:literal $family:ident,)*) => {
        /// A kind of personal data or secret. Names follow Microsoft Presidio where it has one, for interchange.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Entity { $($variant,)* }

        impl Entity {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Entity] = &[$(Entity::$variant,)*];

            /// The name in placeholders, records and reports, such as `EMAIL_ADDRESS`.
            pub fn name(self) -> &'static str {
                match self { $(Entity::$variant => $name,)* }
            }

            /// The family the kind belongs to.
            pub fn family(self) -> Family {
                match self { $(Entity::$variant => Family::$family,)* }
            }
        }
    };
}

/// What a kind is about, which decides how its values may be kept and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// How to reach somebody.
    Contact,
    /// Money: cards and accounts.
    Financial,
    /// A number or paper that a state gives to a person or business.
    National,
    /// Health care: patients, prescribers, insurance.
    Health,
    /// A machine, an address on a network, a vehicle.
    Device,
    /// A credential: whoever knows it can act.
    Secret,
    /// Card security codes and passwords: never needed again, so policies destroy them.
    Destroy,
    /// Who somebody is, where and when.
    Identity,
}

entities! {
    EmailAddress "EMAIL_ADDRESS" Contact,
    PhoneNumber "PHONE_NUMBER" Contact,
    CreditCard "CREDIT_CARD" Financial,
    CreditCardCvv "CREDIT_CARD_CVV" Destroy,
    CreditCardExpiry "CREDIT_CARD_EXPIRY" Financial,
    Iban "IBAN_CODE" Financial,
    Bic "BIC_SWIFT" Financial,
    UsBankNumber "US_BANK_NUMBER" Financial,
    AbaRouting "ABA_ROUTING_NUMBER" Financial,
    Crypto "CRYPTO" Financial,
    IpAddress "IP_ADDRESS" Device,
    MacAddress "MAC_ADDRESS" Device,
    Imei "IMEI" Device,
    Vin "VIN" Device,
    UrlWithCredentials "URL_WITH_CREDENTIALS" Secret,
    UsSsn "US_SSN" National,
    UsItin "US_ITIN" National,
    UsPassport "US_PASSPORT" National,
    PassportNumber "PASSPORT_NUMBER" National,
    UsDriverLicense "US_DRIVER_LICENSE" National,
    UsNpi "US_NPI" Health,
    MedicalLicense "MEDICAL_LICENSE" Health,
    UsMbi "US_MBI" Health,
    MedicalRecordNumber "MEDICAL_RECORD_NUMBER" Health,
    HealthPlanId "HEALTH_PLAN_ID" Health,
    UkNhs "UK_NHS" Health,
    UkNino "UK_NINO" National,
    UkDrivingLicence "UK_DRIVING_LICENCE" National,
    UkPassport "UK_PASSPORT" National,
    UkUtr "UK_UTR" National,
    InAadhaar "IN_AADHAAR" National,
    InPan "IN_PAN" National,
    InGstin "IN_GSTIN" National,
    DeTaxId "DE_TAX_ID" National,
    DeRvnr "DE_RVNR" National,
    DeIdCard "DE_ID_CARD" National,
    FrNir "FR_NIR" National,
    EsNif "ES_NIF" National,
    EsNie "ES_NIE" National,
    ItFiscalCode "IT_FISCAL_CODE" National,
    NlBsn "NL_BSN" National,
    BeNn "BE_NN" National,
    PlPesel "PL_PESEL" National,
    SePersonnummer "SE_PERSONNUMMER" National,
    FiHetu "FI_PERSONAL_IDENTITY_CODE" National,
    NoFnr "NO_FNR" National,
    DkCpr "DK_CPR" National,
    BalticId "BALTIC_PERSONAL_CODE" National,
    LvPersonalCode "LV_PERSONAL_CODE" National,
    CzRodneCislo "CZ_RODNE_CISLO" National,
    RoCnp "RO_CNP" National,
    BgEgn "BG_EGN" National,
    GrAmka "GR_AMKA" National,
    HrOib "HR_OIB" National,
    PtNif "PT_NIF" National,
    IePps "IE_PPS" National,
    AtSvnr "AT_SVNR" National,
    ChAhv "CH_AHV" National,
    HuTaj "HU_TAJ" National,
    SiEmso "SI_EMSO" National,
    CaSin "CA_SIN" National,
    AuTfn "AU_TFN" National,
    AuAbn "AU_ABN" National,
    AuAcn "AU_ACN" National,
    AuMedicare "AU_MEDICARE" Health,
    NzIrd "NZ_IRD" National,
    ZaId "ZA_ID" National,
    SgNric "SG_NRIC" National,
    ThPin "TH_PIN" National,
    KrRrn "KR_RRN" National,
    JpMyNumber "JP_MY_NUMBER" National,
    CnResidentId "CN_RESIDENT_ID" National,
    TwId "TW_ID" National,
    HkId "HK_ID" National,
    MyNric "MY_NRIC" National,
    IdNik "ID_NIK" National,
    TrNationalId "TR_NATIONAL_ID" National,
    IlId "IL_ID" National,
    BrCpf "BR_CPF" National,
    BrCnpj "BR_CNPJ" National,
    ArCuit "AR_CUIT" National,
    ClRut "CL_RUT" National,
    MxCurp "MX_CURP" National,
    MxRfc "MX_RFC" National,
    CoNit "CO_NIT" National,
    OpenAiKey "OPENAI_API_KEY" Secret,
    AnthropicKey "ANTHROPIC_API_KEY" Secret,
    AwsAccessKey "AWS_ACCESS_KEY" Secret,
    AwsSecretKey "AWS_SECRET_KEY" Secret,
    GithubToken "GITHUB_TOKEN" Secret,
    GitlabToken "GITLAB_TOKEN" Secret,
    GoogleApiKey "GOOGLE_API_KEY" Secret,
    AzureKey "AZURE_KEY" Secret,
    SlackToken "SLACK_TOKEN" Secret,
    StripeKey "STRIPE_KEY" Secret,
    TwilioKey "TWILIO_KEY" Secret,
    SendgridKey "SENDGRID_KEY" Secret,
    NpmToken "NPM_TOKEN" Secret,
    PypiToken "PYPI_TOKEN" Secret,
    HuggingFaceToken "HUGGINGFACE_TOKEN" Secret,
    DatabricksToken "DATABRICKS_TOKEN" Secret,
    DigitalOceanToken "DIGITALOCEAN_TOKEN" Secret,
    TelegramToken "TELEGRAM_BOT_TOKEN" Secret,
    VaultToken "VAULT_TOKEN" Secret,
    ApiKey "API_KEY" Secret,
    Jwt "JWT" Secret,
    PrivateKey "PRIVATE_KEY" Secret,
    Password "PASSWORD" Destroy,
    GenericSecret "GENERIC_SECRET" Secret,
    DateOfBirth "DATE_OF_BIRTH" Identity,
    Person "PERSON" Identity,
    Address "ADDRESS" Identity,
    Custom "CUSTOM" Identity,
}

impl Entity {
    /// The kind called `name`, or `None`.
    pub fn from_name(name: &str) -> Option<Entity> {
        Entity::ALL.iter().copied().find(|entity| entity.name() == name)
    }

    /// Whether the kind occurs in health care only, so that its presence marks a text as health information.
    pub fn is_health(self) -> bool {
        self.family() == Family::Health
    }

    /// Whether the value is a credential rather than about a person.
    pub fn is_secret(self) -> bool {
        matches!(self.family(), Family::Secret | Family::Destroy)
    }

    /// Whether the value should be destroyed instead of sealed: nobody may need it again.
    pub fn is_destroyed(self) -> bool {
        self.family() == Family::Destroy
    }
}

/// Shows [`Entity::name`].
impl std::fmt::Display for Entity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
