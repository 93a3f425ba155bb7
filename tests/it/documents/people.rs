//! Users, some of whom a scan is for, and what becomes of them.

use serde_json::{Value, json};

use super::USERS;
use crate::harness::{Client, assert_like};

/// Users as they were, and whom the next scan is for.
pub(super) struct People {
    client: Client,
    pub(super) users: Vec<User>,
}

/// One of them.
pub(super) struct User {
    pub(super) path: String,
    pub(super) before: Value,
    pub(super) is_meant: bool,
}

impl People {
    /// Some of each kind, as seen at noon on the first of June 2026.
    pub(super) fn make(client: &Client) -> Self {
        let mut people = Self::none(client);
        let date = |date: &str| json!({"date": date});
        people.add(USERS, "past-for-years", date("2019-10-09T10:48:14.818Z"), true);
        people.add(USERS, "past-since-now", date("2026-06-01T11:59:59.999Z"), true);
        people.add(USERS, "past and without mail", date("2026-05-31T00:00:00.000Z"), true);
        let patch = json!([{"operation": "remove", "field": "/mail"}]);
        people.users[2].before = client.patch(&people.users[2].path, &patch).expect(200);
        people.add(USERS, "tomorrow", date("2026-06-02T00:00:00.000Z"), false);
        people.add(USERS, "never", json!({}), false);
        let completed = json!({"date": "2020-01-01T00:00:00.000Z", "task-completed": "2020-01-01T01:00:00.000Z"});
        people.add(USERS, "completed", completed, false);
        people.add(
            "managed/user",
            "of-another-type",
            date("2019-10-09T10:48:14.818Z"),
            false,
        );
        people
    }

    pub(super) fn none(client: &Client) -> Self {
        Self {
            client: client.clone(),
            users: Vec::new(),
        }
    }

    /// Adds a user.
    pub(super) fn add(&mut self, collection: &str, name: &str, sunset: Value, is_meant: bool) {
        let path = format!("{collection}/{}", name.replace(' ', "%20"));
        let user = json!({
            "userName": name, "mail": format!("{}@example.com", name.replace(' ', ".")),
            "active": true, "accountStatus": "active", "sunset": sunset,
            "groups": ["a", {"nested": [1.5, null]}],
        });
        let before = self.client.put(&path, &user).expect(201);
        self.users.push(User { path, before, is_meant });
    }

    /// From now on, how they are now is how they were.
    pub(super) fn look_again(&mut self) {
        for user in &mut self.users {
            user.before = self.client.get(&user.path).expect(200);
        }
    }

    /// Each of those who are meant is changed by what the script says and by the marks of the task scanner, and by
    /// nothing else; the others are as they were, to the revision.
    #[track_caller]
    pub(super) fn assert_deactivated_at(&self, instant: &str) {
        for User { path, before, is_meant } in &self.users {
            let mut expected = before.clone();
            if *is_meant {
                expected["_rev"] = json!("<rev>");
                expected["active"] = json!(false);
                expected["accountStatus"] = json!("inactive");
                expected["sunset"]["task-started"] = json!(instant);
                expected["sunset"]["task-completed"] = json!(instant);
            }
            let after = self.client.get(path).expect(200);
            assert_like(&after, &expected);
            assert_eq!(after["_rev"] == before["_rev"], !is_meant, "{path}");
        }
    }

    /// Nobody is other than before, to the revision.
    #[track_caller]
    pub(super) fn assert_unchanged(&self) {
        for user in &self.users {
            assert_eq!(self.client.get(&user.path).expect(200), user.before);
        }
    }
}
