//! What a CSV file does: lines, changes, pages, differences.

use std::fs;
use std::sync::Arc;

use host_resource::Filter;
use serde_json::json;

use super::*;
use crate::connector::DeltaKind;
use crate::definition::Definition;
use crate::mapping::{self, Wanted};

const PEOPLE: &str = "uid,name,mail\n1,Ann,ann@x\n2,\"Bob, the second\",\n3,\"Say \"\"hi\"\"\",c@x\n";

struct Fixture {
    folder: tempfile::TempDir,
    connector: CsvConnector,
    kind: Arc<ObjectType>,
}

fn fixture(content: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("people.csv"), content).unwrap();
    let object = json!({
        "connectorRef": {"connectorName": "org.forgerock.openicf.csvfile.CSVFileConnector"},
        "configurationProperties": {"csvFile": "people.csv", "headerUid": "uid"},
        "objectTypes": {"account": {"nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "uid": {"type": "string"}, "name": {"type": "string"}, "mail": {"type": "string"}}}},
    });
    let definition = Definition::parse("hr", &object).unwrap();
    let folders = AllowedFolders::new(folder.path().to_owned(), []);
    let settings = Settings::parse(&definition.properties, &folders).unwrap();
    Fixture {
        connector: CsvConnector::new(settings, folders),
        kind: Arc::clone(definition.object_type("account").unwrap()),
        folder,
    }
}

impl Fixture {
    fn inner(&self) -> &Inner {
        &self.connector.0
    }

    fn read(&self) -> String {
        fs::read_to_string(self.folder.path().join("people.csv")).unwrap()
    }

    fn write(&self, content: &str) {
        // As others do it who know what they do: a new file in the place of the old one.
        let new = self.folder.path().join("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, self.folder.path().join("people.csv")).unwrap();
    }

    fn page(&self, limit: usize, after: Option<Vec<u8>>) -> Result<(Vec<String>, Option<Vec<u8>>), Error> {
        let kind = Arc::clone(&self.kind);
        let found = self.inner().search(&Search {
            filter: Arc::new(Filter::Literal(true)),
            accept: Arc::new(move |entry| {
                Some(mapping::answer(
                    &entry.uid,
                    None,
                    mapping::object(&kind, entry, &Wanted::default()),
                ))
            }),
            attributes: Arc::from([]),
            limit,
            after,
        })?;
        Ok((
            found.objects.into_iter().map(|object| object.id).collect(),
            found.position,
        ))
    }

    fn change(&self, column: &str, value: &str) -> Vec<Change> {
        vec![Change {
            attribute: column.to_owned(),
            before: None,
            after: vec![json!(value)],
        }]
    }
}

fn new(cells: &[(&str, &str)]) -> NewEntry {
    let attributes = cells
        .iter()
        .map(|(column, value)| ((*column).to_owned(), vec![json!(value)]));
    NewEntry {
        uid: None,
        attributes: attributes.collect(),
    }
}

#[test]
fn a_line_is_an_object_and_an_empty_cell_is_no_value() {
    let fixture = fixture(PEOPLE);
    let shown = |uid: &str| {
        let entry = fixture.inner().entry(uid).unwrap()?;
        Some(mapping::object(&fixture.kind, &entry, &Wanted::default()))
    };
    assert_eq!(
        shown("1"),
        Some(json!({"_id": "1", "uid": "1", "name": "Ann", "mail": "ann@x"}))
    );
    assert_eq!(
        shown("2"),
        Some(json!({"_id": "2", "uid": "2", "name": "Bob, the second"}))
    );
    assert_eq!(
        shown("3"),
        Some(json!({"_id": "3", "uid": "3", "name": "Say \"hi\"", "mail": "c@x"}))
    );
    assert_eq!(shown("4"), None);
}

#[test]
fn objects_come_change_and_go_and_the_rest_stays() {
    let fixture = fixture(PEOPLE);
    let inner = fixture.inner();
    assert_eq!(inner.create(new(&[("uid", "4"), ("name", "D\nE")])), Ok("4".to_owned()));
    assert_eq!(inner.update("2", fixture.change("mail", "bob@x")), Ok("2".to_owned()));
    assert_eq!(inner.update("1", fixture.change("uid", "9")), Ok("9".to_owned()));
    assert_eq!(inner.delete("3"), Ok(()));
    assert_eq!(
        fixture.read(),
        "uid,name,mail\n9,Ann,ann@x\n2,\"Bob, the second\",bob@x\n4,\"D\nE\",\n"
    );
    assert_eq!(inner.delete("3"), Err(Error::Missing("3".to_owned())));
    assert_eq!(inner.create(new(&[("uid", "4")])), Err(Error::Exists("4".to_owned())));
    assert_eq!(
        inner.update("2", fixture.change("uid", "4")),
        Err(Error::Exists("4".to_owned()))
    );
    assert!(matches!(
        inner.update("2", fixture.change("phone", "1")),
        Err(Error::Invalid(_))
    ));
    assert!(matches!(inner.create(new(&[("name", "x")])), Err(Error::Invalid(_))));
    assert!(matches!(
        inner.update("2", fixture.change("uid", "")),
        Err(Error::Invalid(_))
    ));
    // Nothing is left lying about.
    assert_eq!(fs::read_dir(fixture.folder.path()).unwrap().count(), 1);
}

#[test]
fn pages_go_on_behind_the_same_line_also_when_the_file_changes() {
    let fixture = fixture(PEOPLE);
    let (first, position) = fixture.page(1, None).unwrap();
    assert_eq!(first, ["1"]);
    fixture.write("uid,name,mail\n0,Zero,\n1,Ann,a\n2,B,\n3,C,\n");
    let (second, position) = fixture.page(1, position).unwrap();
    assert_eq!(second, ["2"]);
    assert_eq!(fixture.page(5, position.clone()).unwrap(), (vec!["3".to_owned()], None));
    fixture.write("uid,name,mail\n3,C,\n");
    assert!(matches!(fixture.page(1, position), Err(Error::Position(_))));
    assert!(matches!(fixture.page(1, Some(vec![1, 2])), Err(Error::Position(_))));
    assert!(matches!(fixture.page(1, Some(vec![255; 12])), Err(Error::Position(_))));
}

#[test]
fn a_file_that_is_no_table_is_refused_with_its_line() {
    let check = |content: &[u8], expected: &str| {
        let fixture = fixture("");
        fs::write(fixture.folder.path().join("people.csv"), content).unwrap();
        assert_eq!(
            fixture.inner().index().err().map(|error| error.to_string()),
            Some(expected.to_owned())
        );
    };
    check(b"", "the file is empty: its first line names the columns");
    check(b"name\na\n", "line 1: there is no column 'uid'");
    check(b"uid,a,a\n", "line 1: the column 'a' is there twice");
    check(b"uid,a\n1,b\n2\n", "line 3: 1 columns, but the first line has 2");
    check(b"uid,a\n1,\xff\n", "line 2: this is not UTF-8");
    check(b"uid,a\n,b\n", "line 2: the id is empty");
    check(b"uid,a\n1,b\n2,b\n1,c\n", "the id '1' is there twice");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    let fixture = fixture("\u{feff}uid,name\n1,Ann\n");
    assert!(fixture.inner().entry("1").unwrap().is_some());
}

#[test]
fn changes_are_told_once_in_pages_and_again_until_the_token_moves() {
    let fixture = fixture(PEOPLE);
    let inner = fixture.inner();
    let token = inner.latest_token("account").unwrap();
    assert_eq!(inner.changes("account", &token, 10).unwrap().deltas, []);
    fixture.write("mail,uid,name\nann@x,1,Ann\nnew@x,2,\"Bob, the second\"\n,4,Dan\n");
    let told = |token: &Value, limit: usize| {
        let page = inner.changes("account", token, limit).unwrap();
        let deltas: Vec<_> = page
            .deltas
            .iter()
            .map(|delta| (delta.kind, delta.uid.clone()))
            .collect();
        (deltas, page.token, page.has_more)
    };
    // Another order of columns alone is no change of an object.
    let all = [
        (DeltaKind::Update, "2"),
        (DeltaKind::Create, "4"),
        (DeltaKind::Delete, "3"),
    ];
    let all = all.map(|(kind, uid)| (kind, uid.to_owned()));
    assert_eq!(told(&token, 10).0, all);
    assert_eq!(told(&token, 10).0, all, "until the token moves");
    let (first, middle, has_more) = told(&token, 2);
    assert_eq!((first.as_slice(), has_more), (&all[..2], true));
    // What happens meanwhile is for later.
    fixture.write("uid,name,mail\n7,G,\n");
    let (rest, end, has_more) = told(&middle, 2);
    assert_eq!((rest.as_slice(), has_more), (&all[2..], false));
    let (later, _, _) = told(&end, 10);
    assert_eq!(later.len(), 4);
    assert!(matches!(
        inner.changes("account", &json!("x"), 1),
        Err(Error::Position(_))
    ));
}

#[test]
fn a_password_is_checked_and_never_shown() {
    let mut fixture = fixture("uid,name,pw\n1,Ann,secret\n2,Bob,\n");
    let inner = Arc::get_mut(&mut fixture.connector.0).unwrap();
    inner.settings.password = Some("pw".to_owned());
    inner.settings.name = Some("name".to_owned());
    let inner = fixture.inner();
    assert_eq!(inner.authenticate("Ann", "secret"), Ok("1".to_owned()));
    for (name, password) in [("Ann", "Secret"), ("Ann", ""), ("Bob", ""), ("Eve", "secret")] {
        assert_eq!(inner.authenticate(name, password), Err(Error::Credentials), "{name}");
    }
    let entry = inner.entry("1").unwrap().unwrap();
    assert!(!format!("{entry:?}").contains("secret"));
}

#[test]
fn two_writers_do_not_undo_each_other() {
    let fixture = fixture("uid,name\n0,a\n");
    std::thread::scope(|scope| {
        for writer in 1..5 {
            let inner = fixture.inner();
            scope.spawn(move || {
                for number in 0..5 {
                    let uid = format!("{writer}{number}");
                    inner.create(new(&[("uid", &uid)])).unwrap();
                }
            });
        }
    });
    assert_eq!(fixture.read().lines().count(), 2 + 20);
}
