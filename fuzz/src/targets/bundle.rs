//! Whole evidence bundles.

use std::sync::LazyLock;

use aal_ledger::TrustPolicy;
use aal_verify::{BundleOptions, verify_bundle};

use crate::forge::{self, archive};
use crate::sample;

static POLICY: LazyLock<TrustPolicy> =
    LazyLock::new(|| TrustPolicy::parse(&sample::policy_text()).expect("the sample's policy is one"));
static GENUINE: LazyLock<Vec<archive::Member>> = LazyLock::new(|| {
    let bundles = sample::bundles().into_iter();
    bundles
        .flat_map(|(_, bytes, _)| forge::evidence(&bytes))
        .collect()
});

/// A bundle whose evidence is not that of the sample log is never proven.
pub fn raw(bytes: &[u8]) {
    if let Ok(report) = verify_bundle(bytes, &POLICY, BundleOptions::default())
        && report.exit_code() == 0
    {
        let invented = forge::evidence(bytes)
            .into_iter()
            .find(|member| !GENUINE.contains(member));
        assert!(invented.is_none(), "a forged bundle was proven: {invented:?}");
    }
}

/// The same with archive and books put right, so that what is inside is reached.
pub fn rebooked(bytes: &[u8]) {
    let mut members = archive::split(bytes);
    archive::rebook(&mut members);
    raw(&archive::pack(&members));
}
