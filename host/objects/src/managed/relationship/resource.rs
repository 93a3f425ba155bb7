//! `managed/TYPE/ID/PROPERTY` and `managed/TYPE/ID/PROPERTY/RELATIONSHIP`: the relationships of an object one by one.

use std::pin::Pin;
use std::sync::Arc;

use host_resource::project::Fields;
use host_resource::sort::SortKey;
use host_resource::{
    Content, Context, Create, Delete, Filter, Object, Page, Pointer, Problem, Query, ResourcePath, Update,
};
use host_store::UnitOfWork;
use serde_json::{Value, json};

use super::book::{self, refused};
use super::row::{End, Row, rows};
use super::wanted::{self, Item};
use crate::managed::change::ChangeError;
use crate::managed::query;
use crate::managed::schema::Relationship;
use crate::managed::write::limits_of_relationships;
use crate::managed::{ManagedObjects, Place};

/// A property of an object, and perhaps one of its relationships.
pub(in super::super) struct Spot {
    place: Place,
    property: Box<str>,
    id: Option<String>,
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

impl Spot {
    fn relationship(&self) -> Result<&Relationship, Problem> {
        let found = self.place.managed.relationship(&self.property);
        found.ok_or_else(|| Problem::not_found(self.path()))
    }

    fn end(&self) -> End {
        End::new(
            &self.place.managed.definition.name,
            self.place.id.as_str(),
            &self.property,
        )
    }

    fn path(&self) -> String {
        let path = self.end().object().child(&self.property);
        self.id.as_ref().map_or(path.clone(), |id| path.child(id)).to_string()
    }

    fn id(&self) -> Result<&str, Problem> {
        self.id.as_deref().ok_or_else(|| {
            Problem::bad_request(format!(
                "'{}' are relationships: this is asked of one of them, such as '{0}/id'",
                self.path()
            ))
        })
    }

    fn whole(&self) -> Result<(), Problem> {
        match &self.id {
            None => Ok(()),
            Some(_) => Err(Problem::bad_request(format!(
                "'{}' is a relationship: this is asked of all of them, without its id",
                self.path()
            ))),
        }
    }

    async fn object(&self, unit: &UnitOfWork) -> Result<(), Problem> {
        let seen = unit.get(&self.place.key()).await?;
        seen.map(drop)
            .ok_or_else(|| ChangeError::Missing.problem(&self.place.path()))
    }

    /// The relationship of this id, if it is one of this property.
    async fn row(&self, unit: &UnitOfWork) -> Result<(Row, host_store::unit_of_work::Rev), Problem> {
        let missing = || Problem::not_found(self.path());
        let seen = unit.get(&rows().key(self.id()?)).await?.ok_or_else(missing)?;
        let row = Row::parse(&seen)?;
        if row.both().contains(&&self.end()) {
            Ok((row, seen.rev))
        } else {
            Err(missing())
        }
    }
}

impl ManagedObjects {
    /// The relationships that a path of more than two elements names, if it does.
    pub(in super::super) fn spot(&self, context: &Context, path: &ResourcePath) -> Option<Spot> {
        let elements: Vec<&str> = path.elements().collect();
        let (object, property, id) = match elements.as_slice() {
            [name, id, property] => ([*name, *id], *property, None),
            [name, id, property, relationship] => ([*name, *id], *property, Some((*relationship).to_owned())),
            _ => return None,
        };
        let place = self.place(&ResourcePath::from_elements(object)).ok()?;
        let relationship = place.managed.relationship(property)?;
        if relationship.is_private && context.caller.is_external {
            return None;
        }
        Some(Spot {
            place,
            property: property.into(),
            id,
        })
    }

    /// Lists relationships. What is said about them can be filtered and sorted by, below `/_refProperties`.
    pub(in super::super) async fn query_relationships(
        &self,
        context: &Context,
        spot: &Spot,
        query: Query,
    ) -> Result<Page, Problem> {
        spot.whole()?;
        let unit = self.view(context).await?;
        spot.object(&unit).await?;
        let (filter, is_ids) = query.source.selection()?;
        let mut filters = vec![spot.end().filter()];
        if let Some(filter) = filter {
            filters.push(inward(filter)?);
        }
        let fields = query.fields.clone();
        let sort = query.sort.iter().map(|key| {
            Ok(SortKey {
                pointer: inside(&key.pointer)?,
                ..key.clone()
            })
        });
        let inner = Query {
            source: host_resource::QuerySource::Filter(Arc::new(Filter::and(filters))),
            sort: sort.collect::<Result<_, Problem>>()?,
            fields: Fields::all(),
            ..query
        };
        let page = query::answer(&unit, &rows(), inner).await?;
        let own = spot.end();
        let mut result = Vec::with_capacity(page.result.len());
        for found in page.result {
            if is_ids {
                result.push(Object {
                    content: Content::Json(json!({})),
                    ..found
                });
                continue;
            }
            let Content::Raw(body) = &found.content else { continue };
            let row = Row::from_bytes(&found.id, body)?;
            result.push(self.shown_alone(context, &unit, &own, &row, found.rev, &fields).await?);
        }
        Ok(Page { result, ..page })
    }

    /// Makes a relationship.
    pub(in super::super) async fn create_relationship(
        &self,
        context: &Context,
        spot: &Spot,
        create: Create,
    ) -> Result<Object, Problem> {
        let relationship = spot.relationship()?;
        let item = wanted::item(relationship, &create.content, Pointer::root())?;
        let other = self.other_end(relationship, &item)?;
        let own = spot.end();
        let id = Row::id_of(&own, &other);
        if let Some(given) = create.id.as_ref().or(spot.id.as_ref())
            && *given != id
        {
            return Err(Problem::bad_request(format!(
                "the id of a relationship comes from its ends and would be '{id}': POST to '{}'",
                own.object().child(&own.property)
            )));
        }
        let item = &item;
        let work = |unit: Arc<UnitOfWork>| -> Pending<'_, ()> {
            let own = own.clone();
            let other = other.clone();
            Box::pin(async move {
                spot.object(&unit).await?;
                if book::between(&unit, &own, &other).await?.is_some() {
                    let path = own.object().child(&own.property).child(&Row::id_of(&own, &other));
                    return Err(Problem::precondition_failed(format!("'{path}' exists already")));
                }
                self.add(context, &unit, relationship, &own, item.clone())
                    .await
                    .map(drop)
            })
        };
        self.in_a_unit(context, &spot.path(), &work).await?;
        let made = Spot {
            place: Place {
                managed: Arc::clone(&spot.place.managed),
                id: spot.place.id.clone(),
            },
            property: spot.property.clone(),
            id: Some(id),
        };
        self.read_relationship(context, &made, &create.fields).await
    }

    /// One relationship.
    pub(in super::super) async fn read_relationship(
        &self,
        context: &Context,
        spot: &Spot,
        fields: &Fields,
    ) -> Result<Object, Problem> {
        let unit = self.view(context).await?;
        let (row, rev) = spot.row(&unit).await?;
        self.shown_alone(context, &unit, &spot.end(), &row, Some(rev.to_string()), fields)
            .await
    }

    /// Says something else about a relationship.
    pub(in super::super) async fn update_relationship(
        &self,
        context: &Context,
        spot: &Spot,
        update: Update,
    ) -> Result<Object, Problem> {
        let relationship = spot.relationship()?;
        let item = wanted::item(relationship, &update.content, Pointer::root())?;
        let other = self.other_end(relationship, &item)?;
        if Row::id_of(&spot.end(), &other) != spot.id()? {
            return Err(refused(
                Pointer::root().child("_ref"),
                "a relationship stays with its objects: end this one and make another",
            ));
        }
        let (item, rev) = (&item, &update.rev);
        let work = |unit: Arc<UnitOfWork>| -> Pending<'_, ()> {
            Box::pin(async move {
                let (_, seen) = spot.row(&unit).await?;
                expect(spot, rev.as_deref(), seen)?;
                self.add(context, &unit, relationship, &spot.end(), item.clone())
                    .await
                    .map(drop)
            })
        };
        self.in_a_unit(context, &spot.path(), &work).await?;
        self.read_relationship(context, spot, &update.fields).await
    }

    /// Ends a relationship. Answers what it was.
    pub(in super::super) async fn delete_relationship(
        &self,
        context: &Context,
        spot: &Spot,
        delete: Delete,
    ) -> Result<Object, Problem> {
        let (rev, fields) = (&delete.rev, &delete.fields);
        let work = |unit: Arc<UnitOfWork>| -> Pending<'_, Object> {
            Box::pin(async move {
                let (row, seen) = spot.row(&unit).await?;
                expect(spot, rev.as_deref(), seen)?;
                let own = spot.end();
                let shown = self
                    .shown_alone(context, &unit, &own, &row, Some(seen.to_string()), fields)
                    .await?;
                self.end(context, &unit, &own, &row).await?;
                Ok(shown)
            })
        };
        self.in_a_unit(context, &spot.path(), &work).await
    }

    async fn shown_alone(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        own: &End,
        row: &Row,
        rev: Option<String>,
        fields: &Fields,
    ) -> Result<Object, Problem> {
        let of_object = |pointer: &&Pointer| pointer.elements().first().is_some_and(|first| !first.starts_with('_'));
        let asked: Vec<Pointer> = fields.pointers().iter().filter(of_object).cloned().collect();
        let expanded = (!asked.is_empty()).then(|| Fields::of(asked));
        let item = self
            .item(context, unit, own, row, rev.clone(), expanded.as_ref())
            .await?;
        let mut item = item;
        if let Value::Object(members) = &mut item {
            members.shift_remove("_id");
            members.shift_remove("_rev");
        }
        Ok(Object {
            id: row.key().id.to_string(),
            rev,
            content: Content::Json(item),
        })
    }

    /// Does something in the unit of work of the context, or in one of its own.
    async fn in_a_unit<'a, T>(
        &'a self,
        context: &Context,
        what: &str,
        work: crate::managed::write::Work<'a, T>,
    ) -> Result<T, Problem> {
        match UnitOfWork::of(context) {
            Some(unit) => unit.all_or_nothing(work(Arc::clone(&unit))).await,
            None => Ok(self.commit_when_done(what, limits_of_relationships(), work).await?.0),
        }
    }
}

impl Clone for Item {
    fn clone(&self) -> Self {
        Self {
            type_name: self.type_name.clone(),
            id: self.id.clone(),
            properties: self.properties.clone(),
            place: self.place.clone(),
        }
    }
}

fn expect(spot: &Spot, asked: Option<&str>, seen: host_store::unit_of_work::Rev) -> Result<(), Problem> {
    match asked.filter(|asked| *asked != seen.to_string()) {
        None => Ok(()),
        Some(asked) => {
            let stale = ChangeError::Stale {
                asked: asked.to_owned(),
            };
            Err(stale.problem(&spot.path()))
        }
    }
}

/// Where something that is shown of a relationship is stored.
fn inside(pointer: &Pointer) -> Result<Pointer, Problem> {
    match pointer.elements() {
        [only] if &**only == "_id" => Ok(pointer.clone()),
        [first, rest @ ..] if &**first == "_refProperties" && !rest.is_empty() => Ok(Pointer::from_elements(
            std::iter::once("properties".into()).chain(rest.iter().cloned()),
        )),
        _ => Err(refused(
            pointer.clone(),
            "relationships are filtered and sorted by '_id' and by what is below '/_refProperties'",
        )),
    }
}

fn inward(filter: &Filter) -> Result<Filter, Problem> {
    let all = |filters: &[Filter]| filters.iter().map(inward).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::Literal(value) => Filter::Literal(*value),
        Filter::And(filters) => Filter::And(all(filters)?),
        Filter::Or(filters) => Filter::Or(all(filters)?),
        Filter::Not(filter) => Filter::Not(Box::new(inward(filter)?)),
        other => {
            let mut other = other.clone();
            if let Filter::Present(field)
            | Filter::Compare { field, .. }
            | Filter::In { field, .. }
            | Filter::Extended { field, .. } = &mut other
            {
                *field = inside(field)?;
            }
            other
        }
    })
}
