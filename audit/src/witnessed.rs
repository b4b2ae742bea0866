//! What others have said of a running service's log, fetched from the service and fed to the verifier.

use std::time::Duration;

use aal_verify::Verifier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Witnesses are asked after an epoch is sealed, so the newest one may still be on its way to them.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
pub(crate) const POLL: Duration = Duration::from_millis(500);

/// Answer of `GET /api/v1/verify/witnessed`. Nothing in it is believed before the verifier has seen it.
#[derive(Deserialize)]
pub(crate) struct Witnessed {
    cosigned: Option<Cosigned>,
    #[serde(default)]
    timestamps: Vec<Timestamp>,
}

#[derive(Deserialize)]
struct Cosigned {
    epoch: u64,
    note: String,
}

#[derive(Deserialize)]
struct Timestamp {
    epoch: u64,
    checkpoint: String,
    /// Base64 of the `TimeStampResp`.
    response: String,
}

impl Witnessed {
    /// Whether there is a cosigned checkpoint of that epoch.
    pub(crate) fn covers(&self, epoch: u64) -> bool {
        self.cosigned
            .as_ref()
            .is_some_and(|cosigned| cosigned.epoch >= epoch)
    }

    /// Feeds everything of epochs up to `latest`; before the manifests.
    pub(crate) fn feed(&self, latest: u64, verifier: &mut Verifier) {
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
