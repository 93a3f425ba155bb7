//! Objects that move money: a scan whose every object writes several documents is killed at random moments, again and
//! again, and no partial effect is ever seen.

use serde_json::{Value, json};

use super::{execute, id, progress, scan};
use crate::harness::{Client, Dice, Process, kills, pause};

/// As many kills as fit into a minute where the tests run by themselves.
const KILLS: u64 = 24;

/// Kills of one scan; then the next one begins on fresh data.
const KILLS_EACH: u64 = 12;

const USERS: usize = 1_200;
const ACCOUNTS: usize = 7;
const BALANCE: i64 = 1_000;

/// Takes from one account what it gives to another, writes it down, and fails for some after it has written everything.
const MOVE: &str = r#"
    for (var i = 0, sum = 0; i < 40000; i++) sum += i;
    var from = 'managed/user/account-' + input.number % 7;
    var to = 'managed/user/account-' + (input.number * 3 + 1) % 7;
    var amount = input.number % 11;
    openidm.patch(from, null, [{operation: 'increment', field: '/balance', value: -amount}]);
    openidm.patch(to, null, [{operation: 'increment', field: '/balance', value: amount}]);
    openidm.create('managed/user', 'entry-' + input._id, {entry: true, amount: amount, from: from, to: to});
    openidm.patch(objectID, null, [{operation: 'increment', field: '/count', value: 1}]);
    if (input.number % 50 === 49) throw {code: 409, message: 'not this one'};
    true;
"#;

#[test]
fn a_ledger_is_in_balance_however_often_the_process_is_killed() {
    let kills = kills(KILLS);
    let (mut left, mut dice, mut met) = (kills, Dice(kills), 0);
    while left > 0 {
        let (done, met_now) = one_scan(left.min(KILLS_EACH), &mut dice);
        left -= done;
        met += met_now;
    }
    // Most of them meet the run while it is at work.
    assert!(met * 2 >= kills, "only {met} of {kills} kills met a run");
}

/// Kills one scan again and again, lets it end, and audits the books. How many kills there were, and how many met the run.
fn one_scan(kills: u64, dice: &mut Dice) -> (u64, u64) {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::serve(data.path());
    populate(&process.client);
    let run = execute(&process.client, &scan("number pr and !(/task/completed pr)", MOVE));
    let (mut done, mut met, mut last) = (0, 0, 0);
    for kill in 0..kills {
        // So much further than at the last kill, and then a few pauses more: somewhere in a page, a commit, a start.
        let goal = last + dice.below(USERS as u64 / KILLS_EACH);
        let mut goes_on = true;
        for _ in 0..2_000 {
            (last, goes_on) = progress(&process.client, &run);
            if !goes_on || last >= goal {
                break;
            }
            pause();
        }
        (0..dice.below(4)).for_each(|_| pause());
        process.kill();
        done += 1;
        met += u64::from(goes_on);
        process = Process::serve(data.path());
        if kill % 5 == 4 {
            audit(&process.client, None);
        }
        if !goes_on {
            break;
        }
    }
    let ended = process.client.ended_run(&run);
    audit(&process.client, Some(&ended));
    (done, met)
}

fn populate(client: &Client) {
    super::populate(client, USERS);
    for account in 0..ACCOUNTS {
        let content = json!({"account": true, "balance": BALANCE});
        client
            .put(&format!("managed/user/account-{account}"), &content)
            .expect(201);
    }
}

/// The sum over all accounts is what it was; every user has its entry, its count and its mark, or none of them; and each
/// account has just what its entries say.
fn audit(client: &Client, ended: Option<&Value>) {
    // One page is one moment.
    let accounts = client.query("managed/user", "account eq true");
    let balance = |account: &Value| account["balance"].as_i64().unwrap();
    assert_eq!(accounts.len(), ACCOUNTS);
    assert_eq!(accounts.iter().map(balance).sum::<i64>(), BALANCE * ACCOUNTS as i64);
    // The rest is more than a page: it stands still only when the run does.
    let Some(ended) = ended else { return };
    let entries = client.query("managed/user", "entry eq true");
    for account in &accounts {
        let path = format!("managed/user/{}", account["_id"].as_str().unwrap());
        let moved = |side: &str| -> i64 {
            let of = entries.iter().filter(|entry| entry[side] == path.as_str());
            of.map(|entry| entry["amount"].as_i64().unwrap()).sum()
        };
        assert_eq!(balance(account), BALANCE + moved("to") - moved("from"), "{account}");
    }
    let failed = USERS / 50;
    let users = super::users(client);
    assert_eq!((users.len(), entries.len()), (USERS, USERS - failed));
    for user in users {
        let number = user["number"].as_u64().unwrap();
        let is_done = number % 50 != 49;
        let entry = format!("entry-{}", id(usize::try_from(number).unwrap()));
        let has_entry = entries.iter().any(|one| one["_id"] == entry.as_str());
        assert_eq!(
            (has_entry, &user["count"], user["task"]["completed"].is_string()),
            (is_done, &json!(u64::from(is_done)), is_done),
            "{user}"
        );
    }
    let progress = &ended["progress"];
    assert_eq!(
        (&progress["state"], &progress["successes"], &progress["failures"]),
        (&json!("COMPLETED"), &json!(USERS - failed), &json!(failed)),
        "{ended}"
    );
    // What was counted beside the record was counted once as well.
    let run = ended["_id"].as_str().unwrap();
    let groups = client.query(&format!("taskscanner/{run}/failureGroup"), "true");
    assert_eq!((groups.len(), &groups[0]["count"]), (1, &json!(failed)), "{groups:?}");
    assert_eq!(
        client.query(&format!("taskscanner/{run}/failure"), "true").len(),
        failed
    );
    let fuel = |name: &str| ended["usage"]["fuel"][name].as_u64().unwrap();
    let (sum, least, most) = (fuel("sum"), fuel("p50") / 2 * USERS as u64, fuel("max") * USERS as u64);
    assert!((least..=most).contains(&sum), "{sum} is not between {least} and {most}");
}
