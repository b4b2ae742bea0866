//! What others have said of a running service's log, as `GET /api/v1/verify/witnessed` answers it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::Verifier;

/// Cosigned checkpoints and timestamps. Nothing in it is believed before the verifier has seen it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Witnessed {
    pub cosigned: Option<WitnessedNote>,
    #[serde(default)]
    pub timestamps: Vec<WitnessedTime>,
}

/// The newest checkpoint that witnesses cosigned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WitnessedNote {
    pub epoch: u64,
    pub note: String,
}

/// The newest timestamp of one authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WitnessedTime {
    pub epoch: u64,
    /// Position of the authority in the sealer's configuration.
    #[serde(default)]
    pub authority: u32,
    /// Base64 of the `TimeStampResp`.
    pub response: String,
    /// The checkpoint that it is for.
    pub checkpoint: String,
}

impl Witnessed {
    /// Witnesses are asked after an epoch is sealed, so the newest one may still be on its way to them: how long somebody
    /// who needs each epoch witnessed waits for it.
    pub const PATIENCE: Duration = Duration::from_secs(15);
    /// How often they look again.
    pub const POLL: Duration = Duration::from_millis(500);

    /// Whether there is a cosigned checkpoint of that epoch.
    pub fn covers(&self, epoch: u64) -> bool {
        self.cosigned
            .as_ref()
            .is_some_and(|cosigned| cosigned.epoch >= epoch)
    }

    /// Feeds everything of epochs up to `latest`; before the manifests.
    pub fn feed(&self, latest: u64, verifier: &mut Verifier) {
        if let Some(cosigned) = self.cosigned.as_ref().filter(|cosigned| cosigned.epoch <= latest) {
            verifier.cosigned(cosigned.epoch, cosigned.note.as_bytes());
        }
        for timestamp in self
            .timestamps
            .iter()
            .filter(|timestamp| timestamp.epoch <= latest)
        {
            if timestamp.epoch < latest {
                verifier.checkpoint(timestamp.checkpoint.as_bytes());
            }
            match STANDARD.decode(&timestamp.response) {
                Ok(response) => verifier.timestamp(timestamp.epoch, &response),
                Err(_) => {
                    verifier.unreadable(format!("timestamp of epoch {} is not base64", timestamp.epoch))
                }
            }
        }
    }
}
