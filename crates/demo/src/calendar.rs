//! How a month's decisions spread over hours and companies: office hours, weekends, growth.

use crate::catalogue::{COMPANIES, Company};

/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// Hours in the month that is generated.
pub const HOURS: i64 = 30 * 24;
/// Sessions begin no later than this before the end, so that their last turn still fits.
pub const TAIL_US: i64 = 20 * 60 * 1_000_000;

/// Yields, hour by hour and company by company, how many calls are to be made. The quotas sum up to the whole exactly:
/// each is the difference of two rounded cumulative shares.
#[derive(Debug)]
pub struct Calendar {
    start_us: i64,
    decisions: u64,
    total_weight: u128,
    weight_so_far: u128,
    given_so_far: u64,
    cell: i64,
}

/// One company's hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub hour_start_us: i64,
    /// Index into [`COMPANIES`].
    pub company: usize,
    pub calls: u64,
}

impl Calendar {
    /// A month that ends at `end_us` and holds `decisions` calls.
    #[must_use]
    pub fn new(decisions: u64, end_us: i64) -> Self {
        let start_us = end_us - TAIL_US - HOURS * HOUR_US;
        let mut calendar = Self {
            start_us,
            decisions,
            total_weight: 0,
            weight_so_far: 0,
            given_so_far: 0,
            cell: 0,
        };
        calendar.total_weight = (0..HOURS * companies()).map(|cell| calendar.weight(cell)).sum();
        calendar
    }

    fn place(&self, cell: i64) -> (i64, usize) {
        let hour = cell / companies();
        let company = usize::try_from(cell % companies()).unwrap_or(0);
        (self.start_us + hour * HOUR_US, company)
    }

    fn weight(&self, cell: i64) -> u128 {
        let (hour_start_us, company) = self.place(cell);
        let growth_per_mille = 1_000 + 600 * cell / (HOURS * companies());
        let weight = hour_weight(&COMPANIES[company], hour_start_us) * COMPANIES[company].weight;
        u128::from(weight) * u128::from(growth_per_mille.unsigned_abs())
    }
}

fn companies() -> i64 {
    COMPANIES.len() as i64
}

/// A company's activity in the hour that holds `at_us`, comparable only with its own other hours.
fn hour_weight(company: &Company, at_us: i64) -> u64 {
    let hours_since_epoch = at_us.div_euclid(HOUR_US);
    let hour = usize::try_from(hours_since_epoch.rem_euclid(24)).unwrap_or(0);
    // 1 January 1970 was a Thursday; Monday is 0.
    let weekday = (hours_since_epoch.div_euclid(24) + 3).rem_euclid(7);
    let share_per_mille = if weekday < 5 {
        1_000
    } else {
        company.hours.weekend_per_mille
    };
    let day_total: u64 = company.hours.weekday.iter().sum();
    // Normalised by the day's total, so that `Company::weight` alone says how big a company is.
    company.hours.weekday[hour] * share_per_mille * 1_000 / day_total
}

impl Iterator for Calendar {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        if self.cell >= HOURS * companies() {
            return None;
        }
        let (hour_start_us, company) = self.place(self.cell);
        self.weight_so_far += self.weight(self.cell);
        self.cell += 1;
        let due = self.weight_so_far * u128::from(self.decisions) / self.total_weight;
        let due = u64::try_from(due).unwrap_or(self.decisions);
        let calls = due - self.given_so_far;
        self.given_so_far = due;
        Some(Cell {
            hour_start_us,
            company,
            calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Monday, 23 November 2026, 12:00 UTC.
    const END_US: i64 = 1_795_435_200_000_000;

    #[test]
    fn quotas_sum_up_to_the_whole() {
        for decisions in [1, 999, 20_000] {
            let total: u64 = Calendar::new(decisions, END_US).map(|cell| cell.calls).sum();
            assert_eq!(total, decisions);
        }
    }

    #[test]
    fn nights_and_weekends_are_quiet_at_the_law_firm() {
        let law_firm = &COMPANIES[2];
        let monday_ten = END_US - 2 * HOUR_US;
        let sunday_ten = monday_ten - 24 * HOUR_US;
        let monday_three = END_US - 9 * HOUR_US;
        assert!(hour_weight(law_firm, monday_ten) > 10 * hour_weight(law_firm, sunday_ten));
        assert_eq!(hour_weight(law_firm, monday_three), 0);
    }

    #[test]
    fn the_last_week_is_busier_than_the_first() {
        let cells: Vec<Cell> = Calendar::new(100_000, END_US).collect();
        let week = cells.len() * 7 / 30;
        let calls = |part: &[Cell]| part.iter().map(|cell| cell.calls).sum::<u64>();
        assert!(calls(&cells[cells.len() - week..]) * 10 > calls(&cells[..week]) * 12);
    }
}
