//! Runs against systems that do not join the unit of work: what is sent, how often, and what is never sent.

mod house;

use serde_json::{Value, json};

use crate::record::{Kind, Stage};
use house::{House, text};

fn mapping(source: &str, target: &str, policies: Value) -> Value {
    json!({"mappings": [{
        "name": "m",
        "source": source,
        "target": target,
        "properties": [{"source": "name", "target": "name"}],
        "policies": policies,
    }]})
}

#[tokio::test]
async fn an_analysis_sends_nothing_and_a_run_sends_once() {
    let house = House::new().await;
    house
        .configure(&mapping("system/hr/person", "system/ldap/account", json!([])))
        .await;
    house.systems.put("hr/person", "a", json!({"name": "Ann"}));
    house.systems.put("hr/person", "b", json!({"name": "Bob"}));
    let analysed = house.run(Kind::All, true).await;
    assert_eq!((analysed.stage, analysed.tally.created), (Stage::CompletedSuccess, 2));
    assert!(house.systems.writes().is_empty());

    let run = house.run(Kind::All, false).await;
    assert_eq!(
        (run.tally.created, run.tally.links_created, run.tally.failures),
        (2, 2, 0)
    );
    let writes = house.systems.writes();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert_ne!(writes[0].key, writes[1].key, "each write has a key of its own");
    let second = house.run(Kind::All, false).await;
    assert_eq!((second.tally.unchanged, second.tally.created), (2, 0));
    assert_eq!(house.systems.writes().len(), 2, "a second run sends nothing");
}

#[tokio::test]
async fn what_was_answered_is_not_sent_again_after_a_crash() {
    let house = House::new().await;
    house
        .configure(&mapping("managed/a", "system/ldap/account", json!([])))
        .await;
    for number in 0..20 {
        house
            .store(&format!("p{number:02}"), json!({"name": format!("n{number}")}))
            .await;
    }
    // The system answers ten times and then the host is gone before the page is committed.
    house.systems.hang_after(10);
    house.begin("run-1").await;
    house.systems.until_hanging().await;
    let sent = house.systems.writes().len();
    assert_eq!(sent, 10);
    // A crash between an answer and its note sends again, under the same key: here every answer is noted.
    while house.notes("run-1").await < 10 {
        tokio::task::yield_now().await;
    }
    let house = house.restarted().await;
    house.systems.hang_after(usize::MAX);
    let run = house.resumed("run-1").await;
    assert_eq!(
        (run.stage, run.tally.created, run.tally.source_processed),
        (Stage::CompletedSuccess, 20, 20)
    );
    let writes = house.systems.writes();
    let names: std::collections::BTreeSet<String> = writes.iter().map(|write| text(&write.content["name"])).collect();
    assert_eq!((writes.len(), names.len()), (20, 20), "each person was made once");
    assert_eq!(house.links().await, 20);
}

#[tokio::test]
async fn a_source_that_stops_answering_fails_the_run_and_nothing_is_deleted() {
    let house = House::new().await;
    let policies =
        json!([{"situation": "SOURCE_MISSING", "action": "DELETE"}, {"situation": "UNASSIGNED", "action": "DELETE"}]);
    house
        .configure(&mapping("system/hr/person", "system/ldap/account", policies))
        .await;
    for number in 0..5 {
        house
            .systems
            .put("hr/person", &format!("p{number}"), json!({"name": number}));
    }
    house.run(Kind::All, false).await;
    let before = house.systems.writes().len();
    // It fails at the query, then between two pages, then when a single object is read.
    for fails_after in 0..6 {
        house.systems.fail_source_after(fails_after);
        let run = house.run(Kind::All, false).await;
        assert_eq!(run.stage, Stage::CompletedFailed, "{fails_after}");
        assert!(
            run.message.unwrap_or_default().contains("no connection"),
            "{fails_after}"
        );
        assert_eq!(house.systems.writes().len(), before, "{fails_after}");
    }
    house.systems.fail_source_after(usize::MAX);
    assert_eq!(house.run(Kind::All, false).await.tally.unchanged, 5);
}

#[tokio::test]
async fn a_target_object_that_refuses_fails_alone() {
    let house = House::new().await;
    house
        .configure(&mapping("system/hr/person", "system/ldap/account", json!([])))
        .await;
    house.systems.put("hr/person", "a", json!({"name": "Ann"}));
    house.systems.put("hr/person", "b", json!({"name": "refused"}));
    let run = house.run(Kind::All, false).await;
    assert_eq!(
        (run.stage, run.tally.successes, run.tally.failures),
        (Stage::CompletedSuccess, 1, 1)
    );
    assert_eq!(house.links().await, 1);
    assert_eq!(
        house.leftovers().await,
        0,
        "what a run notes for itself is gone with its end"
    );
}
