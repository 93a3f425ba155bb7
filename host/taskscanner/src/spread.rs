//! How a quantity is spread over many objects, in fixed memory: counts in buckets that grow by an eighth.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};

const STEPS: u32 = 8;
const BUCKETS: usize = 62 * STEPS as usize;

/// Counts of values by size. Percentiles are exact to an eighth.
#[derive(Clone)]
pub(crate) struct Spread {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            buckets: Box::new([0; BUCKETS]),
            count: 0,
            sum: 0,
            max: 0,
        }
    }
}

/// A spread as it is kept: the buckets that are not empty.
#[derive(Serialize, Deserialize)]
struct Kept {
    buckets: Vec<(usize, u64)>,
    /// As text: it may be larger than a number of JSON.
    sum: String,
    max: u64,
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = self.buckets.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        let kept = Kept {
            buckets: counted.collect(),
            sum: self.sum.to_string(),
            max: self.max,
        };
        kept.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = Kept::deserialize(deserializer)?;
        let mut spread = Self {
            sum: kept.sum.parse().map_err(D::Error::custom)?,
            max: kept.max,
            ..Self::default()
        };
        for (number, count) in kept.buckets {
            let bucket = spread.buckets.get_mut(number);
            *bucket.ok_or_else(|| D::Error::custom("there is no such bucket"))? = count;
            spread.count += count;
        }
        Ok(spread)
    }
}

impl Spread {
    /// Counts a value.
    pub(crate) fn add(&mut self, value: u64) {
        self.buckets[bucket(value)] += 1;
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    /// How many values were counted.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The value below which `percent` of the values lie.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (number, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(number).min(self.max);
            }
        }
        self.max
    }

    /// The summary that a run keeps.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "p50": self.percentile(50),
            "p99": self.percentile(99),
            "max": self.max,
            "sum": u64::try_from(self.sum).unwrap_or(u64::MAX),
        })
    }
}

fn bucket(value: u64) -> usize {
    if value < u64::from(STEPS) {
        return usize::try_from(value).expect("less than eight");
    }
    let exponent = value.ilog2();
    let step = (value >> (exponent - 3)) & 7;
    ((exponent - 2) * STEPS) as usize + usize::try_from(step).expect("less than eight")
}

fn upper(bucket: usize) -> u64 {
    let steps = STEPS as usize;
    if bucket < steps {
        return bucket as u64;
    }
    let exponent = bucket / steps + 2;
    let step = (bucket % steps) as u128;
    u64::try_from(((8 + step + 1) << (exponent - 3)) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_exact_to_an_eighth() {
        let mut spread = Spread::default();
        for value in 1..=10_000 {
            spread.add(value);
        }
        for (percent, exact) in [(50, 5_000), (99, 9_900), (100, 10_000)] {
            let found = spread.percentile(percent);
            assert!(found >= exact && found <= exact + exact / 8, "p{percent}: {found}");
        }
        assert_eq!((spread.count(), spread.max, spread.sum), (10_000, 10_000, 50_005_000));
    }

    #[test]
    fn every_value_has_a_bucket_that_holds_it() {
        for value in [0, 1, 7, 8, 9, 15, 16, 17, 1_000, u64::MAX / 2, u64::MAX] {
            let number = bucket(value);
            assert!(number < BUCKETS && upper(number) >= value, "{value}");
            assert!(number == 0 || upper(number - 1) < value, "{value}");
        }
    }
}
