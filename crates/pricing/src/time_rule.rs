//! When a price holds.

use serde::Deserialize;

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const DAY_US: i64 = 24 * 60 * MINUTE_US;

/// A start date, a daily interval (both UTC), or always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TimeRule {
    from: Option<(String, i64)>,
    daily: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RawTimeRule {
    /// `YYYY-MM-DD`: from this day on.
    from: Option<String>,
    /// `["HH:MM", "HH:MM"]`: from the first to before the second, over midnight when the second is earlier.
    daily: Option<[String; 2]>,
}

impl TimeRule {
    /// None for a date or time that does not exist.
    pub(crate) fn new(raw: RawTimeRule) -> Option<Self> {
        let from = match raw.from {
            Some(date) => {
                let start_us = day_start_us(&date)?;
                Some((date, start_us))
            }
            None => None,
        };
        let daily = match raw.daily {
            Some([start, end]) => Some((time_of_day_us(&start)?, time_of_day_us(&end)?)),
            None => None,
        };
        Some(TimeRule { from, daily })
    }

    /// Whether the price holds at this time (microseconds since the epoch).
    pub(crate) fn holds(&self, at_us: i64) -> bool {
        let started = self.from.as_ref().is_none_or(|(_, start_us)| at_us >= *start_us);
        let in_hours = self.daily.is_none_or(|(start_us, end_us)| {
            let time_us = at_us.rem_euclid(DAY_US);
            if end_us < start_us {
                time_us >= start_us || time_us < end_us
            } else {
                start_us <= time_us && time_us < end_us
            }
        });
        started && in_hours
    }

    /// For the rule text: ` from=2026-01-01`, ` daily=00:30-16:30`, or nothing.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        if let Some((date, _)) = &self.from {
            text.push_str(" from=");
            text.push_str(date);
        }
        if let Some((start_us, end_us)) = self.daily {
            let clock = |us: i64| format!("{:02}:{:02}", us / (60 * MINUTE_US), us / MINUTE_US % 60);
            text.push_str(&format!(" daily={}-{}", clock(start_us), clock(end_us)));
        }
        text
    }
}

fn day_start_us(date: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(date, &format).ok()?;
    Some(day.midnight().assume_utc().unix_timestamp() * SECOND_US)
}

fn time_of_day_us(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some((hours * 60 + minutes) * MINUTE_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(start: &str, end: &str) -> TimeRule {
        let daily = Some([start.to_owned(), end.to_owned()]);
        TimeRule::new(RawTimeRule { from: None, daily }).unwrap()
    }

    #[test]
    fn a_start_date_holds_from_its_first_microsecond() {
        let rule = TimeRule::new(RawTimeRule {
            from: Some("1970-01-02".into()),
            daily: None,
        })
        .unwrap();
        assert!(!rule.holds(DAY_US - 1));
        assert!(rule.holds(DAY_US));
    }

    #[test]
    fn daily_hours_may_pass_midnight() {
        let day = daily("01:00", "04:00");
        assert!(day.holds(60 * MINUTE_US) && day.holds(DAY_US * 9 + 239 * MINUTE_US));
        assert!(!day.holds(240 * MINUTE_US) && !day.holds(-MINUTE_US));
        let night = daily("22:00", "01:00");
        assert!(night.holds(0) && night.holds(-MINUTE_US) && !night.holds(60 * MINUTE_US));
        assert_eq!(night.describe(), " daily=22:00-01:00");
    }

    #[test]
    fn impossible_dates_are_refused() {
        assert!(
            TimeRule::new(RawTimeRule {
                from: Some("2026-02-30".into()),
                daily: None
            })
            .is_none()
        );
    }
}
