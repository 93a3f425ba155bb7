//! PostgreSQL. Values go and come as texts, in the way that the session's settings say; the server makes them values of
//! its types.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, pin_mut};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cell::Cell;
use super::session::{Access, Database, Idle, MAX_BATCH, Rows, Session};
use super::settings::{Server, Settings};
use super::statement::{Dialect, Statement};
use super::table::{Class, Column, Table};
use super::url::Security;
use crate::error::Error;

/// So long a connection may take. The operation's own deadline comes first, mostly.
const CONNECT: Duration = Duration::from_secs(20);
/// So long a dead server is believed to be there.
const ALIVE: Duration = Duration::from_secs(60);

/// The table, its columns and their types. A domain counts as what it is made of.
const DESCRIBE: &str = "SELECT n.nspname::text, c.relname::text, a.attname::text, \
     pg_catalog.format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, -1), \
     (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::text, \
     (a.attnotnull OR t.typnotnull)::text, (a.atthasdef OR a.attidentity <> '')::text, \
     (a.attgenerated <> '' OR a.attidentity = 'a')::text, pg_catalog.getdatabaseencoding()::text \
     FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') ";

/// A server.
pub(super) struct Postgres(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// What each session is told first.
    settings: String,
    idle: Idle<Link>,
}

/// A connection, and the task that reads and writes it.
struct Link {
    client: Client,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Postgres {
    pub(super) fn new(server: &Server, statement_timeout: Duration) -> Self {
        let mut config = Config::new();
        config
            .host(&server.host)
            .port(server.port)
            .dbname(&server.database)
            .user(&server.user)
            .password(&server.password)
            .application_name(&server.application)
            .connect_timeout(CONNECT)
            .keepalives_idle(ALIVE)
            .tcp_user_timeout(ALIVE)
            .ssl_mode(match server.security {
                Security::Plain => SslMode::Disable,
                Security::Offered => SslMode::Prefer,
                Security::Checked => SslMode::Require,
            });
        let ms = statement_timeout.as_millis().min(i32::MAX as u128);
        let mut settings = format!(
            "SET datestyle = 'ISO'; SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 1; \
             SET standard_conforming_strings = on; SET client_min_messages = error; SET statement_timeout = {ms}; \
             SET idle_in_transaction_session_timeout = {ms};"
        );
        if let Some(schema) = &server.schema {
            settings.push_str(&format!(" SET search_path = \"{}\";", schema.replace('"', "\"\"")));
        }
        let tls = (server.security != Security::Plain).then(|| MakeRustlsConnect::new((*server.tls).clone()));
        Self(Arc::new(Inner {
            config,
            tls,
            settings,
            idle: Idle::default(),
        }))
    }
}

impl Inner {
    async fn connect(&self) -> Result<Link, Error> {
        let link = match &self.tls {
            None => {
                let (client, connection) = self
                    .config
                    .connect(NoTls)
                    .await
                    .map_err(|error| refused(&error, true))?;
                Link {
                    client,
                    task: tokio::spawn(async move { ended(connection.await) }),
                }
            }
            Some(tls) => {
                let made = self.config.connect(tls.clone()).await;
                let (client, connection) = made.map_err(|error| refused(&error, true))?;
                Link {
                    client,
                    task: tokio::spawn(async move { ended(connection.await) }),
                }
            }
        };
        let told = link.client.batch_execute(&self.settings).await;
        told.map_err(|error| refused(&error, false))?;
        Ok(link)
    }
}

fn ended(result: Result<(), tokio_postgres::Error>) {
    if let Err(error) = result {
        tracing::debug!(error = %refused(&error, false), "a connection to a database ended");
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn begin(&self, access: Access) -> Result<Box<dyn Session>, Error> {
        let session = |link| {
            Box::new(ServerSession {
                link: Some(link),
                is_running: false,
                access,
                inner: Arc::clone(&self.0),
            })
        };
        while let Some(link) = self.0.idle.take() {
            if link.client.is_closed() {
                continue;
            }
            // A connection that died while nobody used it shows now, before anything is written.
            match access {
                Access::Read => return Ok(session(link)),
                Access::Write => match link.client.batch_execute("BEGIN").await {
                    Ok(()) => return Ok(session(link)),
                    Err(error) if matches!(refused(&error, false), Error::Lost(_)) => {}
                    Err(error) => return Err(refused(&error, false)),
                },
            }
        }
        let link = self.0.connect().await?;
        if access == Access::Write {
            let begun = link.client.batch_execute("BEGIN").await;
            begun.map_err(|error| refused(&error, false))?;
        }
        Ok(session(link))
    }

    async fn describe(&self, settings: &Settings) -> Result<Table, Error> {
        let (schema, name) = match settings.table.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, settings.table.as_str()),
        };
        let mut statement = Statement::new(Dialect::Postgres);
        let is_named = |statement: &mut Statement, column: &str, name: &str| {
            statement.push(column).push(" = ").bind(name.into());
            if !settings.is_exact {
                statement
                    .push(" OR lower(")
                    .push(column)
                    .push("::text) = lower(")
                    .bind(name.into())
                    .push(")");
            }
        };
        statement.push(DESCRIBE).push("AND (");
        is_named(&mut statement, "c.relname", name);
        statement.push(") AND (");
        match schema {
            Some(schema) => is_named(&mut statement, "n.nspname", schema),
            None => {
                statement.push("pg_catalog.pg_table_is_visible(c.oid)");
            }
        }
        statement
            .push(") ORDER BY c.relname <> ")
            .bind(name.into())
            .push(", n.nspname <> ");
        statement
            .bind(schema.unwrap_or_default().into())
            .push(", c.oid, a.attnum");
        let mut session = self.begin(Access::Read).await?;
        let rows = session.rows(statement).await?.rows;
        session.end().await?;
        let text = |row: &[Cell], at: usize| row.get(at).and_then(Cell::text).unwrap_or_default().to_owned();
        let Some(first) = rows.first() else {
            return Err(Error::Failed(format!("there is no table '{}'", settings.table)));
        };
        if text(first, 8) != "UTF8" {
            return Err(Error::Failed(format!(
                "the encoding of the database is {}: UTF8 is needed",
                text(first, 8)
            )));
        }
        let found = vec![text(first, 0), text(first, 1)];
        let of_it = rows
            .iter()
            .take_while(|row| text(row, 0) == found[0] && text(row, 1) == found[1]);
        let columns = of_it.map(|row| {
            let cast = text(row, 3);
            let modifier = text(row, 4).parse::<usize>().ok();
            let is = |at: usize| text(row, at) == "true";
            Column {
                class: class(&cast),
                // The modifier of a text is its length, and four.
                max_length: modifier
                    .filter(|_| ["character varying", "bpchar"].contains(&cast.as_str()))
                    .and_then(|modifier| modifier.checked_sub(4)),
                takes_null: !is(5),
                has_default: is(6),
                is_generated: is(7),
                cast,
                ..Column::named(&text(row, 2), Class::Text)
            }
        });
        let columns = columns.collect();
        Table::new(found, columns, settings)
    }
}

fn class(name: &str) -> Class {
    match name {
        "smallint" | "integer" | "bigint" => Class::Integer,
        "numeric" | "real" | "double precision" => Class::Number,
        "boolean" => Class::Boolean,
        "bytea" => Class::Bytes,
        "timestamp without time zone" => Class::Timestamp,
        "timestamp with time zone" => Class::TimestampTz,
        "uuid" => Class::Uuid,
        _ => Class::Text,
    }
}

struct ServerSession {
    /// None once it has ended.
    link: Option<Link>,
    is_running: bool,
    access: Access,
    inner: Arc<Inner>,
}

#[async_trait]
impl Session for ServerSession {
    async fn rows(&mut self, statement: Statement) -> Result<Rows, Error> {
        let lost = || Error::Failed("the session ended before".to_owned());
        let link = self.link.as_ref().ok_or_else(lost)?;
        self.is_running = true;
        let values: Vec<(Option<String>, Type)> = statement
            .values
            .into_iter()
            .map(|cell| (cell_text(cell), Type::TEXT))
            .collect();
        let answer = async {
            let stream = link.client.query_typed_raw(&statement.text, values).await?;
            pin_mut!(stream);
            let mut answer = Rows::default();
            let mut bytes = 0;
            while let Some(row) = stream.next().await {
                let row = row?;
                if bytes > MAX_BATCH {
                    // What is left is read over when the connection is used again.
                    answer.is_cut = true;
                    break;
                }
                let cells = (0..row.len()).map(|at| {
                    let text: Option<String> = row.try_get(at)?;
                    Ok(text.map_or(Cell::Null, Cell::Text))
                });
                let cells = cells.collect::<Result<Vec<Cell>, tokio_postgres::Error>>()?;
                bytes += cells.iter().map(Cell::bytes).sum::<usize>();
                answer.rows.push(cells);
            }
            Ok::<_, tokio_postgres::Error>(answer)
        };
        let answer = answer.await;
        self.is_running = false;
        answer.map_err(|error| refused(&error, false))
    }

    async fn end(self: Box<Self>) -> Result<(), Error> {
        self.finish("COMMIT").await
    }

    async fn undo(self: Box<Self>) -> Result<(), Error> {
        self.finish("ROLLBACK").await
    }
}

impl ServerSession {
    async fn finish(mut self: Box<Self>, how: &str) -> Result<(), Error> {
        let Some(link) = self.link.take() else { return Ok(()) };
        if self.access == Access::Write {
            let done = link.client.batch_execute(how).await;
            done.map_err(|error| refused(&error, false))?;
        }
        self.inner.idle.keep(link);
        Ok(())
    }
}

fn cell_text(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Real(number) => Some(number.to_string()),
        Cell::Null | Cell::Bytes(_) => None,
    }
}

impl Drop for ServerSession {
    /// The server undoes what was written when the connection is gone; a statement that still runs is told to end.
    fn drop(&mut self) {
        let Some(link) = self.link.take().filter(|_| self.is_running) else {
            return;
        };
        let (token, tls) = (link.client.cancel_token(), self.inner.tls.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let told = match tls {
                    Some(tls) => token.cancel_query(tls).await,
                    None => token.cancel_query(NoTls).await,
                };
                if told.is_err() {
                    tracing::debug!("a statement could not be ended: its connection is closed");
                }
                drop(link);
            });
        }
    }
}

/// What a refusal means (PostgreSQL, appendix A). Details of the server are left out: values are in them.
fn refused(error: &tokio_postgres::Error, is_connecting: bool) -> Error {
    let Some(said) = error.as_db_error() else {
        // The cause, without what was sent.
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| cause.to_string());
        return match is_connecting {
            true => Error::Unreachable(cause),
            false => Error::Lost(cause),
        };
    };
    let code = said.code();
    let message = || said.message().to_owned();
    let column = || match (said.column(), said.constraint()) {
        (Some(column), _) => format!("the column '{column}'"),
        (None, Some(constraint)) => format!("the constraint '{constraint}'"),
        (None, None) => "the database".to_owned(),
    };
    let known = [
        (
            SqlState::UNIQUE_VIOLATION,
            Error::Taken(said.constraint().unwrap_or("a column").to_owned()),
        ),
        (
            SqlState::EXCLUSION_VIOLATION,
            Error::Taken(said.constraint().unwrap_or("a column").to_owned()),
        ),
        (
            SqlState::NOT_NULL_VIOLATION,
            Error::Invalid(format!("{} needs a value", column())),
        ),
        (SqlState::INSUFFICIENT_PRIVILEGE, Error::Denied(message())),
        (SqlState::READ_ONLY_SQL_TRANSACTION, Error::Denied(message())),
        (
            SqlState::T_R_SERIALIZATION_FAILURE,
            Error::Changed("others were faster".to_owned()),
        ),
        (
            SqlState::T_R_DEADLOCK_DETECTED,
            Error::Changed("others were faster".to_owned()),
        ),
        (
            SqlState::QUERY_CANCELED,
            Error::Busy("the database ended the statement: it took too long".to_owned()),
        ),
        (
            SqlState::LOCK_NOT_AVAILABLE,
            Error::Busy("others keep the row locked".to_owned()),
        ),
        (SqlState::RAISE_EXCEPTION, Error::Invalid(message())),
        (SqlState::INVALID_CATALOG_NAME, Error::Failed(message())),
        (SqlState::TOO_MANY_CONNECTIONS, Error::Busy(message())),
    ];
    if let Some((_, known)) = known.into_iter().find(|(known, _)| known == code) {
        return known;
    }
    match code.code().get(..2) {
        Some("28") => Error::OwnCredentials,
        Some("22") => Error::Invalid(format!(
            "the database refuses a value: it is not what its column takes (SQLSTATE {})",
            code.code()
        )),
        Some("23" | "44") => Error::Invalid(format!("{} refuses the values", column())),
        Some("08" | "57") if is_connecting => Error::Unreachable(message()),
        Some("08" | "57") => Error::Lost(message()),
        Some("53") => Error::Busy(message()),
        _ => Error::Failed(format!("{} (SQLSTATE {})", said.message(), code.code())),
    }
}
