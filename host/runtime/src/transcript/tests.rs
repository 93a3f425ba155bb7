//! Recording, showing, playing.

use host_model::secrets::MASK;
use serde_json::json;

use super::player::{Departure, Player};
use super::*;
use crate::host::to_guest;

const PATCH: &str =
    r#"[{"operation":"replace","field":"/password","value":"hunter2"},{"operation":"add","field":"/n","value":1}]"#;

fn recorded() -> Transcript {
    let mut transcript = Transcript::default();
    transcript.ask(
        "patch",
        "managed/user/a",
        &[
            ("rev", Given::Plain(None)),
            ("operations", Given::Json(Some(PATCH))),
            ("fields", Given::List(&["_id".to_owned()])),
        ],
    );
    transcript.answer(
        Answered::Json(Some(
            r#"{"_id":"a","clientSecret":"s3cret","mail":{"$crypto":{"value":"x"}}}"#,
        )),
        false,
        7,
    );
    transcript.ask("read", "managed/user/b", &[("fields", Given::List(&[]))]);
    transcript.answer(Answered::Json(None), false, 0);
    transcript
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let shown = recorded().to_json();
    let text = shown.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("s3cret") && !text.contains("$crypto"),
        "{text}"
    );
    assert_eq!(shown[0]["arguments"]["operations"][0]["value"], MASK);
    assert_eq!(shown[0]["arguments"]["operations"][1]["value"], 1);
    assert_eq!(
        shown[0]["answer"],
        json!({"value": {"_id": "a", "clientSecret": MASK, "mail": MASK}})
    );
    assert_eq!(
        shown[1],
        json!({"verb": "read", "path": "managed/user/b", "arguments": {"fields": []}, "answer": {"absent": true}})
    );
}

#[test]
fn a_transcript_is_bounded_and_says_what_it_left_out() {
    let mut transcript = Transcript::default();
    let long = format!(r#"{{"a":1,"password":"hunter2","b":"{}"}}"#, "x".repeat(MAX_TEXT));
    for _ in 0..150 {
        transcript.ask("create", "managed/user", &[("content", Given::Json(Some(&long)))]);
        transcript.answer(Answered::Json(Some(&long)), false, 0);
    }
    assert!(transcript.bytes() <= MAX_BYTES + 100, "{}", transcript.bytes());
    let shown = transcript.to_json();
    let calls = shown.as_array().unwrap();
    assert_eq!(calls.len() as u64 + transcript.dropped(), 150);
    assert_eq!(calls[0]["cut"], json!(["content", "answer"]));
    assert_eq!(calls[0]["arguments"]["content"], json!({"a": 1, "password": MASK}));
    let mut many = Transcript::default();
    for _ in 0..150 {
        many.ask("read", "a", &[]);
        many.answer(Answered::Json(None), false, 0);
    }
    assert_eq!(
        (many.to_json().as_array().unwrap().len(), many.dropped()),
        (MAX_CALLS, 50)
    );
}

#[test]
fn what_is_no_json_is_not_shown() {
    let mut transcript = Transcript::default();
    transcript.ask("create", "a", &[("content", Given::Json(Some("password=hunter2")))]);
    assert_eq!(
        transcript.to_json()[0]["arguments"]["content"],
        "(16 bytes that are no JSON)"
    );
    assert!(transcript.to_json()[0].get("answer").is_none());
}

#[test]
fn a_player_answers_what_was_asked_then_and_stops_at_the_first_difference() {
    let play = |player: &Player, operations: &str| {
        player.play(
            "patch",
            "managed/user/a",
            &[
                ("rev", Given::Plain(None)),
                ("operations", Given::Json(Some(operations))),
                ("fields", Given::List(&["_id".to_owned()])),
            ],
        )
    };
    let calls = || recorded().to_json().as_array().unwrap().clone();
    let player = Player::new(calls(), false);
    // Another password is no difference: nobody knows what it was.
    let told = play(&player, &PATCH.replace("hunter2", "other")).unwrap();
    assert_eq!(told.fuel, 7);
    assert!(told.answer.unwrap().unwrap().contains(MASK));
    assert_eq!(player.next().unwrap().0, 2);
    assert!(
        player
            .play("read", "managed/user/b", &[("fields", Given::List(&[]))])
            .unwrap()
            .answer
            .unwrap()
            .is_none()
    );
    assert_eq!((player.next(), player.departure()), (None, None));
    assert!(player.play("read", "managed/user/c", &[]).is_none());
    assert!(matches!(
        player.departure(),
        Some(Departure::Other {
            number: 3,
            then: None,
            ..
        })
    ));

    let player = Player::new(calls(), false);
    assert!(play(&player, &PATCH.replace(":1}", ":2}")).is_none());
    assert!(matches!(
        player.departure(),
        Some(Departure::Other {
            number: 1,
            then: Some(_),
            ..
        })
    ));

    let player = Player::new(Vec::new(), true);
    assert!(play(&player, PATCH).is_none());
    assert!(matches!(player.departure(), Some(Departure::Unknown { number: 1, .. })));
}

#[test]
fn a_problem_is_told_as_it_was() {
    let mut transcript = Transcript::default();
    transcript.ask("read", "a", &[]);
    let problem = to_guest(Problem::forbidden("no grant for read on a"));
    transcript.answer(Answered::Problem(&problem), true, 0);
    let player = Player::new(transcript.to_json().as_array().unwrap().clone(), false);
    let told = player.play("read", "a", &[]).unwrap();
    assert_eq!(told.refused.as_deref(), Some("read on a"));
    assert!(matches!(told.answer, Err(types::Problem::Forbidden(_))));
}
