//! Over any sources, targets, links and policies: analysing and applying is running, and what was run is settled.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::{SOURCE, TARGET, clear, configure, link, links, mapping, objects, recon, script, text};
use crate::harness::{Client, Server};

/// Worlds that are tried, unless `PROPTEST_CASES` says otherwise: each is made several times over REST.
const WORLDS: u32 = 16;

/// Those who belong together by their key: the correlation finds them, and nobody else.
#[derive(Clone, Debug)]
struct Family {
    /// Name, and whether the mapping takes it.
    sources: Vec<(&'static str, bool)>,
    /// Name, and whether the mapping looks after it.
    targets: Vec<(&'static str, bool)>,
    /// From a source object to a target object, by their places; either may be gone.
    link: Option<(usize, usize)>,
}

/// What is there, and what is to be done with it.
#[derive(Clone, Debug)]
struct World {
    families: Vec<Family>,
    policies: Vec<Value>,
}

fn names() -> impl Strategy<Value = &'static str> {
    select(vec!["ann", "bob"])
}

/// At most one source object; nobody waits for what another object leaves behind.
fn family() -> impl Strategy<Value = Family> {
    let objects = |most| vec((names(), any::<bool>()), 0..=most);
    (objects(1), objects(2), any::<bool>(), 0..3_usize).prop_map(|(sources, mut targets, is_linked, target)| {
        let is_unfit = sources.iter().any(|(_, fits)| !fits);
        if is_unfit {
            // Of two, the second would be found by the next run when the first one, or the link, is gone.
            targets.truncate(1);
        }
        Family {
            sources,
            targets,
            link: is_linked.then_some((0, if is_unfit { 0 } else { target })),
        }
    })
}

/// Two source objects with one key; the link of one of them may be there already.
fn twins() -> impl Strategy<Value = Family> {
    let targets = vec((names(), any::<bool>()), 0..=2);
    (names(), names(), targets, any::<bool>(), 0..2_usize).prop_map(|(one, two, targets, is_linked, source)| Family {
        sources: vec![(one, true), (two, true)],
        link: (is_linked && !targets.is_empty()).then_some((source, 0)),
        targets,
    })
}

/// What is done with what was found: linked only, it is left to the next run to update it.
const FOUND: [&str; 2] = ["UPDATE", "LINK"];
const FOUND_AND_SETTLED: [&str; 1] = ["UPDATE"];

/// Policies of which no other one leaves to the next run what could be done in this one.
fn policies(found: &[&'static str]) -> impl Strategy<Value = Vec<Value>> {
    const NOTHING: [&str; 4] = ["IGNORE", "REPORT", "NOREPORT", "EXCEPTION"];
    let of = |situation: &'static str, more: &[&'static str]| {
        let actions: Vec<&str> = more.iter().copied().chain(NOTHING).collect();
        let plain =
            select(actions.clone()).prop_map(move |action| vec![json!({"situation": situation, "action": action})]);
        // The condition looks at the source object, which stays as it is.
        let conditional = (select(actions.clone()), select(actions), names()).prop_map(move |(one, other, name)| {
            vec![
                json!({"situation": situation, "condition": format!("/object/name eq '{name}'"), "action": one}),
                json!({"situation": situation, "action": other}),
            ]
        });
        prop_oneof![Just(Vec::new()), plain, conditional]
    };
    let all = (
        of("CONFIRMED", &["UPDATE", "LINK"]),
        of("FOUND", found),
        of("ABSENT", &["CREATE"]),
        of("MISSING", &["CREATE"]),
        of("UNQUALIFIED", &["DELETE"]),
        of("SOURCE_MISSING", &["DELETE"]),
        of("UNASSIGNED", &["DELETE"]),
        of("AMBIGUOUS", &[]),
        of("FOUND_ALREADY_LINKED", &[]),
    );
    all.prop_map(|(a, b, c, d, e, f, g, h, i)| [a, b, c, d, e, f, g, h, i].concat())
}

fn world(family: impl Strategy<Value = Family>, found: &[&'static str]) -> impl Strategy<Value = World> {
    (vec(family, 0..7), policies(found)).prop_map(|(families, policies)| World { families, policies })
}

impl World {
    fn make(&self, client: &Client) {
        clear(client);
        for (number, family) in self.families.iter().enumerate() {
            let key = format!("k{number}");
            for (place, (name, fits)) in family.sources.iter().enumerate() {
                let user = json!({"name": name, "key": key, "fits": fits});
                client.put(&format!("{SOURCE}/{key}s{place}"), &user).expect(201);
            }
            for (place, (name, ours)) in family.targets.iter().enumerate() {
                let role = json!({"name": name, "key": key, "ours": ours, "kept": number});
                client.put(&format!("{TARGET}/{key}t{place}"), &role).expect(201);
            }
            if let Some((source, target)) = family.link {
                link(client, &format!("{key}s{source}"), &format!("{key}t{target}"));
            }
        }
    }

    fn mapping(&self) -> Value {
        mapping(&json!({
            "properties": [
                {"source": "_id", "target": "_id"},
                {"source": "key", "target": "key"},
                {"source": "name", "target": "name"},
                {"source": "name", "target": "loud", "transform": script("source.toUpperCase()")},
            ],
            "validSource": script("source.fits"),
            "validTarget": script("target.ours !== false"),
            "correlationQuery": script("({_queryFilter: 'key eq \"' + source.key + '\"'})"),
            "correlateEmptyTargetSet": true,
            "allowEmptySourceSet": true,
            "policies": self.policies,
        }))
    }
}

fn state(client: &Client) -> Value {
    json!([objects(client, SOURCE), objects(client, TARGET), links(client)])
}

/// Tries worlds, and shows the smallest one that is not as it should be.
fn for_all(worlds: impl Strategy<Value = World>, check: impl Fn(&Client, &World) -> Result<(), TestCaseError>) {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = WORLDS;
    }
    let server = Server::start();
    let tried = TestRunner::new(config).run(&worlds, |world| {
        configure(&server.client, &[world.mapping()]);
        check(&server.client, &world)
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

fn same(what: &str, left: &Value, right: &Value) -> Result<(), TestCaseError> {
    if left == right {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}: {left:#}\nis not {right:#}")))
}

#[test]
fn analysing_and_applying_is_running() {
    for_all(world(family(), &FOUND), |client, world| {
        world.make(client);
        let begin = state(client);
        let run = recon(client, "");
        same("state", &run["state"], &json!("SUCCESS"))?;
        let by_run = state(client);

        world.make(client);
        let analysed = recon(client, "&analyze=true");
        same("an analysis", &state(client), &begin)?;
        same("situations", &analysed["situationSummary"], &run["situationSummary"])?;
        let path = format!("recon/{}?_action=apply&waitForCompletion=true", text(&analysed["_id"]));
        let applied = client.post(&path, None).expect(200);
        same("state", &applied["state"], &json!("SUCCESS"))?;
        same("the plan, applied", &state(client), &by_run)
    });
}

#[test]
fn what_was_run_is_settled() {
    for_all(
        world(prop_oneof![family(), twins()], &FOUND_AND_SETTLED),
        |client, world| {
            world.make(client);
            recon(client, "");
            let settled = state(client);
            let run = recon(client, "");
            same("a second run", &state(client), &settled)?;
            let progress = &run["progress"];
            for count in ["created", "updated", "deleted"] {
                same(count, &progress["target"][count], &json!(0))?;
            }
            same("links", &progress["links"]["created"], &json!(0))
        },
    );
}
