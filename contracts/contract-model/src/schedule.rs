//! Schedules of recurring jobs: crontab expressions of five fields in a time zone of the IANA database.

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A schedule, such as `0 6 * * 1-5` in `Europe/Berlin`.
///
/// Fields are those of crontab(5): minute, hour, day of month, month, day of week, with ranges, lists, steps and names;
/// beyond that `L`, `W`, `#` and nicknames such as `@daily`. When the clocks change, it does as Vixie cron does: a fixed time that is left out is
/// made up for right after the gap, and one that comes twice is taken once; what recurs within the hour (`*/15`) goes by
/// the time that passes.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

impl Schedule {
    /// Reads an expression of five fields and the name of a time zone.
    pub fn parse(expression: &str, timezone: &str) -> Result<Self, ScheduleError> {
        let fields = expression.split_whitespace().count();
        if fields != 5 && !expression.starts_with('@') {
            let why = format!(
                "`{expression}` has {fields} fields; a schedule has five: minute, hour, day of month, month, day of week"
            );
            return Err(ScheduleError(why));
        }
        let zone = TimeZone::get(timezone).map_err(|_| {
            ScheduleError(format!("there is no time zone `{timezone}`; use a name such as Europe/Berlin or UTC"))
        })?;
        let cron = read(expression).map_err(|error| {
            let why = wrong_field(expression).unwrap_or_else(|| error.to_string());
            ScheduleError(format!("`{expression}` is no schedule: {why}"))
        })?;
        let schedule = Self { cron, zone };
        // Such as the 31st of February: it would wait for ever.
        if schedule.after(0).is_none() {
            return Err(ScheduleError(format!("`{expression}` never comes")));
        }
        Ok(schedule)
    }

    /// The first time of the schedule after this one, both in milliseconds since 1970.
    pub fn after(&self, time_ms: u64) -> Option<u64> {
        let time = Timestamp::from_millisecond(i64::try_from(time_ms).ok()?).ok()?;
        let next = self.cron.find_next_occurrence(&time.to_zoned(self.zone.clone()), false).ok()?;
        u64::try_from(next.timestamp().as_millisecond()).ok()
    }
}

/// The fields of an expression, and what they take besides `*`, lists, ranges and steps.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31"),
    ("month", "1-12 or JAN-DEC"),
    ("day of week", "0-7 or SUN-SAT"),
];

fn read(expression: &str) -> Result<Cron, CronError> {
    CronParser::builder().seconds(Seconds::Disallowed).build().parse(expression)
}

/// What is wrong with the first field that cannot be read by itself.
fn wrong_field(expression: &str) -> Option<String> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let mut named = FIELDS.iter().zip(&fields).enumerate();
    named.find_map(|(at, ((name, takes), field))| {
        let alone: Vec<&str> = (0..FIELDS.len()).map(|other| if other == at { *field } else { "*" }).collect();
        read(&alone.join(" ")).is_err().then(|| format!("`{field}` is no {name} ({takes})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::rfc3339;

    fn times(expression: &str, timezone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(expression, timezone).expect("a schedule");
        let from: jiff::Timestamp = from.parse().expect("a time");
        let mut at = u64::try_from(from.as_millisecond()).expect("after 1970");
        let mut times = Vec::new();
        for _ in 0..count {
            at = schedule.after(at).expect("another");
            times.push(rfc3339(at));
        }
        times
    }

    #[test]
    fn weekdays_at_six() {
        let found = times("0 6 * * 1-5", "UTC", "2026-11-20T05:59:59Z", 3);
        assert_eq!(found, ["2026-11-20T06:00:00.000Z", "2026-11-23T06:00:00.000Z", "2026-11-24T06:00:00.000Z"]);
    }

    #[test]
    fn a_local_hour_stays_that_hour_over_both_changes_of_the_clocks() {
        // In Berlin 02:30 is left out on 2026-03-29, and comes twice on 2026-10-25.
        let spring = times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
        assert_eq!(spring, ["2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]);
        let autumn = times("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 3);
        assert_eq!(autumn, ["2026-10-24T00:30:00.000Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused_by_name() {
        let why = |expression: &str, zone: &str| Schedule::parse(expression, zone).expect_err(expression).to_string();
        assert!(why("0 6 * *", "UTC").contains("has 4 fields"));
        assert!(why("61 6 * * *", "UTC").ends_with("`61 6 * * *` is no schedule: `61` is no minute (0-59)"));
        assert!(why("0 6 * 13 *", "UTC").ends_with("`13` is no month (1-12 or JAN-DEC)"));
        assert!(why("0 6-30 * * 1-5", "UTC").ends_with("`6-30` is no hour (0-23)"));
        assert!(why("0 6 * * MOM", "UTC").ends_with("`MOM` is no day of week (0-7 or SUN-SAT)"));
        assert!(why("0 6 * * *", "Europe/Berlni").contains("no time zone `Europe/Berlni`"));
        assert!(why("0 0 31 2 *", "UTC").contains("never comes"));
    }
}
