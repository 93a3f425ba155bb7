//! `configurationProperties` of the connector of database tables, in the platform's older form (`jdbcUrlTemplate`, `host`,
//! `user`) and its newer one (`url`, `username`). What would act otherwise here is refused by name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_model::Invalid;
use host_model::members::Members;
use rustls::ClientConfig;
use serde_json::Value;

use super::url::{Place, Security};
use crate::options::{self, flag, whole};
use crate::paths::AllowedFolders;
use crate::tls;

/// They tune the platform's pool of connections and its way to speak to databases, and change nothing here.
const WITHOUT_MEANING: [&str; 43] = [
    "rethrowAllSQLExceptions",
    "nativeTimestamps",
    "allNative",
    "validConnectionQuery",
    "disablePaging",
    "suppressPassword",
    "initialSize",
    "maxIdle",
    "minIdle",
    "maxWait",
    "maxActive",
    "maxAge",
    "minEvictableIdleTimeMillis",
    "timeBetweenEvictionRunsMillis",
    "testWhileIdle",
    "testOnBorrow",
    "testOnReturn",
    "testOnConnect",
    "validationQuery",
    "validationQueryTimeout",
    "validationInterval",
    "validatorClassName",
    "jdbcInterceptors",
    "jmxEnabled",
    "fairQueue",
    "name",
    "defaultAutoCommit",
    "rollbackOnReturn",
    "commitOnReturn",
    "removeAbandoned",
    "removeAbandonedTimeout",
    "abandonWhenPercentageFull",
    "logAbandoned",
    "suspectTimeout",
    "logValidationErrors",
    "accessToUnderlyingConnectionAllowed",
    "propagateInterruptState",
    "ignoreExceptionOnPreLoad",
    "useDisposableConnectionFacade",
    "useLock",
    "useEquals",
    "numTestsPerEvictionRun",
    "useStatementFacade",
];
/// These are not supported: only what they are without being said is accepted.
const UNSUPPORTED: [&str; 9] = [
    "datasource",
    "dataSourceJNDI",
    "jndiProperties",
    "connectionProperties",
    "initSQL",
    "defaultCatalog",
    "defaultReadOnly",
    "defaultTransactionIsolation",
    "alternateUsernameAllowed",
];
const SUPPORTED: [&str; 18] = [
    "jdbcUrlTemplate",
    "jdbcDriver",
    "host",
    "port",
    "database",
    "user",
    "password",
    "url",
    "driverClassName",
    "username",
    "table",
    "keyColumn",
    "passwordColumn",
    "changeLogColumn",
    "quoting",
    "enableEmptyString",
    "trustedCertificates",
    "hostNameVerification",
];

const POSTGRES: &str = "org.postgresql.Driver";
const SQLITE: &str = "org.sqlite.JDBC";

/// Which table, and how it is reached.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) target: Target,
    /// As it was written: `TABLE` or `SCHEMA.TABLE`.
    pub(super) table: String,
    pub(super) key_column: String,
    pub(super) password_column: Option<String>,
    pub(super) change_column: Option<String>,
    /// Whether names are what they are, also in their case.
    pub(super) is_exact: bool,
    /// A text column that takes no NULL gets an empty text instead.
    pub(super) writes_empty_text: bool,
    /// A statement that takes longer is ended by the database.
    pub(super) statement_timeout: Duration,
}

/// Where the table is.
#[derive(Clone)]
pub(super) enum Target {
    Postgres(Server),
    Sqlite(PathBuf),
}

/// A PostgreSQL server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: String,
    /// Where tables are looked for that name no schema.
    pub(super) schema: Option<String>,
    pub(super) application: String,
    pub(super) security: Security,
    pub(super) tls: Arc<ClientConfig>,
}

impl fmt::Debug for Settings {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads `configurationProperties`; secrets are open already.
    pub(crate) fn parse(
        properties: &Value,
        folders: &AllowedFolders,
        statement_timeout: Duration,
    ) -> Result<Self, Invalid> {
        let members = options::read(properties, [&SUPPORTED, &UNSUPPORTED, &WITHOUT_MEANING])?;
        options::refuse(
            &members,
            UNSUPPORTED.map(|name| (name, "this is not supported:".to_owned())),
        )?;
        let column = |name: &str| {
            let text = members.text(name)?.filter(|column| !column.is_empty());
            Ok::<_, Invalid>(text.map(str::to_owned))
        };
        Ok(Self {
            target: target(&members, folders)?,
            table: members.require_text("table", "the table with the objects")?.to_owned(),
            key_column: members.require_text("keyColumn", "the column with the ids")?.to_owned(),
            password_column: column("passwordColumn")?,
            change_column: column("changeLogColumn")?,
            is_exact: match members.text("quoting")?.map(str::to_ascii_uppercase).as_deref() {
                None | Some("" | "NONE") => false,
                Some("DOUBLE") => true,
                Some(_) => {
                    return Err(members.invalid(
                        "quoting",
                        "names are quoted with \": write DOUBLE for names that are exactly so, or NONE",
                    ));
                }
            },
            writes_empty_text: flag(&members, "enableEmptyString")?,
            statement_timeout,
        })
    }
}

fn target(members: &Members<'_>, folders: &AllowedFolders) -> Result<Target, Invalid> {
    let (at, template) = either(members, "url", "jdbcUrlTemplate")?;
    let template = template.ok_or_else(|| {
        members.invalid(
            "jdbcUrlTemplate",
            "'jdbcUrlTemplate' or 'url' is required, such as jdbc:postgresql://%h:%p/%d or jdbc:sqlite:people.db",
        )
    })?;
    let port = whole(members, "port", 1, 65_535)?;
    let mut text = template.to_owned();
    for (placeholder, name) in [("%h", "host"), ("%p", "port"), ("%d", "database")] {
        if !text.contains(placeholder) {
            continue;
        }
        let value = match (name, port) {
            ("port", Some(port)) => port.to_string(),
            ("port", None) => {
                return Err(members.invalid(name, format!("'{name}' is required: {at} has {placeholder}")));
            }
            _ => {
                let what = format!("{at} has {placeholder}");
                members.require_text(name, &what)?.to_owned()
            }
        };
        if value.contains(['?', '&', '#']) {
            return Err(members.invalid(name, "'?', '&' and '#' cannot be in it: they have a meaning in the URL"));
        }
        text = text.replace(placeholder, &value);
    }
    let place = Place::parse(&text).map_err(|message| members.invalid(at, message))?;
    driver(members, &place)?;
    match place {
        Place::Sqlite { path } => {
            let file = folders.file(&path);
            Ok(Target::Sqlite(
                file.map_err(|error| members.invalid(at, error.to_string()))?,
            ))
        }
        Place::Postgres {
            host,
            port,
            database,
            schema,
            application,
            security,
        } => {
            let (name, user) = either(members, "username", "user")?;
            let user = user.ok_or_else(|| members.invalid(name, format!("'{name}' is required: who signs in")))?;
            Ok(Target::Postgres(Server {
                host,
                port,
                database,
                user: user.to_owned(),
                password: members.text("password")?.unwrap_or_default().to_owned(),
                schema,
                application: application.unwrap_or_else(|| "taskwarden".to_owned()),
                security,
                tls: tls::client(members)?,
            }))
        }
    }
}

/// An option that has two names, and the name that it has here.
fn either<'a, 'b>(
    members: &Members<'a>,
    newer: &'b str,
    older: &'b str,
) -> Result<(&'b str, Option<&'a str>), Invalid> {
    let given = |name| Ok::<_, Invalid>(members.text(name)?.filter(|text| !text.is_empty()));
    match (given(newer)?, given(older)?) {
        (Some(one), Some(other)) if one != other => {
            Err(members.invalid(newer, format!("'{older}' says something else: leave one of them out")))
        }
        (Some(text), _) => Ok((newer, Some(text))),
        (None, other) => Ok((older, other)),
    }
}

/// Whether the driver that the configuration names is the one that its URL needs.
fn driver(members: &Members<'_>, place: &Place) -> Result<(), Invalid> {
    let (at, driver) = either(members, "driverClassName", "jdbcDriver")?;
    let Some(driver) = driver else { return Ok(()) };
    let needed = match place {
        Place::Postgres { .. } => POSTGRES,
        Place::Sqlite { .. } => SQLITE,
    };
    if driver == needed {
        return Ok(());
    }
    Err(members.invalid(
        at,
        if [POSTGRES, SQLITE].contains(&driver) {
            format!("the URL is one of the driver {needed}: write that, or leave it out")
        } else {
            format!("the driver '{driver}' is not supported: there are {POSTGRES} and {SQLITE}")
        },
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(properties: &Value) -> Result<Settings, Invalid> {
        let folders = AllowedFolders::new(PathBuf::from("/conf"), []);
        Settings::parse(properties, &folders, Duration::from_secs(5))
    }

    /// What the platform's sample says, with another database.
    fn older() -> Value {
        json!({
            "quoting": "", "host": "localhost", "port": "5432", "user": "root", "password": "geheim",
            "database": "contractordb", "table": "people", "keyColumn": "UNIQUE_ID", "passwordColumn": "",
            "jdbcDriver": "org.postgresql.Driver", "jdbcUrlTemplate": "jdbc:postgresql://%h:%p/%d",
            "enableEmptyString": false, "rethrowAllSQLExceptions": true, "nativeTimestamps": true,
            "allNative": false, "validConnectionQuery": null, "changeLogColumn": "CHANGE_TIMESTAMP",
            "datasource": "", "jndiProperties": null
        })
    }

    #[test]
    fn existing_configurations_are_read() {
        let settings = parse(&older()).unwrap();
        let Target::Postgres(server) = &settings.target else {
            panic!("a server is expected")
        };
        assert_eq!(
            (
                server.host.as_str(),
                server.port,
                server.database.as_str(),
                server.user.as_str()
            ),
            ("localhost", 5432, "contractordb", "root")
        );
        assert_eq!(settings.password_column, None);
        assert!(!format!("{settings:?}").contains("geheim"));
        let newer = json!({
            "url": "jdbc:postgresql://db.example.com:5433/hr?currentSchema=staff&ssl=true",
            "driverClassName": "org.postgresql.Driver", "username": "root", "password": "password",
            "table": "people", "keyColumn": "EMAIL", "passwordColumn": "", "changeLogColumn": "CHANGE_TIMESTAMP",
            "disablePaging": false, "enableEmptyString": false, "quoting": "", "rethrowAllSQLExceptions": true,
            "nativeTimestamps": false, "allNative": false, "suppressPassword": true, "validationQueryTimeout": -1,
            "validationQuery": "SELECT 1 FROM DUAL", "validationInterval": 3000, "initialSize": 10, "maxIdle": 100,
            "minIdle": 10, "maxWait": 30000, "maxActive": 100, "maxAge": 0, "minEvictableIdleTimeMillis": 60000,
            "timeBetweenEvictionRunsMillis": 5000, "testWhileIdle": false, "testOnBorrow": true
        });
        let settings = parse(&newer).unwrap();
        assert!(matches!(&settings.target, Target::Postgres(server)
            if server.schema.as_deref() == Some("staff") && server.security == Security::Checked));
        let file = json!({"jdbcUrlTemplate": "jdbc:sqlite:%d", "database": "hr/people.db", "table": "people", "keyColumn": "id"});
        assert!(matches!(parse(&file).unwrap().target,
            Target::Sqlite(path) if path == std::path::Path::new("/conf/hr/people.db")));
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let check = |name: &str, value: Value, expected: &str| {
            let mut properties = older();
            properties[name] = value;
            let error = parse(&properties).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/configurationProperties/{name}: {expected}")),
                "{error}"
            );
        };
        check("tables", json!("x"), "unknown property 'tables'; did you mean 'table'?");
        check("datasource", json!("java:/hr"), "this is not supported");
        check("initSQL", json!("SET x = 1"), "this is not supported");
        check(
            "jdbcDriver",
            json!("com.mysql.jdbc.Driver"),
            "the driver 'com.mysql.jdbc.Driver' is not supported",
        );
        check(
            "jdbcDriver",
            json!("org.sqlite.JDBC"),
            "the URL is one of the driver org.postgresql.Driver",
        );
        check(
            "jdbcUrlTemplate",
            json!("jdbc:mysql://%h:%p/%d"),
            "databases of 'mysql' are not supported",
        );
        check("jdbcUrlTemplate", json!("people"), "a JDBC URL is expected");
        check("jdbcUrlTemplate", json!(""), "'jdbcUrlTemplate' or 'url' is required");
        check(
            "url",
            json!("jdbc:sqlite:x.db"),
            "'jdbcUrlTemplate' says something else",
        );

        check("quoting", json!("BACKTICK"), "names are quoted with \"");
        check("user", json!(""), "'user' is required");
        check("keyColumn", json!(""), "'keyColumn' is required");
        check("database", json!("a?user=b"), "'?', '&' and '#' cannot be in it");
        check("port", json!("x"), "a whole number");
        check("port", json!(null), "'port' is required");
        check("hostNameVerification", json!(false), "certificates are always checked");
        let outside = json!({"url": "jdbc:sqlite:/etc/passwd", "table": "people", "keyColumn": "id"});
        assert!(
            parse(&outside)
                .unwrap_err()
                .to_string()
                .starts_with("/configurationProperties/url: the file is in no folder")
        );
    }
}
