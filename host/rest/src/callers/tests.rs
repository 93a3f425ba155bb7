//! Signing in, against a store in memory.

use std::time::Duration;

use host_model::tenant::TenantName;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use super::*;
use crate::testing::{ManualClock, Numbers, tenant_store};

struct House {
    callers: Callers,
    clock: Arc<ManualClock>,
    store: TenantStore,
}

const PASSWORD: &str = "correct horse";

async fn house() -> House {
    let clock = Arc::new(ManualClock::default());
    let store = tenant_store(&TenantName::default_tenant()).await;
    let callers = Callers::new(
        store.clone(),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Arc::new(Numbers::default()),
    );
    callers
        .set_password("joe", &Secret::new(PASSWORD), &[ADMIN])
        .await
        .unwrap();
    House { callers, clock, store }
}

impl House {
    async fn sign_in(&self, user: &str, password: &str) -> Result<Arc<Caller>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert("x-openidm-username", user.parse().unwrap());
        headers.insert("x-openidm-password", password.parse().unwrap());
        self.callers
            .authenticate(&headers)
            .await
            .map_err(|problem| problem.code.number())
    }

    async fn show(&self, token: &str) -> Result<Arc<Caller>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
        self.callers
            .authenticate(&headers)
            .await
            .map_err(|problem| problem.code.number())
    }

    async fn fail(&self, user: &str, times: u32) {
        for _ in 0..times {
            let refused = self.sign_in(user, "wrong password").await.unwrap_err();
            assert!(matches!(refused, 401 | 429), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_user_with_the_right_password_is_a_caller_with_the_rights_of_its_roles() {
    let house = house().await;
    let caller = house.sign_in("joe", PASSWORD).await.unwrap();
    assert_eq!(
        (&*caller.tenant, &*caller.name, caller.is_external),
        ("default", "joe", true)
    );
    assert_eq!(*caller.rights, roles::rights(&[ADMIN.to_owned()]));
    assert!(house.callers.has_user("joe").await.unwrap());
    assert!(!house.callers.has_user("ann").await.unwrap());
}

#[tokio::test]
async fn nobody_else_is() {
    let house = house().await;
    for (user, password) in [
        ("joe", "wrong"),
        ("ann", PASSWORD),
        ("JOE", PASSWORD),
        ("joe", ""),
        ("", PASSWORD),
    ] {
        assert_eq!(house.sign_in(user, password).await.unwrap_err(), 401, "{user}");
    }
    assert_eq!(
        house.sign_in("joe", &"x".repeat(MAX_PASSWORD + 1)).await.unwrap_err(),
        401
    );
    assert_eq!(
        house.callers.authenticate(&HeaderMap::new()).await.unwrap_err(),
        Problem::unauthorized()
    );
}

#[tokio::test]
async fn a_new_password_ends_the_old_one_at_once() {
    let house = house().await;
    house.sign_in("joe", PASSWORD).await.unwrap();
    house
        .callers
        .set_password("joe", &Secret::new("battery staple"), &[AUTHORIZED])
        .await
        .unwrap();
    assert_eq!(house.sign_in("joe", PASSWORD).await.unwrap_err(), 401);
    let caller = house.sign_in("joe", "battery staple").await.unwrap();
    assert_eq!(*caller.rights, roles::rights(&[AUTHORIZED.to_owned()]));
}

#[tokio::test]
async fn a_removed_user_is_out_at_once() {
    let house = house().await;
    house.sign_in("joe", PASSWORD).await.unwrap();
    let mut changes = ChangeSet::new();
    changes.delete(user_key("joe"), Expectation::Any);
    house.store.commit(changes).await.unwrap();
    assert_eq!(house.sign_in("joe", PASSWORD).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_name_that_was_tried_too_often_is_closed_for_a_minute() {
    let house = house().await;
    house.fail("joe", throttle::FAILURES).await;
    assert_eq!(house.sign_in("joe", PASSWORD).await.unwrap_err(), 429);
    house.clock.advance(Duration::from_secs(60));
    house.sign_in("joe", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_name_is_closed_like_a_known_one() {
    let house = house().await;
    house.fail("ann", throttle::FAILURES).await;
    assert_eq!(house.sign_in("ann", PASSWORD).await.unwrap_err(), 429);
}

#[tokio::test]
async fn a_caller_who_signed_in_a_while_ago_is_not_locked_out_by_a_stranger() {
    let house = house().await;
    house.sign_in("joe", PASSWORD).await.unwrap();
    house.fail("joe", throttle::FAILURES + 5).await;
    house.sign_in("joe", PASSWORD).await.unwrap();
    house.fail("joe", throttle::FAILURES_WITH_CACHE).await;
    assert_eq!(house.sign_in("joe", PASSWORD).await.unwrap_err(), 429);
}

#[tokio::test]
async fn a_token_names_its_owner_until_it_expires_or_is_revoked() {
    let house = house().await;
    let expires = house.clock.now() + Duration::from_secs(10);
    let token = house.callers.create_token("ci", &[ADMIN], Some(expires)).await.unwrap();
    let caller = house.show(token.expose()).await.unwrap();
    assert_eq!((&*caller.name, caller.is_external), ("ci", true));
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(house.show(token.expose()).await.unwrap_err(), 401);

    let token = house.callers.create_token("ci", &[ADMIN], None).await.unwrap();
    house.show(token.expose()).await.unwrap();
    let id = token.expose().split('_').nth(1).unwrap();
    house.callers.revoke_token(id).await.unwrap();
    assert_eq!(house.show(token.expose()).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_token_that_is_not_right_to_the_last_character_is_refused() {
    let house = house().await;
    let token = house.callers.create_token("ci", &[ADMIN], None).await.unwrap();
    let other = house.callers.create_token("ci", &[ADMIN], None).await.unwrap();
    let (head, secret) = token.expose().rsplit_once('_').unwrap();
    let foreign = other.expose().rsplit_once('_').unwrap().1;
    for wrong in [
        format!("{head}_{foreign}"),
        format!("{head}_"),
        format!("{}x", token.expose()),
        secret.to_owned(),
    ] {
        assert_eq!(house.show(&wrong).await.unwrap_err(), 401, "{wrong}");
    }
}

#[tokio::test]
async fn neither_passwords_nor_tokens_are_stored() {
    let house = house().await;
    let token = house.callers.create_token("ci", &[ADMIN], None).await.unwrap();
    let secret = token.expose().rsplit_once('_').unwrap().1;
    for (collection, kept) in [(USERS, PASSWORD), (TOKENS, secret)] {
        let page = house
            .store
            .scan(&host_store::Scan::all(Collection::new(collection), 10))
            .await
            .unwrap();
        assert_eq!(page.documents.len(), 1, "{collection}");
        let text = String::from_utf8(page.documents[0].body.to_vec()).unwrap();
        assert!(!text.contains(kept), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_user_or_a_token_is_refused() {
    let house = house().await;
    let secret = Secret::new(PASSWORD);
    for name in ["", "a:b", "a\nb", &"x".repeat(MAX_NAME + 1)] {
        let refused = house.callers.set_password(name, &secret, &[]).await;
        assert!(matches!(refused, Err(Error::Name)), "{name:?}");
    }
    for password in ["", "short", &"x".repeat(MAX_PASSWORD + 1)] {
        let refused = house.callers.set_password("ann", &Secret::new(password), &[]).await;
        assert!(matches!(refused, Err(Error::Password)), "{password}");
    }
    let refused = house.callers.set_password("ann", &secret, &["amdin"]).await;
    assert!(matches!(refused, Err(Error::Role(role)) if role == "amdin"));
    assert!(matches!(
        house.callers.create_token("", &[], None).await,
        Err(Error::Name)
    ));
    assert!(matches!(
        house.callers.create_token("ci", &["x"], None).await,
        Err(Error::Role(_))
    ));
}
