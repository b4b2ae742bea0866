//! Tenants' own prices, by the time of the message they are for.
//!
//! A version comes into force [`PRICE_CHANGE_DELAY_US`] after it was written and is never changed, so a list of
//! versions that was read within half that time names every version that can hold for a message: whoever prices the
//! message, and whenever, prices it alike.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aal_control::{Control, ControlError, PRICE_CHANGE_DELAY_US};
use aal_pricing::{PriceBook, PriceTable};
use uuid::Uuid;

/// How long a list of versions is relied on.
const LONGEST_CACHED: Duration = Duration::from_micros(PRICE_CHANGE_DELAY_US as u64 / 2);
/// Most books kept parsed.
const MOST_BOOKS: usize = 1_000;

/// Why there are no prices; the shard waits and tries again.
#[derive(Debug, thiserror::Error)]
pub enum PriceBooksError {
    #[error("control store: {0}")]
    Control(#[from] ControlError),
    #[error("version {number} of the prices of tenant {tenant} cannot be read: {reason}")]
    Book {
        tenant: Uuid,
        number: i64,
        reason: String,
    },
}

/// A tenant's versions: number and time of each.
type Times = Arc<Vec<(i64, i64)>>;

#[derive(Default)]
struct State {
    /// Each tenant's versions, and when they were read.
    times: HashMap<Uuid, (Instant, Times)>,
    books: HashMap<(Uuid, i64), Arc<PriceBook>>,
}

/// The price books of all tenants.
#[derive(Clone)]
pub struct PriceBooks {
    control: Control,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for PriceBooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PriceBooks").finish_non_exhaustive()
    }
}

impl PriceBooks {
    /// Nothing read yet.
    pub fn new(control: Control) -> PriceBooks {
        PriceBooks {
            control,
            state: Arc::default(),
        }
    }

    /// The book in force for a message of a tenant at its time; None: the list alone holds.
    ///
    /// # Errors
    /// [`PriceBooksError`]; nothing may be priced then.
    pub async fn at(&self, tenant: Uuid, at_us: i64) -> Result<Option<Arc<PriceBook>>, PriceBooksError> {
        let times = self.times(tenant).await?;
        let after = times.partition_point(|(_, effective_us)| *effective_us <= at_us);
        let Some((number, effective_us)) = after.checked_sub(1).map(|index| times[index]) else {
            return Ok(None);
        };
        if let Some(book) = self.lock().books.get(&(tenant, number)) {
            return Ok(Some(Arc::clone(book)));
        }
        let refused = |reason: String| PriceBooksError::Book {
            tenant,
            number,
            reason,
        };
        let version = self.control.price_book_before(tenant, effective_us).await?;
        let version = version.filter(|version| version.number == number);
        let version = version.ok_or_else(|| refused("it is gone from the control store".to_owned()))?;
        let book = PriceBook::parse(&version.book, PriceTable::builtin()).map_err(|faults| {
            let first = faults.into_iter().next();
            refused(first.map_or_else(String::new, |fault| {
                format!("{} {}", fault.pointer, fault.message)
            }))
        })?;
        let book = Arc::new(book);
        let mut state = self.lock();
        if state.books.len() >= MOST_BOOKS {
            state.books.clear();
        }
        state.books.insert((tenant, number), Arc::clone(&book));
        Ok(Some(book))
    }

    async fn times(&self, tenant: Uuid) -> Result<Times, PriceBooksError> {
        if let Some((read, times)) = self.lock().times.get(&tenant)
            && read.elapsed() < LONGEST_CACHED
        {
            return Ok(Arc::clone(times));
        }
        // Before the reading, so that the wait for it counts as age.
        let read = Instant::now();
        let times = Arc::new(self.control.price_book_times(tenant).await?);
        let mut state = self.lock();
        state.times.retain(|_, (read, _)| read.elapsed() < LONGEST_CACHED);
        state.times.insert(tenant, (read, Arc::clone(&times)));
        Ok(times)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
