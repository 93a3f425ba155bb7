//! The situation of an object in a mapping: what the facts about source, link and target amount to. Behaviour 5.3.
//!
//! Three tables, each total: what was seen of a source object, of a source object that was deleted, of a target object.

use std::fmt;

use crate::policy::Action;

/// What the facts amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Situation {
    /// The source object does not qualify, and nothing in the target belongs to it.
    SourceIgnored,
    /// The target object that belongs to it is linked to another source object.
    FoundAlreadyLinked,
    /// The source object does not qualify, but something in the target belongs to it.
    Unqualified,
    /// Nothing in the target belongs to the source object yet.
    Absent,
    /// The target object is not to be touched.
    TargetIgnored,
    /// The linked target object is gone.
    Missing,
    /// Source object, link and target object are gone.
    AllGone,
    /// The target object belongs to no source object.
    Unassigned,
    /// Several target objects could belong to the source object.
    Ambiguous,
    /// Source object and target object are linked.
    Confirmed,
    /// Only the link is left.
    LinkOnly,
    /// The source object of a linked target object is gone.
    SourceMissing,
    /// A target object belongs to the source object, and is not linked yet.
    Found,
}

use Situation as S;

impl Situation {
    /// Every situation, in the order of summaries.
    pub const ALL: [Situation; 13] = [
        S::SourceIgnored,
        S::FoundAlreadyLinked,
        S::Unqualified,
        S::Absent,
        S::TargetIgnored,
        S::Missing,
        S::AllGone,
        S::Unassigned,
        S::Ambiguous,
        S::Confirmed,
        S::LinkOnly,
        S::SourceMissing,
        S::Found,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            S::SourceIgnored => "SOURCE_IGNORED",
            S::FoundAlreadyLinked => "FOUND_ALREADY_LINKED",
            S::Unqualified => "UNQUALIFIED",
            S::Absent => "ABSENT",
            S::TargetIgnored => "TARGET_IGNORED",
            S::Missing => "MISSING",
            S::AllGone => "ALL_GONE",
            S::Unassigned => "UNASSIGNED",
            S::Ambiguous => "AMBIGUOUS",
            S::Confirmed => "CONFIRMED",
            S::LinkOnly => "LINK_ONLY",
            S::SourceMissing => "SOURCE_MISSING",
            S::Found => "FOUND",
        }
    }

    /// The situation of a name.
    pub fn of_name(name: &str) -> Option<Situation> {
        S::ALL.into_iter().find(|situation| situation.name() == name)
    }

    /// Its place in [`Situation::ALL`].
    pub fn index(self) -> usize {
        S::ALL.iter().position(|one| *one == self).unwrap_or_default()
    }

    /// What is done when no policy says otherwise.
    pub fn default_action(self) -> Action {
        match self {
            S::Confirmed | S::Found => Action::Update,
            S::Absent => Action::Create,
            S::Unqualified => Action::Delete,
            S::SourceIgnored | S::TargetIgnored => Action::Report,
            S::AllGone => Action::NoReport,
            S::FoundAlreadyLinked | S::Ambiguous | S::Missing | S::Unassigned | S::SourceMissing | S::LinkOnly => {
                Action::Exception
            }
        }
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a link from where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// There is none.
    No,
    /// There is one, and the object at its other end is gone.
    Broken,
    /// There is one, and so is the object at its other end.
    Whole,
}

/// What a correlation found in the target. Without a correlation, nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correlated {
    /// Nothing.
    None,
    /// One object that is not linked.
    Free,
    /// One object that is linked to another source object.
    Taken,
    /// Several objects.
    Several,
}

/// The situation of a source object that exists.
pub fn of_source(qualifies: bool, link: Linked, correlated: Correlated) -> Situation {
    match (qualifies, link, correlated) {
        (true, Linked::Whole, _) => S::Confirmed,
        (true, Linked::Broken, _) => S::Missing,
        (true, Linked::No, Correlated::None) => S::Absent,
        (true, Linked::No, Correlated::Free) => S::Found,
        (true, Linked::No, Correlated::Taken) => S::FoundAlreadyLinked,
        (true, Linked::No, Correlated::Several) => S::Ambiguous,
        (false, Linked::Whole | Linked::Broken, _) => S::Unqualified,
        (false, Linked::No, Correlated::None) => S::SourceIgnored,
        (false, Linked::No, Correlated::Free | Correlated::Taken | Correlated::Several) => S::Unqualified,
    }
}

/// What is known of a source object that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Unknown,
    /// What it was, and that it was valid.
    Valid,
    /// What it was, and that it was not valid.
    Invalid,
}

/// The situation of a source object that was deleted. `is_target_valid` matters where the link's target exists.
pub fn of_deleted(before: Before, link: Linked, is_target_valid: bool, correlated: Correlated) -> Situation {
    match (link, is_target_valid, before, correlated) {
        (Linked::Whole, true, _, _) => S::SourceMissing,
        (Linked::Whole, false, _, _) => S::TargetIgnored,
        (Linked::Broken, _, _, _) => S::LinkOnly,
        (Linked::No, _, Before::Unknown, _) => S::AllGone,
        (Linked::No, _, Before::Valid | Before::Invalid, Correlated::None) => S::AllGone,
        (Linked::No, _, Before::Valid, Correlated::Free | Correlated::Taken) => S::Unassigned,
        (Linked::No, _, Before::Invalid, Correlated::Free | Correlated::Taken) => S::TargetIgnored,
        (Linked::No, _, Before::Valid, Correlated::Several) => S::Ambiguous,
        (Linked::No, _, Before::Invalid, Correlated::Several) => S::Unqualified,
    }
}

/// The situation of a target object that no source object led to. `is_source_valid` matters where the link's source
/// exists.
pub fn of_target(is_target_valid: bool, link: Linked, is_source_valid: bool) -> Situation {
    match (is_target_valid, link, is_source_valid) {
        (false, _, _) => S::TargetIgnored,
        (true, Linked::No, _) => S::Unassigned,
        (true, Linked::Broken, _) => S::SourceMissing,
        (true, Linked::Whole, false) => S::Unqualified,
        (true, Linked::Whole, true) => S::Confirmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sources() {
        use Correlated::{Free, None, Several, Taken};
        use Linked::{Broken, No, Whole};
        for (qualifies, link, correlated, expected) in [
            (true, Whole, None, "CONFIRMED"),
            (true, Whole, Several, "CONFIRMED"),
            (true, Broken, None, "MISSING"),
            (true, Broken, Free, "MISSING"),
            (true, No, None, "ABSENT"),
            (true, No, Free, "FOUND"),
            (true, No, Taken, "FOUND_ALREADY_LINKED"),
            (true, No, Several, "AMBIGUOUS"),
            (false, Whole, None, "UNQUALIFIED"),
            (false, Broken, None, "UNQUALIFIED"),
            (false, No, None, "SOURCE_IGNORED"),
            (false, No, Free, "UNQUALIFIED"),
            (false, No, Taken, "UNQUALIFIED"),
            (false, No, Several, "UNQUALIFIED"),
        ] {
            assert_eq!(
                of_source(qualifies, link, correlated).name(),
                expected,
                "{qualifies} {link:?} {correlated:?}"
            );
        }
    }

    #[test]
    fn the_table_of_deleted_sources() {
        use Correlated::{Free, None, Several};
        use Linked::{Broken, No, Whole};
        for (before, link, valid, correlated, expected) in [
            (Before::Unknown, Whole, true, None, "SOURCE_MISSING"),
            (Before::Valid, Whole, false, None, "TARGET_IGNORED"),
            (Before::Invalid, Broken, true, Free, "LINK_ONLY"),
            (Before::Unknown, No, true, Several, "ALL_GONE"),
            (Before::Valid, No, true, None, "ALL_GONE"),
            (Before::Invalid, No, true, None, "ALL_GONE"),
            (Before::Valid, No, true, Free, "UNASSIGNED"),
            (Before::Invalid, No, true, Free, "TARGET_IGNORED"),
            (Before::Valid, No, true, Several, "AMBIGUOUS"),
            (Before::Invalid, No, true, Several, "UNQUALIFIED"),
        ] {
            let found = of_deleted(before, link, valid, correlated);
            assert_eq!(found.name(), expected, "{before:?} {link:?} {valid} {correlated:?}");
        }
    }

    #[test]
    fn the_table_of_targets() {
        use Linked::{Broken, No, Whole};
        for (target, link, source, expected) in [
            (false, No, true, "TARGET_IGNORED"),
            (false, Whole, true, "TARGET_IGNORED"),
            (false, Broken, false, "TARGET_IGNORED"),
            (true, No, false, "UNASSIGNED"),
            (true, No, true, "UNASSIGNED"),
            (true, Broken, true, "SOURCE_MISSING"),
            (true, Whole, false, "UNQUALIFIED"),
            (true, Whole, true, "CONFIRMED"),
        ] {
            assert_eq!(
                of_target(target, link, source).name(),
                expected,
                "{target} {link:?} {source}"
            );
        }
    }

    #[test]
    fn the_table_of_default_actions() {
        for (situation, expected) in [
            (S::Confirmed, "UPDATE"),
            (S::Found, "UPDATE"),
            (S::FoundAlreadyLinked, "EXCEPTION"),
            (S::Absent, "CREATE"),
            (S::Ambiguous, "EXCEPTION"),
            (S::Missing, "EXCEPTION"),
            (S::Unqualified, "DELETE"),
            (S::SourceIgnored, "REPORT"),
            (S::TargetIgnored, "REPORT"),
            (S::Unassigned, "EXCEPTION"),
            (S::SourceMissing, "EXCEPTION"),
            (S::LinkOnly, "EXCEPTION"),
            (S::AllGone, "NOREPORT"),
        ] {
            assert_eq!(situation.default_action().name(), expected, "{situation}");
        }
    }

    #[test]
    fn names_lead_back_and_keep_their_order() {
        for (at, situation) in S::ALL.into_iter().enumerate() {
            assert_eq!((S::of_name(situation.name()), situation.index()), (Some(situation), at));
        }
        assert_eq!(S::of_name("confirmed"), None);
    }
}
