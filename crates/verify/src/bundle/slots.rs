//! Openings and ciphertexts of one record beside the leaf's slots.

use aal_bundle::{Disclosure, EntryView, Opening, Sealed};
use aal_ledger::hash::{ciphertext_hash, plaintext_commitment};
use aal_ledger::leaf::AEAD_NONE;
use aal_ledger::{CommittedSlots, LeafView, SlotView};
use uuid::Uuid;

use crate::report::{Place, Tally, Verdict};

/// AES-SIV's synthetic IV, in front of the padded plaintext.
const SIV_LEN: u64 = 16;
/// Template slot of the attributes.
const SLOT_ATTRIBUTES: u16 = 3;

/// What is known of a record's slots after their check.
#[derive(Debug, Default)]
pub(crate) struct SlotsChecked<'a> {
    /// Data keys of slots that should be here and are not, one for each slot.
    pub(crate) absent_keys: Vec<Uuid>,
    /// Text of the attributes, when it was handed over.
    pub(crate) attributes: Option<&'a [u8]>,
}

/// Compares each slot of the leaf with what is handed over.
pub(crate) fn check<'a>(
    leaf: &LeafView<'_>,
    entry: &EntryView<'a>,
    disclosure: Disclosure,
    committed: &CommittedSlots,
    place: Place,
    tally: &mut Tally,
) -> SlotsChecked<'a> {
    let mut check = Check { place, tally };
    check.nothing_withheld_is_there(entry, disclosure);
    let mut openings = entry.openings().peekable();
    let mut ciphertexts = entry.ciphertexts().peekable();
    let mut checked = SlotsChecked::default();
    for slot in leaf.slots() {
        let number = slot.slot();
        let is_template = slot.aead() == AEAD_NONE;
        let is_given = if is_template {
            while let Some(unknown) = openings.next_if(|opening| opening.slot < number) {
                check.unnamed("opening", unknown.slot);
            }
            let opening = openings.next_if(|opening| opening.slot == number);
            if let Some(opening) = &opening {
                check.opening(&slot, opening);
                if number == SLOT_ATTRIBUTES {
                    checked.attributes = Some(opening.text);
                }
            }
            opening.is_some()
        } else {
            while let Some(unknown) = ciphertexts.next_if(|sealed| sealed.slot < number) {
                check.unnamed("ciphertext", unknown.slot);
            }
            let sealed = ciphertexts.next_if(|sealed| sealed.slot == number);
            if let Some(sealed) = &sealed {
                check.ciphertext(&slot, sealed);
            }
            sealed.is_some()
        };
        let is_due = entry.is_match
            && if is_template {
                disclosure.templates && !committed.contains(number)
            } else {
                disclosure.ciphertexts
            };
        if is_given || !is_due {
            continue;
        }
        let key = slot.subject_key_id();
        if key.is_nil() {
            let what = format!("slot {number} is absent and has no key that could have been erased");
            check.content(false, || what);
        } else {
            checked.absent_keys.push(key);
        }
    }
    openings.for_each(|unknown| check.unnamed("opening", unknown.slot));
    ciphertexts.for_each(|unknown| check.unnamed("ciphertext", unknown.slot));
    checked
}

struct Check<'t> {
    place: Place,
    tally: &'t mut Tally,
}

impl Check<'_> {
    fn content(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.tally.checked(Verdict::Content, 1);
        if !holds {
            self.tally.refute(Verdict::Content, self.place, what());
        }
    }

    fn unnamed(&mut self, what: &str, slot: u16) {
        self.content(false, || {
            format!("{what} of slot {slot} is here, the leaf has none")
        });
    }

    fn nothing_withheld_is_there(&mut self, entry: &EntryView<'_>, disclosure: Disclosure) {
        let (openings, ciphertexts) = entry.slot_counts();
        for (count, is_disclosed, what) in [
            (openings, disclosure.templates, "openings"),
            (ciphertexts, disclosure.ciphertexts, "ciphertexts"),
        ] {
            if count > 0 && !(entry.is_match && is_disclosed) {
                self.content(false, || format!("{what} are here that the scope withholds"));
            }
        }
    }

    fn opening(&mut self, slot: &SlotView<'_>, opening: &Opening<'_>) {
        let holds = plaintext_commitment(opening.salt, opening.text) == slot.pt_commit();
        self.content(holds, || {
            format!("text of slot {} is not the one the leaf commits to", opening.slot)
        });
    }

    fn ciphertext(&mut self, slot: &SlotView<'_>, sealed: &Sealed<'_>) {
        let holds = ciphertext_hash(slot.aead(), sealed.ciphertext) == slot.ct_hash();
        self.content(holds, || {
            format!(
                "ciphertext of slot {} is not the one the leaf hashes",
                sealed.slot
            )
        });
        let (found, expected) = (
            sealed.ciphertext.len() as u64,
            u64::from(slot.padded_len()) + SIV_LEN,
        );
        self.content(found == expected, || {
            format!(
                "ciphertext of slot {} has {found} bytes, the leaf says {expected}",
                sealed.slot
            )
        });
    }
}
