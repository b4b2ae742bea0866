//! Erasures and prunes recorded outside of the range (docs/evidence-bundle.md section 5).

use aal_bundle::{FormError, parts};
use aal_ledger::proof::{TlogProof, verify_record_proof};
use aal_ledger::{Kind, LeafView, TrustPolicy};

use crate::bundle::{Found, header};
use crate::report::{Place, Verdict};

impl Found {
    /// Every entry: proven under the tip's checkpoint, of kind erasure_done or prune, its header the leaf's.
    pub(super) fn erasures(&mut self, bytes: &[u8], policy: &TrustPolicy) -> Result<(), FormError> {
        for (number, (header_bytes, proof)) in parts::split_erasures(bytes)?.into_iter().enumerate() {
            self.tally.checked(Verdict::Erasure, 1);
            if let Err(what) = self.erasure(header_bytes, proof, policy) {
                let what = format!("entry {number} of erasures: {what}");
                self.tally.refute(Verdict::Erasure, Place::default(), what);
            }
        }
        Ok(())
    }

    fn erasure(&mut self, header_bytes: &[u8], proof: &[u8], policy: &TrustPolicy) -> Result<(), String> {
        let checkpoint = TlogProof::parse(proof)
            .map_err(|error| error.to_string())?
            .checkpoint;
        let tip = self.log.as_ref().and_then(|log| log.tip_note());
        if tip != Some(&checkpoint) {
            return Err("its proof is not under the tip's checkpoint".to_owned());
        }
        let proven = verify_record_proof(proof, policy).map_err(|error| error.to_string())?;
        if !matches!(proven.leaf.kind, Kind::ErasureDone | Kind::Prune) {
            return Err(format!("it is a leaf of kind {}", proven.leaf.kind.name()));
        }
        let leaf_bytes = proven.leaf.encode().map_err(|error| error.to_string())?;
        let leaf = LeafView::new(&leaf_bytes).map_err(|error| error.to_string())?;
        let place = Place::chain(proven.head.chain);
        let members = header::check(&leaf, header_bytes, place, &mut self.tally);
        let members = members.ok_or("its header cannot be read")?;
        let tenant = proven.leaf.tenant;
        let keys = header::erased_keys(leaf.kind(), &members);
        self.erased.extend(keys.into_iter().map(|key| (tenant, key)));
        if let Some(named) = header::prunes(leaf.kind(), &members) {
            self.prunes.add(tenant, &named, leaf.t_edge_us());
        }
        Ok(())
    }
}
