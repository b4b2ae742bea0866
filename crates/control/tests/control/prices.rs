//! Versions of a tenant's prices.

use aal_control::{Control, ControlError, PRICE_CHANGE_DELAY_US};
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(5);

/// Versions come into force later than they are written, in their order, and stay.
pub async fn prices(control: &Control) {
    assert_eq!(control.last_price_book(TENANT).await.unwrap(), None);
    let first = Control::next_price_book(None, TENANT, "{}", "u", 1_000);
    assert_eq!(
        (first.number, first.effective_us),
        (1, 1_000 + PRICE_CHANGE_DELAY_US)
    );
    control.put_price_book(&first).await.unwrap();
    let second = Control::next_price_book(Some(&first), TENANT, "{\"prices\":[]}", "u", 1_000);
    assert_eq!((second.number, second.effective_us), (2, first.effective_us + 1));
    control.put_price_book(&second).await.unwrap();
    let at = async |at_us| {
        let found = control.price_book_before(TENANT, at_us).await.unwrap();
        found.map(|version| version.number)
    };
    assert_eq!(at(first.effective_us - 1).await, None);
    assert_eq!(at(first.effective_us).await, Some(1));
    assert_eq!(at(i64::MAX).await, Some(2));
    assert_eq!(
        control.last_price_book(TENANT).await.unwrap(),
        Some(second.clone())
    );
    let times = control.price_book_times(TENANT).await.unwrap();
    assert_eq!(times, [(1, first.effective_us), (2, second.effective_us)]);
    let again = control.put_price_book(&second).await.unwrap_err();
    assert!(
        matches!(&again, ControlError::Refused(reason) if reason.contains("same moment")),
        "{again}"
    );
}
