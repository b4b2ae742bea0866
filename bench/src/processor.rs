//! The processor: from the first event in Kafka to the last one in ClickHouse.

use std::time::Instant;

use crate::{
    Failure,
    inputs::{self, Sizes},
    kafka,
    report::{Limit, Report},
    running::{Running, seed},
    store,
};

/// Measures with the stopped clock, then inserts the very rows that were stored for the limit.
pub(crate) async fn measure(
    running: &mut Running,
    sizes: Sizes,
    kafka_limit: &Limit,
    report: &mut Report,
) -> Result<(), Failure> {
    let inputs = inputs::events(seed::PROCESSOR, sizes.events);
    let messages = inputs::messages(&inputs, running.tenant, &running.receipt)?;
    running.all_stored().await?;
    running.sent(messages.len() as u64);
    let began = Instant::now();
    kafka::produce(&running.producer, aal_kafka::EVENTS, &messages).await?;
    let produced = began.elapsed();
    running.all_stored().await?;
    let rate = messages.len() as f64 / began.elapsed().as_secs_f64();

    let clickhouse_limit = store::measure(running, sizes, report).await?;
    report.rate(
        "processor, first produced to last stored",
        rate,
        "events/s",
        &clickhouse_limit,
    );
    report.rate(
        "processor, first produced to last stored",
        rate,
        "events/s",
        kafka_limit,
    );
    report.note(format!(
        "the processor's clock includes producing, which took {:.1} s of {:.1} s",
        produced.as_secs_f64(),
        messages.len() as f64 / rate
    ));
    Ok(())
}
