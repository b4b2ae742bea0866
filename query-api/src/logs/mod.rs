//! Records: the list, one in full, what became of it.

mod break_glass;
mod cursor;
mod detail;
mod disclosure;
mod filters;
mod first;
mod list;
mod outcomes;
mod personal;
mod placed;
mod purpose;
mod reveal;
mod summary;

pub(crate) use break_glass::{break_glass, list_break_glass, review_break_glass};
pub(crate) use cursor::{Snapshot, decode as decode_cursor, encode as encode_cursor};
pub(crate) use detail::{DetailRow, detail, find_record, records_under};
pub(crate) use disclosure::{Disclosure, Grant};
pub(crate) use filters::{FILTER_NAMES, Filters, flagged_events, overridden_events};
pub(crate) use list::{ListPage, Snapshots, list, list_page, snapshot};
pub(crate) use outcomes::{post_outcome, verdicts_of};
pub(crate) use placed::{Place, Placed, find_place, stored_leaf};
pub(crate) use reveal::reveal;
pub(crate) use summary::{
    SummaryRow, cost_text, counts_json, no_verdict, number_ms, summary_columns, summary_json,
};
