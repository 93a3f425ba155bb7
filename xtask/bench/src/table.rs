//! The table that a bench prints: Markdown, as `docs/performance.md` has it.

/// One line.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) value: String,
    /// The limit and whether it is kept; none for a figure that only explains others.
    pub(crate) limit: Option<(String, bool)>,
}

impl Row {
    pub(crate) fn figure(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            value: value.into(),
            limit: None,
        }
    }

    pub(crate) fn at_most(what: impl Into<String>, value: f64, limit: f64) -> Self {
        Self {
            what: what.into(),
            value: format!("{value:.2}"),
            limit: Some((format!("<= {limit}"), value <= limit)),
        }
    }

    pub(crate) fn at_least(what: impl Into<String>, value: f64, limit: f64) -> Self {
        Self {
            what: what.into(),
            value: format!("{value:.2}"),
            limit: Some((format!(">= {limit}"), value >= limit)),
        }
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!("| what | measured | limit | kept |");
    println!("|---|---|---|---|");
    for Row { what, value, limit } in rows {
        let (limit, kept) = match limit {
            Some((limit, true)) => (limit.as_str(), "yes"),
            Some((limit, false)) => (limit.as_str(), "NO"),
            None => ("", ""),
        };
        println!("| {what} | {value} | {limit} | {kept} |");
    }
}
