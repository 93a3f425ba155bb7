//! Users that look like those of an organisation: what the demonstration, the bench and the tests work on. The same
//! number and time always give the same user.

use chrono::Duration;
use host_model::clock::{Timestamp, wire_time};
use serde_json::{Value, json};

const GIVEN: [&str; 40] = [
    "Aisha",
    "Amélie",
    "Anders",
    "Babette",
    "Carlos",
    "Chiara",
    "Daniel",
    "Ebba",
    "Emeka",
    "Fatima",
    "Finn",
    "Giulia",
    "Hanna",
    "Hiroshi",
    "Ines",
    "Ivan",
    "Jamal",
    "Joana",
    "Kwame",
    "Lars",
    "Leila",
    "Liam",
    "Lucía",
    "Mateo",
    "Mei",
    "Mila",
    "Nadia",
    "Noah",
    "Olga",
    "Omar",
    "Priya",
    "Rosa",
    "Samuel",
    "Sofia",
    "Tariq",
    "Theo",
    "Valentina",
    "Wei",
    "Yara",
    "Zoë",
];

const FAMILY: [&str; 40] = [
    "Abadi",
    "Andersen",
    "Bauer",
    "Bianchi",
    "Brown",
    "Castillo",
    "Chen",
    "Costa",
    "Dubois",
    "Eriksson",
    "Fischer",
    "García",
    "Hansen",
    "Haddad",
    "Ito",
    "Jensen",
    "Kim",
    "Kowalski",
    "Kumar",
    "Lindqvist",
    "López",
    "Martin",
    "Mensah",
    "Moreau",
    "Müller",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Okafor",
    "Oliveira",
    "Patel",
    "Petrov",
    "Rossi",
    "Schmidt",
    "Silva",
    "Smith",
    "Tanaka",
    "Wagner",
    "Wang",
    "Yılmaz",
];

const DEPARTMENTS: [(&str, &str); 8] = [
    ("Engineering", "Software Engineer"),
    ("Engineering", "Site Reliability Engineer"),
    ("Sales", "Account Executive"),
    ("Finance", "Controller"),
    ("People", "Recruiter"),
    ("Support", "Support Specialist"),
    ("Legal", "Counsel"),
    ("Operations", "Logistics Planner"),
];

const CITIES: [(&str, &str, &str); 6] = [
    ("Bergen", "NO", "Europe/Oslo"),
    ("Lisboa", "PT", "Europe/Lisbon"),
    ("München", "DE", "Europe/Berlin"),
    ("Nairobi", "KE", "Africa/Nairobi"),
    ("Osaka", "JP", "Asia/Tokyo"),
    ("Portland", "US", "America/Los_Angeles"),
];

/// The id of a user.
pub fn user_id(number: u64) -> String {
    format!("user-{number:08}")
}

/// How long ago a user's sunset was, or how far away it is: none has no sunset date.
///
/// Of ten users three are past it, two have one to come, five have none.
fn sunset(number: u64) -> Option<Duration> {
    let minutes = i64::try_from(mixed(number, 7) % 500_000).unwrap_or_default();
    match number % 10 {
        1 | 4 | 7 => Some(Duration::minutes(-minutes - 1)),
        2 | 8 => Some(Duration::minutes(minutes + 24 * 60)),
        _ => None,
    }
}

/// Whether a user's sunset has passed.
pub fn is_past_sunset(number: u64) -> bool {
    sunset(number).is_some_and(|offset| offset < Duration::zero())
}

/// A user, about 1 KB of JSON.
pub fn user(number: u64, now: Timestamp) -> Value {
    let pick = |list: usize, salt: u64| usize::try_from(mixed(number, salt) % list as u64).unwrap_or_default();
    let (given, family) = (GIVEN[pick(GIVEN.len(), 1)], FAMILY[pick(FAMILY.len(), 2)]);
    let (department, title) = DEPARTMENTS[pick(DEPARTMENTS.len(), 3)];
    let (city, country, zone) = CITIES[pick(CITIES.len(), 4)];
    let login = format!("{}.{}.{number}", ascii(given), ascii(family));
    let hired = now - Duration::days(i64::try_from(mixed(number, 5) % 5_000).unwrap_or_default() + 400);
    let mut user = json!({
        "userName": login,
        "givenName": given,
        "sn": family,
        "displayName": format!("{given} {family}"),
        "mail": format!("{login}@example.com"),
        "telephoneNumber": format!("+47 {:08}", mixed(number, 6) % 100_000_000),
        "active": true,
        "accountStatus": "active",
        "employeeNumber": format!("E{number:07}"),
        "title": title,
        "department": department,
        "costCenter": format!("CC-{:04}", mixed(number, 8) % 900 + 100),
        "city": city,
        "country": country,
        "preferredLanguage": format!("en-{country}"),
        "timeZone": zone,
        "hireDate": wire_time(hired),
        "manager": { "_ref": format!("managed/user/{}", user_id(number / 12)) },
        "roles": [
            { "_ref": "managed/role/employee", "_refProperties": { "temporal": false } },
            { "_ref": format!("managed/role/{}", department.to_lowercase()), "_refProperties": { "temporal": true } },
        ],
        "preferences": { "updates": number.is_multiple_of(3), "marketing": number.is_multiple_of(7) },
        "description": format!("{title} in {department}, {city}. Joined {}.", hired.format("%B %Y")),
    });
    if let Some(offset) = sunset(number) {
        user["sunset"] = json!({ "date": wire_time(now + offset) });
    }
    user
}

/// Sixty-four bits that depend on all bits of both numbers (splitmix64).
fn mixed(number: u64, salt: u64) -> u64 {
    let mut mixed = number.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A name as it stands in a login.
fn ascii(name: &str) -> String {
    let letter = |letter: char| match letter {
        'é' | 'ë' => 'e',
        'í' | 'ı' => 'i',
        'ó' => 'o',
        'ü' => 'u',
        letter => letter,
    };
    name.chars()
        .map(letter)
        .filter(char::is_ascii)
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_ten_users_are_past_their_sunset() {
        assert_eq!((0..1_000).filter(|number| is_past_sunset(*number)).count(), 300);
    }

    #[test]
    fn a_user_is_about_a_kilobyte_and_always_the_same() {
        let now = Timestamp::UNIX_EPOCH + Duration::days(20_000);
        for number in [0, 1, 2, 9_999] {
            let user = user(number, now);
            assert_eq!(user, super::user(number, now));
            let size = user.to_string().len();
            assert!((700..1_300).contains(&size), "{size}");
            assert_eq!(
                user["sunset"]["date"]
                    .as_str()
                    .is_some_and(|date| *date < *wire_time(now)),
                is_past_sunset(number)
            );
        }
    }
}
