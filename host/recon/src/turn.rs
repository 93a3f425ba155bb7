//! One object under one qualifier: what is known of it, and what its turn does with it.
//!
//! `assess` gathers the facts and says the situation, `choose` says the action, `act` carries it out. All of it happens
//! in the unit of work that the context carries.

mod act;
mod assess;
mod choose;
mod script;
mod transform;

use std::sync::{Arc, OnceLock};

use host_model::situation::Situation;
use host_resource::{Context, Problem};
use host_store::UnitOfWork;
use serde_json::Value;

use crate::claims::{Claims, Looked, Made};
use crate::endpoint::id_of;
use crate::entry::{Counts, Planned};
use crate::links::Link;
use crate::work::Work;

pub(crate) use choose::Choice;

/// An object, and its text for scripts.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) value: Value,
    text: OnceLock<String>,
}

impl Shown {
    pub(crate) fn new(value: Value) -> Self {
        Self {
            value,
            text: OnceLock::new(),
        }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| self.value.to_string())
    }
}

/// Where a turn begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// With a source object.
    Source,
    /// With a target object that no source object led to.
    Target,
}

/// One object under one qualifier.
pub(crate) struct Turn<'a> {
    pub(crate) work: &'a Work,
    pub(crate) context: Context,
    pub(crate) unit: Arc<UnitOfWork>,
    pub(crate) side: Side,
    pub(crate) qualifier: String,
    pub(crate) source_id: Option<String>,
    pub(crate) source: Option<Arc<Shown>>,
    /// What the source object was before a change, if there was one.
    pub(crate) old_source: Option<Arc<Shown>>,
    pub(crate) target_id: Option<String>,
    pub(crate) target: Option<Value>,
    pub(crate) link: Option<Link>,
    /// Target objects of which any could belong to the source object.
    pub(crate) candidates: Vec<String>,
    pub(crate) situation: Option<Situation>,
    pub(crate) counts: Counts,
    /// Whether the target object was made under an id that nobody chose.
    pub(crate) is_id_fresh: bool,
    /// What became of the target object, as a patch; only kept in an analysis.
    pub(crate) change: Vec<Value>,
    /// What an analysis planned: this and nothing else.
    pub(crate) planned: Option<Arc<Planned>>,
    /// What the correlation looked for, where there was one.
    pub(crate) looked: Option<Looked>,
    /// Where it is said beforehand what is sent; none where nobody else is at work on the page, or nothing is sent.
    pub(crate) claims: Option<Arc<Claims>>,
    /// Whether another source object of the page goes first: then nothing is done now.
    pub(crate) is_postponed: bool,
}

impl<'a> Turn<'a> {
    pub(crate) fn of_source(
        work: &'a Work,
        context: Context,
        unit: Arc<UnitOfWork>,
        qualifier: String,
        id: &str,
        source: Option<Arc<Shown>>,
    ) -> Self {
        Self {
            work,
            context,
            unit,
            side: Side::Source,
            qualifier,
            source_id: Some(id.to_owned()),
            source,
            old_source: None,
            target_id: None,
            target: None,
            link: None,
            candidates: Vec::new(),
            situation: None,
            counts: Counts::default(),
            is_id_fresh: false,
            change: Vec::new(),
            planned: None,
            looked: None,
            claims: None,
            is_postponed: false,
        }
    }

    pub(crate) fn of_target(
        work: &'a Work,
        context: Context,
        unit: Arc<UnitOfWork>,
        qualifier: String,
        target: Value,
    ) -> Self {
        Self {
            work,
            context,
            unit,
            side: Side::Target,
            qualifier,
            source_id: None,
            source: None,
            old_source: None,
            target_id: id_of(&target).map(str::to_owned),
            target: Some(target),
            link: None,
            candidates: Vec::new(),
            situation: None,
            counts: Counts::default(),
            is_id_fresh: false,
            change: Vec::new(),
            planned: None,
            looked: None,
            claims: None,
            is_postponed: false,
        }
    }

    /// Says what is about to be sent for a source object that has no link yet.
    ///
    /// # Errors
    /// Another source object of the page is about to send the same, and goes first.
    pub(crate) fn claim(&mut self, made: impl FnOnce() -> Made) -> Result<(), Problem> {
        let (Some(claims), Some(looked), Some(source)) = (&self.claims, &self.looked, &self.source_id) else {
            return Ok(());
        };
        if claims.take(source, looked, made()) {
            return Ok(());
        }
        self.is_postponed = true;
        Err(Problem::conflict("another object of the page goes first"))
    }

    /// Whether the target object is linked to the source object as things stand.
    pub(crate) fn is_linked(&self) -> bool {
        match (&self.link, &self.target_id) {
            (Some(link), Some(target)) => self.work.mapping.links.leads_to(link, target),
            _ => false,
        }
    }
}
