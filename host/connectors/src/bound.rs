//! What of a filter a connected system is asked. It may find more than what matches, as the filter has the last word over
//! what comes back (ADR 0013); it must never find less. So what a system says in its own way is left out, and nothing below a
//! negation is asked unless a system says the same of it.

use host_resource::filter::{Literal, Operator};
use host_resource::{Filter, Pointer};

/// Whole numbers beyond this are not all different as numbers of JSON.
pub(crate) const EXACT: i64 = 1 << 53;

/// What a system is asked for, in its own tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound<T> {
    All,
    Nothing,
    And(Vec<Bound<T>>),
    Or(Vec<Bound<T>>),
    Test(T),
}

impl<T: PartialEq> Bound<T> {
    /// What all of them find.
    pub(crate) fn and(bounds: impl Iterator<Item = Self>) -> Self {
        let mut all: Vec<Self> = bounds.filter(|bound| *bound != Self::All).collect();
        if all.contains(&Self::Nothing) {
            return Self::Nothing;
        }
        match all.len() {
            0 => Self::All,
            1 => all.remove(0),
            _ => Self::And(all),
        }
    }

    /// What any of them finds.
    pub(crate) fn or(bounds: impl Iterator<Item = Self>) -> Self {
        let mut any: Vec<Self> = bounds.filter(|bound| *bound != Self::Nothing).collect();
        if any.contains(&Self::All) {
            return Self::All;
        }
        match any.len() {
            0 => Self::Nothing,
            1 => any.remove(0),
            _ => Self::Or(any),
        }
    }
}

/// How a kind of system puts the tests of a filter. Each answer finds at least what the test finds.
pub(crate) trait Translate {
    /// A test as the system puts it.
    type Test: PartialEq;

    /// The field has a value.
    fn present(&self, field: &Pointer) -> Bound<Self::Test>;

    /// The field has none. Few systems mean the same by that.
    fn absent(&self, _field: &Pointer) -> Bound<Self::Test> {
        Bound::All
    }

    /// A value of the field compares so.
    fn compare(&self, field: &Pointer, operator: Operator, value: &Literal) -> Bound<Self::Test>;

    /// A value of the field equals one of these.
    fn any_of(&self, field: &Pointer, values: &[Literal]) -> Bound<Self::Test> {
        Bound::or(values.iter().map(|value| self.compare(field, Operator::Eq, value)))
    }

    /// A value of the field ends so.
    fn ends(&self, field: &Pointer, value: &Literal) -> Bound<Self::Test>;

    /// What finds whatever matches.
    fn bound(&self, filter: &Filter) -> Bound<Self::Test> {
        match filter {
            Filter::Literal(true) => Bound::All,
            Filter::Literal(false) => Bound::Nothing,
            Filter::And(inner) => Bound::and(inner.iter().map(|filter| self.bound(filter))),
            Filter::Or(inner) => Bound::or(inner.iter().map(|filter| self.bound(filter))),
            Filter::Not(inner) => match &**inner {
                Filter::Present(field) => self.absent(field),
                _ => Bound::All,
            },
            Filter::Present(field) => self.present(field),
            Filter::Compare { field, operator, value } => self.compare(field, *operator, value),
            Filter::In { field, values } => self.any_of(field, values),
            Filter::Extended { field, operator, value } if operator.eq_ignore_ascii_case("ew") => {
                self.ends(field, value)
            }
            // What contains all of the values has at least some.
            Filter::Extended { operator, .. } if operator.eq_ignore_ascii_case("ca") => Bound::All,
            Filter::Extended { .. } => Bound::Nothing,
        }
    }
}
