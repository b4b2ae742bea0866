//! The same pipeline against one real Apache Kafka broker.

use audit_tests::{Pipeline, Start, start_kafka};

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_pass_through_apache_kafka() {
    let kafka = start_kafka();
    let pipeline = Pipeline::start(Start {
        kafka: Some(kafka.address.clone()),
        ..Start::default()
    })
    .await;
    crate::replay::replays_exactly_once(&pipeline).await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
}
