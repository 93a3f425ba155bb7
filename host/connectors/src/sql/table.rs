//! The table as the database describes it. Names of a configuration are found among its names, and statements are made of
//! these: nothing that a configuration or a caller says becomes part of a statement's text.

use serde_json::{Map, Value, json};

use super::settings::Settings;
use crate::connector::{NAME, PASSWORD, UID};
use crate::definition::{Kind, ObjectType, Property};
use crate::error::Error;

/// How the values of a column are told apart and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Texts, and whatever else PostgreSQL is asked to write as a text.
    Text,
    Integer,
    Number,
    Boolean,
    Bytes,
    /// Without a zone.
    Timestamp,
    /// With a zone.
    TimestampTz,
    Uuid,
    /// Any: SQLite's values have their type, not its columns.
    Any,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name in the database.
    pub(super) name: String,
    pub(super) class: Class,
    /// The type that its values are read as, as PostgreSQL writes it; the declared type of SQLite.
    pub(super) cast: String,
    /// How long a text may be, in characters.
    pub(super) max_length: Option<usize>,
    pub(super) takes_null: bool,
    /// Whether the database has a value for a row that says none.
    pub(super) has_default: bool,
    /// Whether the database alone says what it is.
    pub(super) is_generated: bool,
}

/// A table with the columns that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Its schema, and its name.
    pub(super) name: Vec<String>,
    pub(super) columns: Vec<Column>,
    pub(super) key: Column,
    pub(super) password: Option<Column>,
    pub(super) change: Option<Column>,
    is_exact: bool,
}

impl Column {
    /// A column that takes everything.
    pub(super) fn named(name: &str, class: Class) -> Self {
        Self {
            name: name.to_owned(),
            class,
            cast: "text".to_owned(),
            max_length: None,
            takes_null: true,
            has_default: false,
            is_generated: false,
        }
    }

    /// The least and the greatest whole number.
    pub(super) fn range(&self) -> (i64, i64) {
        match self.cast.as_str() {
            "smallint" => (i16::MIN.into(), i16::MAX.into()),
            "integer" => (i32::MIN.into(), i32::MAX.into()),
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// How the values are ordered in a condition.
    pub(super) fn order_cast(&self) -> &str {
        match self.class {
            // A number of the filter may be none of a smaller type.
            Class::Integer => "bigint",
            Class::Number if self.cast != "numeric" => "double precision",
            _ => &self.cast,
        }
    }
}

impl Table {
    /// Finds the columns of the settings.
    pub(super) fn new(name: Vec<String>, columns: Vec<Column>, settings: &Settings) -> Result<Self, Error> {
        let find = |column: &str| find(&columns, column, settings.is_exact).cloned();
        let find_any = |column: &Option<String>| column.as_deref().map(find).transpose();
        Ok(Self {
            key: find(&settings.key_column)?,
            password: find_any(&settings.password_column)?,
            change: find_any(&settings.change_column)?,
            is_exact: settings.is_exact,
            name,
            columns,
        })
    }

    /// The column of an attribute.
    pub(super) fn column(&self, native: &str) -> Result<&Column, Error> {
        match native {
            NAME | UID => Ok(&self.key),
            PASSWORD => self.password.as_ref().ok_or_else(|| {
                Error::Invalid(format!(
                    "the table has no column for {PASSWORD}: name it in passwordColumn"
                ))
            }),
            other => find(&self.columns, other, self.is_exact),
        }
    }

    /// Whether an attribute is the id.
    pub(super) fn is_key(&self, column: &Column) -> bool {
        column.name == self.key.name
    }

    /// The properties that can be read, of those with these native names, with their columns.
    pub(super) fn read<'a>(
        &'a self,
        kind: &'a ObjectType,
        natives: &[String],
    ) -> Result<Vec<(&'a Property, &'a Column)>, Error> {
        let mut all = Vec::new();
        for property in &kind.properties {
            if !natives.contains(&property.native) || [NAME, UID, PASSWORD].contains(&property.native.as_str()) {
                continue;
            }
            let column = self.column(&property.native)?;
            if self
                .password
                .as_ref()
                .is_none_or(|password| password.name != column.name)
            {
                all.push((property, column));
            }
        }
        Ok(all)
    }

    /// The objects that it has, as `objectTypes` of a configuration says it.
    pub(super) fn described(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        for column in &self.columns {
            let (kind, java) = column.described();
            let mut property = json!({"type": kind, "nativeName": column.name, "nativeType": java});
            if self.is_key(column) {
                property["nativeName"] = NAME.into();
            }
            if !column.takes_null && !column.has_default && !column.is_generated {
                property["required"] = Value::Bool(true);
            }
            if column.is_generated {
                property["flags"] = json!(["NOT_CREATABLE", "NOT_UPDATEABLE"]);
            }
            if self.password.as_ref() == Some(column) {
                property["nativeName"] = PASSWORD.into();
                property["flags"] = json!(["NOT_READABLE", "NOT_RETURNED_BY_DEFAULT"]);
            }
            // These names are the object's own.
            let name = match column.name.as_str() {
                name @ ("_id" | "_rev") => format!("column{name}"),
                name => name.to_owned(),
            };
            properties.insert(name, property);
        }
        let account = json!({
            "$schema": "http://json-schema.org/draft-03/schema", "id": "__ACCOUNT__", "type": "object",
            "nativeType": "__ACCOUNT__", "properties": properties
        });
        Map::from_iter([("account".to_owned(), account)])
    }
}

impl Column {
    fn described(&self) -> (&'static str, &'static str) {
        const TEXT: (&str, &str) = ("string", "string");
        const INTEGER: (&str, &str) = ("integer", "integer");
        const NUMBER: (&str, &str) = ("number", "JAVA_TYPE_BIGDECIMAL");
        const BOOLEAN: (&str, &str) = ("boolean", "boolean");
        const BYTES: (&str, &str) = ("string", "JAVA_TYPE_BYTE_ARRAY");
        match self.class {
            Class::Text | Class::Timestamp | Class::TimestampTz | Class::Uuid => TEXT,
            Class::Integer => INTEGER,
            Class::Number => NUMBER,
            Class::Boolean => BOOLEAN,
            Class::Bytes => BYTES,
            Class::Any => {
                // The rules of SQLite's affinity, and booleans, which it does not have.
                let declared = self.cast.to_ascii_uppercase();
                let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
                match () {
                    () if has(&["BOOL"]) => BOOLEAN,
                    () if has(&["INT"]) => INTEGER,
                    () if has(&["CHAR", "CLOB", "TEXT", "DATE", "TIME"]) => TEXT,
                    () if declared.is_empty() || has(&["BLOB"]) => BYTES,
                    () => NUMBER,
                }
            }
        }
    }
}

/// A column by the name that a configuration has for it: exactly that, or, where names are not quoted, without regard to
/// case if that is one column.
fn find<'a>(columns: &'a [Column], name: &str, is_exact: bool) -> Result<&'a Column, Error> {
    if let Some(column) = columns.iter().find(|column| column.name == name) {
        return Ok(column);
    }
    let mut like = columns
        .iter()
        .filter(|column| !is_exact && column.name.eq_ignore_ascii_case(name));
    match (like.next(), like.next()) {
        (Some(column), None) => Ok(column),
        _ => Err(Error::Failed(format!("the table has no column '{name}'"))),
    }
}

/// Whether a kind of property fits into a column at all.
pub(super) fn check(kind: &ObjectType) -> Result<(), (String, String)> {
    match kind.properties.iter().find(|property| property.is_multi) {
        Some(property) => Err((
            property.name.clone(),
            "a column holds one value: write string, integer, number or boolean".to_owned(),
        )),
        None => {
            match kind.properties.iter().find(|property| {
                property.kind != Kind::Text && [NAME, UID, PASSWORD].contains(&property.native.as_str())
            }) {
                Some(property) => Err((
                    property.name.clone(),
                    format!("{} is a text: write string", property.native),
                )),
                None => Ok(()),
            }
        }
    }
}
