//! From facts to steps: what an action does with source, target and link as they are. Behaviour 5.5.

use crate::policy::Action;

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The source object.
    pub source: bool,
    /// The target object.
    pub target: bool,
    /// The link from the one to the other.
    pub link: LinkState,
    /// Whether the mapping keeps links at all.
    pub linking: bool,
}

/// What there is of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// None.
    None,
    /// One that leads to another target object.
    Elsewhere,
    /// The right one.
    Right,
}

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The target object is made.
    Create,
    /// The link is made.
    Link,
    /// The link is turned to the target object.
    Relink,
    /// The target object becomes what the mapping makes of the source object.
    Update,
    /// The target object is deleted.
    Delete,
    /// The link is deleted.
    Unlink,
}

/// Why an action cannot be done. The texts are compatibility: behaviour 5.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to make a target object of.
    #[error("no source object to create target from")]
    NoSource,
    /// There is a target object already.
    #[error("target object already exists")]
    TargetExists,
    /// There is nothing to link with.
    #[error("no target object to link")]
    NoTarget,
    /// There is nothing to link.
    #[error("no source object to link")]
    NothingToLink,
}

/// What an action does.
///
/// # Errors
/// The action needs something that is not there, or is there.
pub fn steps(action: Action, presence: Presence) -> Result<Vec<Step>, PlanError> {
    let Presence {
        source,
        target,
        link,
        linking,
    } = presence;
    let link_step = match (linking, link) {
        (false, _) | (true, LinkState::Right) => None,
        (true, LinkState::None) => Some(Step::Link),
        (true, LinkState::Elsewhere) => Some(Step::Relink),
    };
    let unlink_step = match (linking, link) {
        (false, _) | (true, LinkState::None) => None,
        (true, LinkState::Elsewhere | LinkState::Right) => Some(Step::Unlink),
    };
    Ok(match action {
        Action::Create if !source => return Err(PlanError::NoSource),
        Action::Create if target => return Err(PlanError::TargetExists),
        Action::Create => [Step::Create].into_iter().chain(link_step).collect(),
        Action::Update | Action::Link if !target => return Err(PlanError::NoTarget),
        Action::Update | Action::Link if !source => return Err(PlanError::NothingToLink),
        Action::Update => link_step.into_iter().chain([Step::Update]).collect(),
        Action::Link => link_step.into_iter().collect(),
        Action::Delete => target.then_some(Step::Delete).into_iter().chain(unlink_step).collect(),
        Action::Unlink => unlink_step.into_iter().collect(),
        Action::Exception | Action::Report | Action::NoReport | Action::Ignore | Action::Async => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(action: Action, source: bool, target: bool, link: LinkState, linking: bool) -> String {
        match steps(
            action,
            Presence {
                source,
                target,
                link,
                linking,
            },
        ) {
            Ok(steps) => format!("{steps:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_action_does_this() {
        use LinkState::{Elsewhere, None, Right};
        for (action, source, target, link, expected) in [
            (Action::Create, true, false, None, "[Create, Link]"),
            (Action::Create, true, false, Elsewhere, "[Create, Relink]"),
            (Action::Create, true, true, None, "target object already exists"),
            (
                Action::Create,
                false,
                false,
                None,
                "no source object to create target from",
            ),
            (Action::Update, true, true, None, "[Link, Update]"),
            (Action::Update, true, true, Right, "[Update]"),
            (Action::Update, true, true, Elsewhere, "[Relink, Update]"),
            (Action::Update, true, false, Right, "no target object to link"),
            (Action::Update, false, true, None, "no source object to link"),
            (Action::Link, true, true, None, "[Link]"),
            (Action::Link, true, true, Right, "[]"),
            (Action::Link, true, false, None, "no target object to link"),
            (Action::Delete, true, true, Right, "[Delete, Unlink]"),
            (Action::Delete, true, true, None, "[Delete]"),
            (Action::Delete, false, false, Right, "[Unlink]"),
            (Action::Delete, true, false, None, "[]"),
            (Action::Unlink, true, true, Right, "[Unlink]"),
            (Action::Unlink, true, true, None, "[]"),
            (Action::Exception, true, true, Right, "[]"),
            (Action::Report, false, false, None, "[]"),
            (Action::NoReport, true, true, Right, "[]"),
            (Action::Ignore, true, true, Right, "[]"),
            (Action::Async, true, true, Right, "[]"),
        ] {
            assert_eq!(
                planned(action, source, target, link, true),
                expected,
                "{action} {source} {target} {link:?}"
            );
        }
    }

    #[test]
    fn without_links_none_is_touched() {
        for (action, target, expected) in [
            (Action::Create, false, "[Create]"),
            (Action::Update, true, "[Update]"),
            (Action::Link, true, "[]"),
            (Action::Delete, true, "[Delete]"),
            (Action::Unlink, true, "[]"),
        ] {
            assert_eq!(
                planned(action, true, target, LinkState::None, false),
                expected,
                "{action}"
            );
        }
    }
}
