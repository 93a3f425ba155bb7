//! What can go wrong with a connected system, and how it is answered (behaviour 6.2).

use std::time::Duration;

use host_resource::{Code, Problem};

/// What can go wrong with a connected system. Texts of the system are shown to whoever asked; they hold no secrets of
/// ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A new object would take the place of another.
    #[error("the object '{0}' exists already")]
    Exists(String),
    /// A value that only one object may have, by the name of what holds it.
    #[error("an object with the same value of {0} exists already")]
    Taken(String),
    /// The object is not in the state that the caller speaks of.
    #[error("the object has another revision now: read it again")]
    Revision,
    /// There is no such object.
    #[error("there is no object '{0}'")]
    Missing(String),
    /// The system cannot do that.
    #[error("{0}")]
    Unsupported(String),
    /// A value that the system does not take.
    #[error("{0}")]
    Invalid(String),
    /// A user's name and password do not belong together.
    #[error("the user name or the password is wrong")]
    Credentials,
    /// The system lets nobody in with what the configuration says.
    #[error("the system refuses the credentials of the configuration")]
    OwnCredentials,
    /// The system does not let us.
    #[error("the system denies it: {0}")]
    Denied(String),
    /// Others changed what was to be written.
    #[error("{0}")]
    Changed(String),
    /// A position of a search, or a token of liveSync, that leads nowhere any more.
    #[error("{0}")]
    Position(String),
    /// Nothing was sent: the system cannot be reached.
    #[error("the system cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke while the system worked: a write may have happened.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// The system did not answer in time: a write may have happened.
    #[error("the system did not answer within {0} ms")]
    Late(u128),
    /// The system answers, and only that it cannot work now: a write may have happened.
    #[error("{0}")]
    Ill(String),
    /// The system wants no calls for so long.
    #[error("it asks to be left alone for {} s", .0.as_secs_f64().ceil())]
    Throttled(Duration),
    /// The system is busy, or too many calls wait for it.
    #[error("{0}")]
    Busy(String),
    /// The breaker is open.
    #[error("it failed too often and is left alone for a while")]
    Open,
    /// The configuration takes it out of service.
    #[error("it is disabled")]
    Disabled,
    /// More than an answer can hold.
    #[error("{0}")]
    TooLarge(String),
    /// The system, or what it stores, is broken.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Whether a read may be tried again at once.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Lost(_) | Self::Ill(_))
    }

    /// Whether it says that the system is ill, so that it is better left alone.
    pub(crate) fn is_illness(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Lost(_) | Self::Ill(_) | Self::Late(_) | Self::OwnCredentials
        )
    }

    /// The answer, with the system's name in it.
    pub(crate) fn problem(&self, system: &str) -> Problem {
        let code = match self {
            Self::Exists(_) | Self::Taken(_) | Self::Revision => Code::PRECONDITION_FAILED,
            Self::Missing(_) | Self::Unsupported(_) => Code::NOT_FOUND,
            Self::Invalid(_) | Self::Position(_) => Code::BAD_REQUEST,
            Self::Credentials => Code::UNAUTHORIZED,
            Self::Denied(_) => Code::FORBIDDEN,
            Self::Changed(_) => Code::CONFLICT,
            Self::Unreachable(_)
            | Self::Lost(_)
            | Self::Late(_)
            | Self::Ill(_)
            | Self::Throttled(_)
            | Self::Busy(_)
            | Self::Open
            | Self::Disabled
            | Self::OwnCredentials => Code::UNAVAILABLE,
            Self::TooLarge(_) => Code::TOO_LARGE,
            Self::Failed(_) => Code::INTERNAL,
        };
        let message = match code {
            Code::UNAVAILABLE => format!("System: {system} is not available. {}", capital(&self.to_string())),
            _ => format!("system '{system}': {self}"),
        };
        Problem::new(code, message).with_detail("system", system)
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_system() {
        let check = |error: Error, code: u16, message: &str| {
            let problem = error.problem("ldap");
            assert_eq!((problem.code.number(), problem.message.as_str()), (code, message));
        };
        check(
            Error::Exists("a".to_owned()),
            412,
            "system 'ldap': the object 'a' exists already",
        );
        check(
            Error::Missing("a".to_owned()),
            404,
            "system 'ldap': there is no object 'a'",
        );
        check(
            Error::Late(5),
            503,
            "System: ldap is not available. The system did not answer within 5 ms",
        );
        check(
            Error::Throttled(Duration::from_millis(1500)),
            503,
            "System: ldap is not available. It asks to be left alone for 2 s",
        );
        check(Error::Disabled, 503, "System: ldap is not available. It is disabled");
    }
}
