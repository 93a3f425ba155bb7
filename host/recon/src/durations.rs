//! How long the parts of a run took. Behaviour 5.8, `durationSummary`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How long the parts of a run took, by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Durations(BTreeMap<String, Spread>);

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Spread {
    min: f64,
    max: f64,
    sum: f64,
    squares: f64,
    count: u64,
}

impl Durations {
    pub(crate) fn add(&mut self, what: &str, took: Duration) {
        let one = Spread::of(took.as_secs_f64() * 1000.0);
        match self.0.get_mut(what) {
            Some(spread) => spread.join(one),
            None => drop(self.0.insert(what.to_owned(), one)),
        }
    }

    /// Takes up others.
    pub(crate) fn join(&mut self, others: Self) {
        for (what, other) in others.0 {
            match self.0.get_mut(&what) {
                Some(spread) => spread.join(other),
                None => drop(self.0.insert(what, other)),
            }
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let shown = |(what, spread): (&String, &Spread)| (what.clone(), spread.to_json());
        Value::Object(self.0.iter().map(shown).collect::<Map<_, _>>())
    }
}

impl Spread {
    fn of(millis: f64) -> Self {
        Self {
            min: millis,
            max: millis,
            sum: millis,
            squares: millis * millis,
            count: 1,
        }
    }

    fn join(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares += other.squares;
        self.count += other.count;
    }

    fn to_json(self) -> Value {
        let count = self.count.max(1) as f64;
        let mean = self.sum / count;
        let deviation = (self.squares / count - mean * mean).max(0.0).sqrt();
        let [min, max, mean, sum, deviation] = [self.min, self.max, mean, self.sum, deviation].map(|ms| ms as u64);
        json!({"min": min, "max": max, "mean": mean, "count": self.count, "sum": sum, "stdDev": deviation})
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long something took is a measurement, not a moment"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spread() {
        let mut durations = Durations::default();
        let mut others = Durations::default();
        durations.add("linkQuery", Duration::from_millis(2));
        durations.add("linkQuery", Duration::from_millis(4));
        others.add("linkQuery", Duration::from_millis(6));
        others.add("sourceQuery", Duration::from_micros(700));
        durations.join(others);
        assert_eq!(
            durations.to_json(),
            json!({
                "linkQuery": {"min": 2, "max": 6, "mean": 4, "count": 3, "sum": 12, "stdDev": 1},
                "sourceQuery": {"min": 0, "max": 0, "mean": 0, "count": 1, "sum": 0, "stdDev": 0},
            })
        );
    }
}
