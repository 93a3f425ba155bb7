//! What a `sync.json` may say, and what it may not.

use serde_json::{Value, json};

use super::*;

fn parse(mapping: Value) -> Result<MappingSpec, String> {
    let mut whole = json!({"name": "m", "source": "managed/user", "target": "managed/role"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(mapping.as_object().unwrap().clone());
    parse_all(&json!({"mappings": [whole]}))
        .map(|mut all| all.remove(0))
        .map_err(|invalid| invalid.to_string())
}

#[test]
fn a_mapping_has_the_defaults_of_the_platform() {
    let spec = parse(json!({})).unwrap();
    assert!(spec.enable_sync && spec.enable_linking && spec.run_target_phase);
    assert!(!spec.allow_empty_source_set && !spec.correlate_empty_target_set);
    assert_eq!((spec.task_threads, spec.max_analysis_runs, spec.max_runs), (10, 1, 3));
    assert_eq!(spec.qualifiers, Qualifiers::Named(vec!["default".to_owned()]));
    assert_eq!(spec.guard, Guard::default());
    assert_eq!(spec.correlation("default"), None);
}

#[test]
fn scripts_stand_in_every_place() {
    let script = json!({"type": "text/javascript", "source": "1"});
    let mut mapping = json!({
        "linkQualifiers": script,
        "sourceCondition": script,
        "correlationQuery": [
            {"type": "text/javascript", "source": "1", "linkQualifier": "user"},
            {"type": "text/javascript", "source": "2"},
        ],
        "properties": [{"target": "a", "transform": script, "condition": script}],
        "policies": [{"situation": "FOUND", "action": script, "condition": script, "postAction": script}],
    });
    for (name, _) in Hook::ALL {
        mapping[name] = script.clone();
    }
    let spec = parse(mapping).unwrap();
    assert_eq!(spec.hooks.len(), Hook::ALL.len());
    assert_eq!(spec.hooks[&Hook::Result].pointer.to_string(), "/mappings/0/result");
    assert_eq!(spec.correlation("user").unwrap().qualifier.as_deref(), Some("user"));
    assert_eq!(spec.correlation("other").unwrap().qualifier, None);
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let script = json!({"type": "text/javascript", "source": "1"});
    let check = |mapping: Value, words: &str| {
        let message = parse(mapping).unwrap_err();
        assert!(message.contains(words), "{message}");
    };
    check(json!({"name": ""}), "/mappings/0/name: 'name' is required");
    check(
        json!({"source": "managed"}),
        "/mappings/0/source: 'managed' is not a container",
    );
    check(
        json!({"polices": []}),
        "/mappings/0/polices: unknown property 'polices'; did you mean 'policies'?",
    );
    check(
        json!({"onMapping": script}),
        "/mappings/0/onMapping: 'onMapping' is not part of this version",
    );
    check(
        json!({"taskThreads": 1000}),
        "/mappings/0/taskThreads: a whole number from 0 to 64",
    );
    check(
        json!({"linkQualifiers": []}),
        "/mappings/0/linkQualifiers: name at least one",
    );
    check(
        json!({"correlationQuery": script, "correlationScript": script}),
        "/mappings/0/correlationScript: there is another correlation",
    );
    check(
        json!({"sourceQuery": {"_queryFilter": "a eq"}}),
        "/mappings/0/sourceQuery/_queryFilter: this is not",
    );
    check(json!({"sourceQuery": {}}), "/mappings/0/sourceQuery: exactly one of");
    check(
        json!({"properties": [{"target": "a"}, {}]}),
        "/mappings/0/properties/1/target",
    );
    check(
        json!({"policies": [{"situation": "LOST"}]}),
        "/mappings/0/policies/0/situation",
    );
    check(
        json!({"links": "other"}),
        "/mappings/0/links: there is no mapping 'other'",
    );
    check(
        json!({"syncAfter": ["other"]}),
        "/mappings/0/syncAfter: there is no mapping 'other'",
    );
    check(
        json!({"deletionGuard": {"maxPercent": 101}}),
        "/mappings/0/deletionGuard/maxPercent",
    );
    check(
        json!({"triggerSyncProperties": ["%"]}),
        "/mappings/0/triggerSyncProperties: '%' is not a pointer",
    );
}

#[test]
fn links_are_shared_between_the_same_containers_only() {
    let both = |source: &str, links: &str| {
        parse_all(&json!({"mappings": [
            {"name": "there", "source": "managed/user", "target": "managed/role"},
            {"name": "back", "source": source, "target": "managed/user", "links": links},
        ]}))
        .map(|all| all.len())
        .map_err(|invalid| invalid.to_string())
    };
    assert_eq!(both("managed/role", "there"), Ok(2));
    assert!(
        both("managed/other", "there")
            .unwrap_err()
            .starts_with("/mappings/1/links: 'there' maps")
    );
    let twice = parse_all(&json!({"mappings": [
        {"name": "a", "source": "managed/user", "target": "managed/role"},
        {"name": "a", "source": "managed/user", "target": "managed/role"},
    ]}));
    assert_eq!(
        twice.unwrap_err().to_string(),
        "/mappings/1/name: there is a mapping 'a' already"
    );
}
