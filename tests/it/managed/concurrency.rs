//! Clients that change the same object at the same time: nothing is lost, and nobody is told what is not so.

use std::thread;

use serde_json::{Value, json};

use crate::harness::{Client, Server};

/// Calls of each client.
const CALLS: usize = 60;

/// Has several clients do something so many times, all at once.
fn together(server: &Server, clients: usize, act: impl Fn(&Client, usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..clients {
            let client = Client::new(server.client.base.clone());
            let act = &act;
            scope.spawn(move || (0..CALLS).for_each(|call| act(&client, number * CALLS + call)));
        }
    });
}

#[test]
fn increments_of_two_clients_add_up() {
    let server = Server::start();
    server.client.put("managed/user/counter", &json!({"n": 0})).expect(201);
    let patch = json!([{"operation": "increment", "field": "/n", "value": 1}]);
    together(&server, 2, |client, _| {
        drop(client.patch("managed/user/counter", &patch).expect(200))
    });
    assert_eq!(server.client.get("managed/user/counter").expect(200)["n"], 2 * CALLS);
}

#[test]
fn what_two_clients_append_is_all_there() {
    let server = Server::start();
    server.client.put("managed/user/list", &json!({"list": []})).expect(201);
    together(&server, 2, |client, call| {
        let patch = json!([{"operation": "add", "field": "/list/-", "value": call}]);
        let answer = client.patch("managed/user/list", &patch).expect(200);
        assert!(answer["list"].as_array().unwrap().contains(&json!(call)));
    });
    let list = server.client.get("managed/user/list").expect(200)["list"].clone();
    let mut calls: Vec<u64> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call.as_u64().unwrap())
        .collect();
    calls.sort_unstable();
    assert_eq!(calls, (0..2 * CALLS as u64).collect::<Vec<_>>());
}

#[test]
fn whoever_updates_a_revision_that_is_gone_is_told() {
    let server = Server::start();
    server.client.put("managed/user/counter", &json!({"n": 0})).expect(201);
    together(&server, 2, |client, _| {
        for _ in 0..10_000 {
            let read = client.get("managed/user/counter").expect(200);
            let next = json!({"n": read["n"].as_u64().unwrap() + 1});
            let headers = [("If-Match", read["_rev"].as_str().unwrap())];
            match client.request("PUT", "managed/user/counter", &headers, Some(&next)) {
                answer if answer.status == 412 => {}
                answer => return drop(answer.expect(200)),
            }
        }
        panic!("the update never succeeds");
    });
    assert_eq!(server.client.get("managed/user/counter").expect(200)["n"], 2 * CALLS);
}

#[test]
fn an_object_is_created_by_one_client_only() {
    let server = Server::start();
    let won = parking_lot::Mutex::new(Vec::new());
    together(&server, 2, |client, call| {
        // Both clients ask for the same ids in the same order.
        let path = format!("managed/user/{}", call % CALLS);
        let answer = client.request("PUT", &path, &[("If-None-Match", "*")], Some(&json!({"by": call})));
        match answer.status {
            201 => won.lock().push(call),
            _ => drop(answer.expect(412)),
        }
    });
    let mut stored: Vec<usize> = server
        .client
        .query("managed/user", "true")
        .iter()
        .map(|user| user["by"].as_u64().unwrap() as usize)
        .collect();
    let mut won = won.into_inner();
    won.sort_unstable();
    stored.sort_unstable();
    assert_eq!(stored, won);
    assert_eq!(won.len(), CALLS);
}

#[test]
fn an_object_that_comes_and_goes_is_never_half_there() {
    let server = Server::start();
    together(&server, 3, |client, call| {
        let path = "managed/user/ghost";
        match call % 3 {
            0 => drop(client.delete(path)),
            1 => {
                let answer = client.put(path, &json!({"a": call, "b": call}));
                // Nearly always created or updated; an upsert that others overtake again and again may say so.
                assert!(matches!(answer.status, 200 | 201 | 409), "{}", answer.text);
            }
            _ => {
                let found: Vec<Value> = client.query("managed/user", "true");
                assert!(found.iter().all(|ghost| ghost["a"] == ghost["b"]));
            }
        }
    });
}
