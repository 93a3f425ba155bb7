//! Changes of a service, found by `meta.lastModified`. It does not tell of resources that are gone: reconciliation finds
//! those.

use chrono::SecondsFormat;
use host_model::clock::parse_wire_time;
use serde_json::Value;

use super::Inner;
use super::filter::quoted;
use super::layout::Layout;
use super::path::member;
use super::walk::{Place, Walk};
use crate::connector::SyncPage;
use crate::definition::ObjectType;
use crate::error::Error;
use crate::mapping::Wanted;
use crate::stamp::{Oldest, Stamp};

impl Inner {
    pub(super) async fn latest_token(&self, kind: &ObjectType) -> Result<Value, Error> {
        let layout = Layout::new(kind, self.provider().await?)?;
        let mut walk = self.changed(&layout, None).await?;
        let mut latest = Stamp::default();
        while let Some(resource) = walk.next().await? {
            let stamp = stamp_of(&resource)?;
            if stamp >= latest.stamp {
                latest.behind(&stamp, digest(&resource));
            }
        }
        Ok(latest.value())
    }

    pub(super) async fn changes(&self, kind: &ObjectType, token: &Value, limit: usize) -> Result<SyncPage, Error> {
        let token = Stamp::parse(token)?;
        let layout = Layout::new(kind, self.provider().await?)?;
        let mut walk = self.changed(&layout, Some(&token)).await?;
        let mut oldest = Oldest::behind(token, limit);
        while let Some(resource) = walk.next().await? {
            oldest.offer(stamp_of(&resource)?, digest(&resource), resource);
        }
        oldest.page(|resource| layout.entry(&resource))
    }

    /// The resources that changed at the token's stamp or later; all where the service cannot be asked for them.
    async fn changed(&self, layout: &Layout<'_>, since: Option<&Stamp>) -> Result<Walk<'_>, Error> {
        let provider = self.provider().await?;
        let since = since.and_then(|token| parse_wire_time(&token.stamp));
        // From the second on: a service may keep parts of it and compare without them.
        let since = since.map(|since| quoted(&since.to_rfc3339_opts(SecondsFormat::Secs, true)));
        let mut ask = self.ask(layout, provider, &Wanted::default().natives(layout.kind));
        ask.filter = since
            .filter(|_| provider.has_filter)
            .map(|since| format!("meta.lastModified ge {since}"));
        ask.attributes.push_str(",meta");
        Ok(Walk::new(&self.client, ask, Place::default()))
    }
}

/// When a resource last changed, so that texts sort like instants.
fn stamp_of(resource: &Value) -> Result<String, Error> {
    let text = member(resource, "meta")
        .and_then(|meta| member(meta, "lastModified"))
        .and_then(Value::as_str);
    let instant = text.and_then(parse_wire_time).ok_or_else(|| {
        Error::Unsupported(
            "the service does not say when its objects changed (meta.lastModified): liveSync needs that".to_owned(),
        )
    })?;
    Ok(instant.to_rfc3339_opts(SecondsFormat::Nanos, true))
}

/// Tells states of a resource apart.
fn digest(resource: &Value) -> String {
    blake3::hash(resource.to_string().as_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stamps_sort_like_instants() {
        let stamp = |text: &str| stamp_of(&json!({"meta": {"lastModified": text}}));
        assert_eq!(stamp("2026-06-01T12:00:00Z").unwrap(), "2026-06-01T12:00:00.000000000Z");
        assert_eq!(
            stamp("2026-06-01T14:00:00.5+02:00").unwrap(),
            "2026-06-01T12:00:00.500000000Z"
        );
        assert!(stamp("yesterday").is_err());
        assert!(stamp_of(&json!({})).is_err());
    }
}
