use std::{fs, path::Path};

use aal_service::Metrics;
use proptest::prelude::*;

use super::{
    form::{MAGIC, parse},
    *,
};

fn config(directory: &Path) -> SpoolConfig {
    SpoolConfig {
        directory: directory.to_owned(),
        max_bytes: 100_000,
        segment_bytes: 1_024,
        fsync: Fsync::Always,
    }
}

fn record(number: usize) -> Record {
    Record {
        key: format!("tenant:{number}").into_bytes(),
        value: vec![number as u8; 300],
    }
}

fn stats() -> GatewayStats {
    GatewayStats::new(&Metrics::default())
}

async fn drain(spool: &Spool) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(segment) = spool.oldest().await.unwrap() {
        records.extend(segment.records.clone());
        spool.remove(&segment).await.unwrap();
    }
    records
}

#[tokio::test]
async fn what_went_in_comes_out_in_order_over_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&config(folder.path()), stats()).unwrap();
    assert!(!spool.holds_any());
    for number in 0..20 {
        spool.append(record(number)).await.unwrap();
    }
    assert!(spool.holds_any());
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert!(files > 5, "{files} files");
    assert_eq!(drain(&spool).await, (0..20).map(record).collect::<Vec<_>>());
    assert!(!spool.holds_any());
}

#[tokio::test]
async fn a_later_gateway_finds_what_an_earlier_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut segments = Segments::open(&config(folder.path())).unwrap();
    for number in 0..5 {
        segments.append(&record(number)).unwrap();
    }
    assert!(matches!(
        Segments::open(&config(folder.path())),
        Err(SpoolError::InUse(_))
    ));
    // As after kill -9: nothing is closed in order, and the last record is torn.
    drop(segments);
    let last = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spool"))
        .max()
        .unwrap();
    let mut bytes = fs::read(&last).unwrap();
    bytes.truncate(bytes.len() - 1);
    fs::write(&last, bytes).unwrap();

    let spool = Spool::open(&config(folder.path()), stats()).unwrap();
    spool.append(record(9)).await.unwrap();
    let expected: Vec<Record> = [0, 1, 2, 3, 9].into_iter().map(record).collect();
    assert_eq!(drain(&spool).await, expected);
    let kept = fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".damaged")
    });
    assert_eq!(kept.count(), 1, "the torn file is kept aside");
    assert!(!spool.holds_any());
}

#[tokio::test]
async fn a_full_spool_says_so_and_takes_more_after_it_was_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let limits = SpoolConfig {
        max_bytes: 2_000,
        ..config(folder.path())
    };
    let spool = Spool::open(&limits, stats()).unwrap();
    let mut taken = 0;
    let error = loop {
        match spool.append(record(taken)).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SpoolError::Full(2_000)), "{error}");
    assert_eq!(drain(&spool).await.len(), taken);
    spool.append(record(0)).await.unwrap();
}

#[tokio::test]
async fn appends_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&config(folder.path()), stats()).unwrap();
    let appends = (0..100).map(|number| {
        let spool = spool.clone();
        async move { spool.append(record(number)).await.unwrap() }
    });
    futures_util::future::join_all(appends).await;
    let mut drained = drain(&spool).await;
    drained.sort_by(|one, other| one.value.cmp(&other.value));
    assert_eq!(drained, (0..100).map(record).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn any_cut_or_flip_loses_at_most_what_follows_it(
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
        place in any::<prop::sample::Index>(),
        flip in any::<bool>(),
    ) {
        let records: Vec<Record> = values.into_iter().map(|value| Record { key: b"k".to_vec(), value }).collect();
        let mut bytes = MAGIC.to_vec();
        let mut ends = vec![bytes.len()];
        for record in &records {
            bytes.extend(record.to_bytes().unwrap());
            ends.push(bytes.len());
        }
        prop_assert_eq!(parse(&bytes).records, records.clone());
        let at = place.index(bytes.len());
        if flip { bytes[at] ^= 0x10 } else { bytes.truncate(at) }
        let parsed = parse(&bytes);
        let before = ends.iter().filter(|end| **end <= at).count().saturating_sub(1);
        prop_assert_eq!(&parsed.records[..], &records[..before]);
        let is_at_an_end = !flip && ends.contains(&at);
        prop_assert_eq!(parsed.damaged_at.is_none(), is_at_an_end);
    }
}
