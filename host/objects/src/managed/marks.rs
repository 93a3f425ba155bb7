//! Where a service may mark an object: what is written there is seen by everybody and passes no hook.

use host_resource::Pointer;

use super::schema::{Kind, Schema};

/// Whether a text may be written at this place of an object; if not, why.
pub(super) fn check(schema: Option<&Schema>, place: &Pointer) -> Result<(), String> {
    let Some(mut schema) = schema else { return Ok(()) };
    let mut elements = place.elements().iter().peekable();
    while let Some(name) = elements.next() {
        let Some(property) = schema.get(name) else {
            return if schema.is_open {
                Ok(())
            } else {
                Err(format!(
                    "the schema has no property '{name}' for it: add one, or name another place"
                ))
            };
        };
        let traits = property.traits;
        let why = if traits.is_read_only {
            "is read-only"
        } else if traits.is_virtual {
            "is computed and not stored"
        } else if property.is_hidden() {
            "is private"
        } else if traits.is_unique {
            "is unique"
        } else if elements.peek().is_none() && !property.kinds.has(Kind::String) {
            "takes no text"
        } else if elements.peek().is_some() && !property.kinds.has(Kind::Object) {
            "is no object"
        } else {
            match &property.inner {
                Some(inner) => schema = inner,
                None => return Ok(()),
            }
            continue;
        };
        return Err(format!("the property '{}' {why}: name another place", property.pointer));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::schema::{Kinds, Property, Traits};
    use super::*;

    fn property(name: &str, kind: Kind, traits: Traits) -> Property {
        Property {
            name: name.into(),
            pointer: Pointer::root().child(name),
            kinds: Kinds::default().and(kind),
            traits,
            ..Property::default()
        }
    }

    #[test]
    fn a_mark_stands_where_a_text_may_stand() {
        let plain = Traits::default();
        let special = |change: fn(&mut Traits)| {
            let mut traits = plain;
            change(&mut traits);
            traits
        };
        let inner = |is_open: bool| Schema {
            properties: vec![property("at", Kind::String, plain)],
            is_open,
        };
        let with = |name: &str, is_open: bool| Property {
            inner: Some(inner(is_open)),
            ..property(name, Kind::Object, plain)
        };
        let schema = Schema {
            properties: vec![
                property("text", Kind::String, plain),
                property("number", Kind::Number, plain),
                property("any", Kind::Object, plain),
                property("fixed", Kind::String, special(|traits| traits.is_read_only = true)),
                property("secret", Kind::String, special(|traits| traits.is_private = true)),
                property("made", Kind::String, special(|traits| traits.is_virtual = true)),
                property("one", Kind::String, special(|traits| traits.is_unique = true)),
                with("open", true),
                with("closed", false),
            ],
            is_open: false,
        };
        let verdict = |place: &str| check(Some(&schema), &Pointer::parse(place).unwrap()).err();
        for place in ["/text", "/any/where", "/open/at", "/open/other/place", "/closed/at"] {
            assert_eq!(verdict(place), None, "{place}");
        }
        for (place, why) in [
            ("/number", "'/number' takes no text"),
            ("/text/at", "'/text' is no object"),
            ("/any", "takes no text"),
            ("/fixed", "is read-only"),
            ("/secret", "is private"),
            ("/made", "is computed"),
            ("/one", "is unique"),
            ("/closed/other", "no property 'other'"),
            ("/unknown/at", "no property 'unknown'"),
        ] {
            let message = verdict(place).unwrap();
            assert!(message.contains(why), "{place}: {message}");
        }
        assert_eq!(check(None, &Pointer::parse("/anything").unwrap()), Ok(()));
    }
}
