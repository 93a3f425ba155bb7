//! Many objects at once, as lines of JSON: `POST managed/TYPE?_action=export` and `?_action=import`. Neither holds more
//! than a batch in memory, however many lines there are. What a line means is the business of the resource: an import is
//! its action `import`, batch after batch, and an export is a query.

mod import;
mod lines;

use host_resource::{Problem, ResourcePath};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::request::single_header;

pub(crate) use import::Import;

/// The content type of lines of JSON.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// The actions.
pub(crate) const EXPORT: &str = "export";
pub(crate) const IMPORT: &str = "import";

/// Whether a path is that of a type of managed objects, whose objects can be exported and imported.
pub(crate) fn is_type(path: &ResourcePath) -> bool {
    path.len() == 2
        && path
            .element(0)
            .is_some_and(|first| first.eq_ignore_ascii_case("managed"))
}

/// Whether the body is said to be lines of JSON.
pub(crate) fn is_ndjson(headers: &HeaderMap) -> Result<bool, Problem> {
    let declared = single_header(headers, &CONTENT_TYPE)?;
    let kind = declared.and_then(|declared| declared.split(';').next());
    Ok(kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(NDJSON)))
}
