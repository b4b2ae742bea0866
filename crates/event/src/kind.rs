//! What an event tells of. The names are those of the ledger (docs/ledger-format.md, section 3.2).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What kind of thing an event tells of. It is text in Avro, so that a new kind is no schema change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A call of a model or a tool.
    #[default]
    Event,
    /// What became of an earlier decision.
    Outcome,
    /// Somebody read audit data.
    Access,
    /// Somebody changed users, keys, policies or prices.
    Admin,
    /// Somebody asked for erasure.
    ErasureRequest,
    /// Data keys were destroyed.
    ErasureDone,
    /// A legal hold was set or lifted.
    LegalHold,
    /// A signing or encryption key changed.
    KeyChange,
    /// A shard began.
    ShardOpen,
    /// A shard ended.
    ShardClose,
    /// A sign of life.
    Heartbeat,
    /// A later price for an earlier event.
    Reprice,
    /// Something is wrong with the ledger, or is no longer.
    Incident,
    /// A service runs with another configuration than before.
    ConfigChange,
    /// Events are priced by another table than before.
    PriceTableChange,
    /// Detector rules or the trust policy changed.
    PolicyChange,
    /// Records past their retention were removed.
    Prune,
    /// A clock made a step.
    Clock,
    /// A call that is about to be made; the event of the call itself follows.
    Intent,
}

impl Kind {
    /// Every kind a message may have.
    pub const ALL: [Kind; 19] = [
        Kind::Event,
        Kind::Outcome,
        Kind::Access,
        Kind::Admin,
        Kind::ErasureRequest,
        Kind::ErasureDone,
        Kind::LegalHold,
        Kind::KeyChange,
        Kind::ShardOpen,
        Kind::ShardClose,
        Kind::Heartbeat,
        Kind::Reprice,
        Kind::Incident,
        Kind::ConfigChange,
        Kind::PriceTableChange,
        Kind::PolicyChange,
        Kind::Prune,
        Kind::Clock,
        Kind::Intent,
    ];

    /// The name used in Avro and in the columns of the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Event => "event",
            Kind::Outcome => "outcome",
            Kind::Access => "access",
            Kind::Admin => "admin",
            Kind::ErasureRequest => "erasure_request",
            Kind::ErasureDone => "erasure_done",
            Kind::LegalHold => "legal_hold",
            Kind::KeyChange => "key_change",
            Kind::ShardOpen => "shard_open",
            Kind::ShardClose => "shard_close",
            Kind::Heartbeat => "heartbeat",
            Kind::Reprice => "reprice",
            Kind::Incident => "incident",
            Kind::ConfigChange => "config_change",
            Kind::PriceTableChange => "price_table_change",
            Kind::PolicyChange => "policy_change",
            Kind::Prune => "prune",
            Kind::Clock => "clock",
            Kind::Intent => "intent",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether only the layer's own services tell such things, in `access`; no application may.
    pub fn is_system(self) -> bool {
        !matches!(self, Kind::Event | Kind::Intent | Kind::Outcome)
    }

    /// Whether it tells of a provider exchange.
    pub fn is_exchange(self) -> bool {
        matches!(self, Kind::Event | Kind::Intent)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(deserializer)?;
        Kind::from_name(&name).ok_or_else(|| D::Error::custom("unknown kind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.as_str()), Some(kind));
        }
        for other in [
            "gap",
            "duplicate",
            "conflict",
            "rejected",
            "withheld",
            "Event",
            "",
        ] {
            assert_eq!(
                Kind::from_name(other),
                None,
                "{other}: no message may say this of itself"
            );
        }
    }
}
