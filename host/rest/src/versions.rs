//! What an answer says about the versions that answered: `Content-API-Version`, and a `Warning` for who did not name one.

use host_resource::{ApiVersion, Router};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::request::{Ask, AskedVersions};

const CONTENT_API_VERSION: HeaderName = HeaderName::from_static("content-api-version");

/// The versions of an answer. Interfaces without versions have nothing to say.
pub(crate) struct Answered {
    asked: AskedVersions,
    served: Option<ApiVersion>,
}

impl Answered {
    pub(crate) fn of(router: &Router, ask: &Ask) -> Self {
        let asked = ask.versions();
        Self {
            served: router.served_version(ask.path(), asked.resource),
            asked,
        }
    }

    /// Writes the headers. A client that names no version gets another one at the next update of this server, so it is
    /// told; one that gets a newer minor version than it asked for is told as well.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Some(served) = self.served else { return };
        let protocol = self.asked.protocol;
        let versions = format!("protocol={},resource={}", shown(protocol), shown(served));
        insert(headers, CONTENT_API_VERSION, versions);
        match self.asked.resource {
            Some(asked) if asked == served => {}
            Some(asked) => {
                let what = format!(
                    "resource={} was asked for, resource={} answered",
                    shown(asked),
                    shown(served)
                );
                insert(headers, header::WARNING, format!("199 taskwarden \"{what}\""));
            }
            None => {
                let what = format!("no Accept-API-Version was sent, resource={} answered", shown(served));
                insert(headers, header::WARNING, format!("199 taskwarden \"{what}\""));
            }
        }
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn shown(version: ApiVersion) -> String {
    format!("{}.{}", version.major, version.minor)
}
