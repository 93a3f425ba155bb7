//! JDBC URLs, as far as they are understood: `jdbc:postgresql://HOST:PORT/DATABASE?…` and `jdbc:sqlite:PATH`.

use percent_encoding::percent_decode_str;

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Postgres {
        host: String,
        port: u16,
        database: String,
        schema: Option<String>,
        application: Option<String>,
        security: Security,
    },
    Sqlite {
        path: String,
    },
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// In plain text.
    Plain,
    /// With TLS if the server has it; its certificate is checked then.
    Offered,
    /// With TLS, or not at all.
    Checked,
}

/// What tunes the platform's driver, and means nothing here: deadlines are in `operationTimeout`.
const WITHOUT_MEANING: [&str; 12] = [
    "connectTimeout",
    "loginTimeout",
    "socketTimeout",
    "cancelSignalTimeout",
    "tcpKeepAlive",
    "prepareThreshold",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "defaultRowFetchSize",
    "reWriteBatchedInserts",
    "logUnclosedConnections",
    "sslfactory",
];

impl Place {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let example = "jdbc:postgresql://HOST:PORT/DATABASE or jdbc:sqlite:PATH";
        let rest = text
            .strip_prefix("jdbc:")
            .ok_or_else(|| format!("a JDBC URL is expected: {example}"))?;
        match rest.split_once(':') {
            Some(("postgresql", rest)) => postgres(rest),
            Some(("sqlite", rest)) => sqlite(rest),
            Some((other, _)) => Err(format!("databases of '{other}' are not supported: write {example}")),
            None => Err(format!("a JDBC URL is expected: {example}")),
        }
    }
}

fn postgres(rest: &str) -> Result<Place, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (server, database) = match path.strip_prefix("//") {
        Some(path) => path.split_once('/').unwrap_or((path, "")),
        None => ("", path.trim_start_matches('/')),
    };
    if server.contains(',') {
        return Err("one server is expected: several are not supported".to_owned());
    }
    if server.contains('@') {
        return Err("the user is an option of its own: configurations are shown, and their URLs with them".to_owned());
    }
    let (host, port) = host_and_port(server)?;
    let database = decoded(database)?;
    if database.is_empty() {
        return Err("the URL names no database: jdbc:postgresql://HOST:PORT/DATABASE".to_owned());
    }
    let mut security = None;
    let (mut schema, mut application) = (None, None);
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "ssl" => match value.as_str() {
                "" | "true" => security = security.or(Some(Security::Checked)),
                "false" => {}
                _ => return Err("'ssl' is true or false".to_owned()),
            },
            "sslmode" => {
                security = Some(match value.as_str() {
                    "disable" => Security::Plain,
                    "verify-full" => Security::Checked,
                    _ => {
                        return Err(format!(
                            "'sslmode={value}' is not supported, as certificates are always checked: write verify-full \
                             (trustedCertificates says whom to trust), or disable for plain text"
                        ));
                    }
                });
            }
            "currentSchema" if !value.contains(',') => schema = Some(value),
            "currentSchema" => return Err("'currentSchema' names one schema".to_owned()),
            "ApplicationName" => application = Some(value),
            "user" | "password" => {
                return Err(format!(
                    "'{name}' is an option of its own: configurations are shown, and their URLs with them"
                ));
            }
            "sslrootcert" | "sslcert" | "sslkey" => {
                return Err(format!(
                    "'{name}' is not supported: trustedCertificates has the certificates to trust, in PEM"
                ));
            }
            other if WITHOUT_MEANING.contains(&other) => {}
            other => {
                return Err(format!(
                    "the parameter '{other}' is not supported: there are ssl, sslmode, currentSchema and ApplicationName"
                ));
            }
        }
    }
    let is_near = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
    let unsaid = if is_near { Security::Plain } else { Security::Offered };
    Ok(Place::Postgres {
        host,
        port,
        database,
        schema,
        application,
        security: security.unwrap_or(unsaid),
    })
}

fn host_and_port(server: &str) -> Result<(String, u16), String> {
    let wrong = || format!("'{server}' is no server: write HOST, HOST:PORT or [ADDRESS]:PORT");
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or_else(wrong)?;
            (address, rest.strip_prefix(':'))
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || "/@?#\\%[]".contains(c);
    if host.contains(is_strange) {
        return Err(wrong());
    }
    let port = match port {
        None | Some("") => 5432,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
    };
    let host = if host.is_empty() { "localhost" } else { host };
    Ok((host.to_owned(), port))
}

fn sqlite(rest: &str) -> Result<Place, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    for (name, value) in parameters(query)? {
        match (name.to_ascii_lowercase().as_str(), value.to_ascii_lowercase().as_str()) {
            ("journal_mode", "wal") | ("busy_timeout", _) | ("foreign_keys", "true" | "on" | "1") => {}
            _ => {
                return Err(format!(
                    "the parameter '{name}={value}' is not supported: the file is used with journal_mode=WAL and \
                     foreign_keys=true"
                ));
            }
        }
    }
    if path.is_empty() || path.starts_with(':') || path.starts_with("file:") {
        return Err(
            "the path of a file is expected, such as jdbc:sqlite:people.db: a database in memory has no objects \
                    to connect to"
                .to_owned(),
        );
    }
    Ok(Place::Sqlite { path: path.to_owned() })
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let each = query.split('&').filter(|part| !part.is_empty());
    each.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decoded(name)?, decoded(value)?))
    })
    .collect()
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| format!("'{text}' is not UTF-8 when it is decoded"))?;
    match decoded.contains('\0') {
        true => Err("a character of zero cannot be in the URL".to_owned()),
        false => Ok(decoded.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, port: u16, database: &str, security: Security) -> Place {
        Place::Postgres {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
            schema: None,
            application: None,
            security,
        }
    }

    #[test]
    fn urls_are_read() {
        let check = |text: &str, expected: Place| assert_eq!(Place::parse(text), Ok(expected), "{text}");
        check("jdbc:postgresql://db:1/hr", server("db", 1, "hr", Security::Offered));
        check(
            "jdbc:postgresql://db/my%20hr",
            server("db", 5432, "my hr", Security::Offered),
        );
        check("jdbc:postgresql://[::1]:7/hr", server("::1", 7, "hr", Security::Plain));
        check("jdbc:postgresql:hr", server("localhost", 5432, "hr", Security::Plain));
        check(
            "jdbc:postgresql:///hr",
            server("localhost", 5432, "hr", Security::Plain),
        );
        check(
            "jdbc:postgresql://db/hr?ssl=true",
            server("db", 5432, "hr", Security::Checked),
        );
        check(
            "jdbc:postgresql://localhost/hr?sslmode=verify-full&loginTimeout=3",
            server("localhost", 5432, "hr", Security::Checked),
        );
        check(
            "jdbc:postgresql://db/hr?ssl=true&sslmode=disable",
            server("db", 5432, "hr", Security::Plain),
        );
        let path = "people.db".to_owned();
        check("jdbc:sqlite:people.db?journal_mode=WAL", Place::Sqlite { path });
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = Place::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("postgresql://db/hr", "a JDBC URL is expected");
        check(
            "jdbc:oracle:thin:@db:1521:hr",
            "databases of 'oracle' are not supported",
        );
        check("jdbc:h2:mem:hr", "databases of 'h2'");
        check("jdbc:postgresql://db", "names no database");
        check("jdbc:postgresql://a,b/hr", "one server is expected");
        check("jdbc:postgresql://u:p@db/hr", "the user is an option");
        check("jdbc:postgresql://db:x/hr", "'db:x' is no server");
        check("jdbc:postgresql://db:0/hr", "'db:0' is no server");
        check(
            "jdbc:postgresql://db/hr?password=x",
            "'password' is an option of its own",
        );
        check("jdbc:postgresql://db/hr?sslmode=require", "write verify-full");
        check("jdbc:postgresql://db/hr?sslrootcert=/a", "trustedCertificates");
        check(
            "jdbc:postgresql://db/hr?options=-c",
            "the parameter 'options' is not supported",
        );
        check("jdbc:sqlite::memory:", "the path of a file is expected");
        check("jdbc:sqlite:a.db?mode=ro", "the parameter 'mode=ro' is not supported");
    }
}
