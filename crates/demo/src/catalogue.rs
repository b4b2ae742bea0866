//! The three companies: their applications, what each decides, and which models they call.

use crate::models::{
    AZURE_GPT_4O, AZURE_GPT_4O_MINI, EMBEDDING_LARGE, EMBEDDING_SMALL, GPT_4_1, GPT_4_1_MINI_RESPONSES,
    GPT_4O, GPT_4O_MINI, GPT_5, HAIKU, IN_HOUSE_RISK, O4_MINI, SONNET,
};

/// Shape of a provider's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Chat,
    AzureChat,
    Responses,
    Embeddings,
    Messages,
}

impl Api {
    /// The event's `provider`.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Api::Chat | Api::Responses | Api::Embeddings => "openai",
            Api::AzureChat => "azure",
            Api::Messages => "anthropic",
        }
    }

    /// The event's `operation`.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Api::Chat | Api::AzureChat => "chat",
            Api::Responses => "responses",
            Api::Embeddings => "embeddings",
            Api::Messages => "messages",
        }
    }
}

/// A model behind an address.
#[derive(Debug)]
pub struct Route {
    pub api: Api,
    /// As requested.
    pub model: &'static str,
    /// As the provider names it in its answer.
    pub snapshot: &'static str,
    pub url: &'static str,
    /// How often it is taken, relative to the scenario's other routes.
    pub weight: u64,
    pub streams_per_mille: u64,
    /// Spends hidden reasoning tokens.
    pub reasons: bool,
    /// Until the first token, without load.
    pub first_token_ms: u64,
    /// For each token of the answer.
    pub token_us: u64,
}

/// What a session is about; each has its own writer in `script`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    LoanDecision,
    FraudTriage,
    CustomerChat,
    TriageNote,
    DischargeSummary,
    GuidelineSearch,
    ContractReview,
    LegalResearch,
    PrecedentSearch,
}

/// One kind of decision of one application.
#[derive(Debug)]
pub struct Scenario {
    pub topic: Topic,
    pub application: &'static str,
    pub decision_type: &'static str,
    pub phi: bool,
    pub weight: u64,
    /// Fewest and most calls of one session.
    pub turns: (u64, u64),
    /// How many sessions in a thousand end in a recorded outcome.
    pub outcomes_per_mille: u64,
    pub routes: &'static [Route],
}

/// When a company works, in weights per hour of a weekday, and what remains of it at the weekend.
#[derive(Debug)]
pub struct Hours {
    pub weekday: [u64; 24],
    pub weekend_per_mille: u64,
}

/// A demonstration tenant.
#[derive(Debug)]
pub struct Company {
    /// The short name used in [`crate::DemoItem::tenant`].
    pub slug: &'static str,
    /// The name to show.
    pub name: &'static str,
    /// Domain of its staff's addresses (RFC 2606).
    pub staff_domain: &'static str,
    pub weight: u64,
    pub hours: Hours,
    pub scenarios: &'static [Scenario],
}

impl Company {
    /// Its applications, each with whether its events are protected health information, without repetition.
    pub fn applications(&self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        self.scenarios.iter().enumerate().filter_map(|(index, scenario)| {
            let earlier = &self.scenarios[..index];
            let is_new = earlier
                .iter()
                .all(|other| other.application != scenario.application);
            is_new.then_some((scenario.application, scenario.phi))
        })
    }
}

const OFFICE: [u64; 24] = [
    0, 0, 0, 0, 0, 0, 1, 4, 12, 26, 32, 30, 22, 25, 31, 30, 26, 16, 7, 3, 2, 1, 0, 0,
];
const SHOP: [u64; 24] = [
    2, 1, 1, 1, 1, 2, 5, 12, 20, 28, 30, 29, 27, 28, 30, 30, 29, 27, 24, 20, 16, 11, 7, 4,
];
const WARD: [u64; 24] = [
    8, 7, 6, 6, 6, 8, 14, 22, 27, 30, 29, 26, 23, 25, 27, 26, 24, 23, 20, 18, 16, 13, 11, 9,
];

/// The three companies.
pub const COMPANIES: [Company; 3] = [
    Company {
        slug: "bank",
        name: "Meridian Bank",
        staff_domain: "meridian.example",
        weight: 55,
        hours: Hours {
            weekday: SHOP,
            weekend_per_mille: 380,
        },
        scenarios: &[
            Scenario {
                topic: Topic::LoanDecision,
                application: "loan-desk",
                decision_type: "loan_decision",
                phi: false,
                weight: 26,
                turns: (1, 2),
                outcomes_per_mille: 920,
                routes: &[
                    Route { weight: 6, ..GPT_4O },
                    Route { weight: 3, ..GPT_4_1 },
                    Route { weight: 2, ..O4_MINI },
                ],
            },
            Scenario {
                topic: Topic::FraudTriage,
                application: "fraud-triage",
                decision_type: "fraud_triage",
                phi: false,
                weight: 34,
                turns: (1, 1),
                outcomes_per_mille: 450,
                routes: &[
                    Route {
                        weight: 6,
                        streams_per_mille: 0,
                        ..HAIKU
                    },
                    Route { weight: 2, ..O4_MINI },
                    Route {
                        weight: 2,
                        ..IN_HOUSE_RISK
                    },
                ],
            },
            Scenario {
                topic: Topic::CustomerChat,
                application: "customer-chat",
                decision_type: "customer_chat",
                phi: false,
                weight: 40,
                turns: (1, 6),
                outcomes_per_mille: 60,
                routes: &[
                    Route {
                        weight: 7,
                        ..GPT_4O_MINI
                    },
                    Route {
                        weight: 3,
                        ..GPT_4_1_MINI_RESPONSES
                    },
                ],
            },
        ],
    },
    Company {
        slug: "hospital",
        name: "St. Brigid Hospital",
        staff_domain: "stbrigid.example",
        weight: 28,
        hours: Hours {
            weekday: WARD,
            weekend_per_mille: 720,
        },
        scenarios: &[
            Scenario {
                topic: Topic::TriageNote,
                application: "triage-assistant",
                decision_type: "triage_note",
                phi: true,
                weight: 50,
                turns: (1, 2),
                outcomes_per_mille: 700,
                routes: &[
                    Route {
                        weight: 7,
                        ..AZURE_GPT_4O
                    },
                    Route {
                        weight: 3,
                        ..AZURE_GPT_4O_MINI
                    },
                ],
            },
            Scenario {
                topic: Topic::DischargeSummary,
                application: "discharge-writer",
                decision_type: "discharge_summary",
                phi: true,
                weight: 30,
                turns: (1, 3),
                outcomes_per_mille: 850,
                routes: &[
                    Route { weight: 8, ..SONNET },
                    Route {
                        weight: 2,
                        ..AZURE_GPT_4O
                    },
                ],
            },
            Scenario {
                topic: Topic::GuidelineSearch,
                application: "guideline-search",
                decision_type: "guideline_search",
                phi: false,
                weight: 20,
                turns: (1, 1),
                outcomes_per_mille: 0,
                routes: &[Route {
                    weight: 1,
                    ..EMBEDDING_SMALL
                }],
            },
        ],
    },
    Company {
        slug: "law_firm",
        name: "Harlow & Pike LLP",
        staff_domain: "harlowpike.example",
        weight: 17,
        hours: Hours {
            weekday: OFFICE,
            weekend_per_mille: 90,
        },
        scenarios: &[
            Scenario {
                topic: Topic::ContractReview,
                application: "contract-review",
                decision_type: "contract_review",
                phi: false,
                weight: 45,
                turns: (2, 5),
                outcomes_per_mille: 600,
                routes: &[
                    Route {
                        weight: 7,
                        streams_per_mille: 600,
                        ..SONNET
                    },
                    Route { weight: 3, ..GPT_4_1 },
                ],
            },
            Scenario {
                topic: Topic::LegalResearch,
                application: "legal-research",
                decision_type: "legal_research",
                phi: false,
                weight: 35,
                turns: (1, 4),
                outcomes_per_mille: 250,
                routes: &[Route { weight: 8, ..GPT_5 }, Route { weight: 2, ..SONNET }],
            },
            Scenario {
                topic: Topic::PrecedentSearch,
                application: "legal-research",
                decision_type: "precedent_search",
                phi: false,
                weight: 20,
                turns: (1, 1),
                outcomes_per_mille: 0,
                routes: &[Route {
                    weight: 1,
                    ..EMBEDDING_LARGE
                }],
            },
        ],
    },
];
