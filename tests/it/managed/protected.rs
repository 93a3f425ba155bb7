//! Encrypted and hashed properties: what is stored gives nothing away, and neither does an answer.

use serde_json::{Value, json};

use super::{script, server, user};
use crate::harness::Server;

fn types() -> Value {
    user(
        json!({
            "name": {"type": "string"},
            "password": {"type": "string", "minLength": 4, "encryption": {"purpose": "idm.password.encryption"}},
            "answer": {"type": "string", "secureHash": {"algorithm": "SHA-256"}},
        }),
        json!({"actions": {
            "stored": script("openidm.read('managed/user/joe')"),
            "again": script("openidm.update('managed/user/joe', null, {name: 'joe', password: 'secret', answer: 'blue'})._rev"),
            "copy": script("var me = openidm.read('managed/user/joe'); openidm.create('managed/user', 'jim', {password: me.password, answer: me.answer}); 1"),
            "forge": script("openidm.create('managed/user', 'jim', {password: {'$crypto': {type: 'x-simple-encryption', value: {cipher: 'AES/GCM/NoPadding', key: 'idm.password.encryption.1', iv: 'AAAAAAAAAAAAAAAA', data: 'AAAA'}}}}); 1"),
        }}),
    )
}

#[test]
fn a_secret_is_stored_protected_and_shown_to_nobody_outside() {
    let server = server(&[types()]);
    let client = &server.client;
    let body = json!({"name": "joe", "password": "secret", "answer": "blue"});
    let made = client.put("managed/user/joe", &body);
    assert!(
        !made.text.contains("password") && !made.text.contains("$crypto"),
        "{}",
        made.text
    );
    assert_eq!(made.status, 201);
    for path in [
        "managed/user/joe",
        "managed/user?_queryFilter=true",
        "managed/user/joe?_fields=password,answer",
    ] {
        let shown = client.get(path);
        assert_eq!(shown.status, 200);
        assert!(
            !shown.text.contains("secret") && !shown.text.contains("$crypto"),
            "{}",
            shown.text
        );
    }
    let stored = client.post("managed/user?_action=stored", None).expect(200);
    assert!(!stored.to_string().contains("secret") && !stored.to_string().contains("blue"));
    assert_eq!(stored["password"]["$crypto"]["type"], "x-simple-encryption");
    assert_eq!(
        stored["password"]["$crypto"]["value"]["key"],
        "idm.password.encryption.1"
    );
    assert_eq!(stored["answer"]["$crypto"]["type"], "salted-hash");
    // The policies judged what was given, not what is stored.
    client.put("managed/user/x", &json!({"password": "abc"})).expect(403);
    // From outside a stored form is not taken.
    client
        .put("managed/user/x", &json!({"password": stored["password"]}))
        .expect(400);
    client.get("managed/user/x").expect(404);
}

#[test]
fn a_script_that_writes_the_same_secret_changes_nothing() {
    let server = server(&[types()]);
    let client = &server.client;
    let body = json!({"name": "joe", "password": "secret", "answer": "blue"});
    let made = client.put("managed/user/joe", &body).expect(201);
    assert_eq!(
        client.post("managed/user?_action=again", None).expect(200),
        made["_rev"]
    );
    assert_eq!(client.get("managed/user/joe").expect(200), made);
    // A caller from outside learns nothing from whether the revision changes.
    assert_ne!(client.put("managed/user/joe", &body).expect(200)["_rev"], made["_rev"]);
}

#[test]
fn scripts_hand_stored_forms_on_but_cannot_make_them_up() {
    let server = server(&[types()]);
    let client = &server.client;
    client
        .put("managed/user/joe", &json!({"password": "secret", "answer": "blue"}))
        .expect(201);
    client.post("managed/user?_action=forge", None).expect(400);
    client.get("managed/user/jim").expect(404);
    client.post("managed/user?_action=copy", None).expect(200);
    client.get("managed/user/jim").expect(200);
}

#[test]
fn keys_are_rotated_and_old_values_encrypted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let types = json!({"objects": [types()]});
    let server = Server::in_folder(folder.path(), &types);
    let client = &server.client;
    client
        .put("managed/user/joe", &json!({"password": "secret"}))
        .expect(201);
    client.put("managed/user/ann", &json!({"name": "ann"})).expect(201);
    let keys = std::fs::read_to_string(folder.path().join("keys.json")).unwrap();
    assert!(keys.contains("idm.password.encryption"));
    let rotated = client.post("managed/user?_action=rotateKeys", None).expect(200);
    assert_eq!(rotated, json!({"keys": {"idm.password.encryption": 2}}));
    server.stop();
    let server = Server::in_folder(folder.path(), &types);
    let client = &server.client;
    let key =
        || client.post("managed/user?_action=stored", None).expect(200)["password"]["$crypto"]["value"]["key"].clone();
    assert_eq!(key(), "idm.password.encryption.1");
    let done = client.post("managed/user?_action=reencrypt", None).expect(200);
    assert_eq!(done, json!({"examined": 2, "reencrypted": 1}));
    assert_eq!(key(), "idm.password.encryption.2");
    let done = client.post("managed/user?_action=reencrypt", None).expect(200);
    assert_eq!(done["reencrypted"], 0);
    server.stop();
    // Nothing of it is in the store's file.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(6).any(|window| window == b"secret"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn scripts_of_the_house_encrypt_and_hash_and_nobody_else() {
    let source = "
        var me = openidm.read('managed/user/joe');
        var sealed = openidm.encrypt({a: 1}, null, 'idm.password.encryption');
        var hashed = openidm.hash('blue', 'SHA-512');
        var stranger;
        try { openidm.encrypt('x', null, 'made-up'); } catch (error) { stranger = error.code; }
        [
            openidm.decrypt(me.password), openidm.matches('blue', me.answer), openidm.matches('red', me.answer),
            openidm.isEncrypted(me.password), openidm.isHashed(me.password), openidm.isHashed(me.answer),
            openidm.isEncrypted('x'), openidm.decrypt(sealed).a, openidm.decrypt(openidm.encrypt('y')),
            openidm.matches('blue', hashed), openidm.isHashed(hashed), stranger
        ]";
    let mut user = types();
    super::merge(&mut user, json!({"actions": {"crypto": script(source)}}));
    let server = server(&[user]);
    let client = &server.client;
    client
        .put("managed/user/joe", &json!({"password": "secret", "answer": "blue"}))
        .expect(201);
    let expected = json!(["secret", true, false, true, false, true, false, 1, "y", true, true, 400]);
    assert_eq!(client.post("managed/user?_action=crypto", None).expect(200), expected);
    // A caller from outside decrypts nothing, not even through a script of its own.
    let stored = client.post("managed/user?_action=stored", None).expect(200)["password"].clone();
    client
        .post("crypto?_action=decrypt", Some(&json!({"value": stored})))
        .expect(403);
    let source = format!("openidm.decrypt({stored})");
    let patch = json!([{"operation": "transform", "field": "/name", "value": {"script": script(&source)}}]);
    client.patch("managed/user/joe", &patch).expect(400);
    assert_eq!(client.get("managed/user/joe").expect(200).get("name"), None);
}
