//! Many pointers at once: a tree of their names, and the walk through a JSON text that looks at what is in the tree and
//! skips everything else.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::filter::Scalar;
use crate::pointer::{Pointer, index};

/// Pointers by their elements. The first node is the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The nodes below, by name, sorted.
    children: Vec<(Box<str>, usize)>,
    /// Those of them whose name is an array index.
    items: Vec<(usize, usize)>,
    /// The numbers of the pointers that end here.
    ends: Vec<usize>,
}

impl Node {
    fn child(&self, name: &[u8]) -> Option<usize> {
        let found = self
            .children
            .binary_search_by(|(known, _)| known.as_bytes().cmp(name))
            .ok()?;
        Some(self.children[found].1)
    }

    fn item(&self, position: usize) -> Option<usize> {
        self.items
            .iter()
            .find(|(known, _)| *known == position)
            .map(|(_, node)| *node)
    }
}

impl Trie {
    pub(super) fn insert(&mut self, pointer: &Pointer, number: usize) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for name in pointer.elements() {
            let known = self.nodes[at]
                .children
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, node)| *node);
            at = known.unwrap_or_else(|| {
                let node = self.nodes.len();
                self.nodes.push(Node::default());
                self.nodes[at].children.push((name.clone(), node));
                self.nodes[at]
                    .items
                    .extend(index(name).map(|position| (position, node)));
                node
            });
        }
        self.nodes[at].ends.push(number);
    }

    pub(super) fn sort(&mut self) {
        for node in &mut self.nodes {
            node.children.sort();
        }
    }

    /// Hands each value where pointers end to `found`, with their numbers. An array is followed by its items.
    pub(super) fn walk(&self, json: &[u8], found: impl FnMut(&[usize], Scalar<'_>)) {
        if self.nodes.is_empty() {
            return;
        }
        let mut walk = Walk { trie: self, found };
        let place = Place {
            walk: &mut walk,
            node: Some(0),
            array: None,
        };
        // An error is the end of the walk: either everything was found or the bytes are no JSON.
        let _ = place.deserialize(&mut serde_json::Deserializer::from_slice(json));
    }
}

struct Walk<'t, F> {
    trie: &'t Trie,
    found: F,
}

/// Where the reader is.
struct Place<'w, 't, F> {
    walk: &'w mut Walk<'t, F>,
    /// The node of this value.
    node: Option<usize>,
    /// The node of the array that this value is an item of, when pointers end there.
    array: Option<usize>,
}

impl<F: FnMut(&[usize], Scalar<'_>)> Place<'_, '_, F> {
    fn found(&mut self, scalar: Scalar<'_>) {
        let trie = self.walk.trie;
        for node in [self.node, self.array] {
            if let Some(node) = node.map(|node| &trie.nodes[node])
                && !node.ends.is_empty()
            {
                (self.walk.found)(&node.ends, scalar);
            }
        }
    }
}

impl<'de, F: FnMut(&[usize], Scalar<'_>)> DeserializeSeed<'de> for Place<'_, '_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&[usize], Scalar<'_>)> Visitor<'de> for Place<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.found(Scalar::Boolean(value));
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.found(Scalar::Number(value as f64));
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.found(Scalar::Number(value as f64));
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        // Zero has one sign only, so that an index holds it once.
        self.found(Scalar::Number(value + 0.0));
        Ok(())
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.found(Scalar::Text(value));
        Ok(())
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.found(Scalar::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.found(Scalar::Other);
        let trie = self.walk.trie;
        let node = self.node.map(|node| &trie.nodes[node]);
        let array = self.node.filter(|node| !trie.nodes[*node].ends.is_empty());
        for position in 0.. {
            let item = node.and_then(|node| node.item(position));
            let read = match (item, array) {
                (None, None) => items.next_element::<IgnoredAny>()?.map(drop),
                _ => items.next_element_seed(Place {
                    walk: &mut *self.walk,
                    node: item,
                    array,
                })?,
            };
            if read.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.found(Scalar::Other);
        let trie = self.walk.trie;
        let node = self.node.map(|node| &trie.nodes[node]);
        let mut missing = node.map_or(0, |node| node.children.len());
        while let Some(node) = node
            && missing > 0
        {
            match members.next_key_seed(Name { node })? {
                None => return Ok(()),
                Some(None) => drop(members.next_value::<IgnoredAny>()?),
                Some(child) => {
                    missing -= 1;
                    members.next_value_seed(Place {
                        walk: &mut *self.walk,
                        node: child,
                        array: None,
                    })?;
                }
            }
        }
        if self.node == Some(0) {
            // Nothing behind this is wanted; serde_json takes it for an error that the object goes on.
            return Ok(());
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads a member's name and gives the node below it, without making a text of it.
struct Name<'t> {
    node: &'t Node,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        Ok(self.node.child(name))
    }
}
