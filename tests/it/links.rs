//! Links that customers share: what whoever follows one sees, and what of it the link's plugin is told.

use serde_json::Value;

use crate::{
    shop::DOMAIN,
    showcase::{MIRA, NAME, Stage, form_keys},
};

/// What a browser says of itself.
const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");

/// A proxy on this machine says for whom it asks.
fn from(address: &str) -> (&'static str, &str) {
    ("x-forwarded-for", address)
}

/// The cookie that a page sets, as a browser sends it back.
fn cookie(page: &reqwest::Response) -> Option<String> {
    let set = page.headers().get("set-cookie")?.to_str().expect("a cookie is text");
    set.split(';').next().map(ToOwned::to_owned)
}

fn words(payload: &Value, of: &str) -> Vec<String> {
    let signals = payload["signals"].as_array().expect("there are signals").iter();
    signals.map(|signal| signal[of].as_str().expect("it is a text").to_owned()).collect()
}

#[tokio::test]
async fn whoever_follows_a_link_sees_its_page_and_counts_once_a_day() {
    let stage = Stage::open().await;
    let (public, link) = (stage.host.webhooks_url().to_owned(), stage.link().await);
    let first = stage.page(&public, &link, &[BROWSER, from("203.0.113.7"), ("accept-language", "nl")]).await;
    assert_eq!(first.status(), 200);
    let set = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["regulars_device=", "HttpOnly", "SameSite=Lax", "Max-Age=31536000", "Path=/l"] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = cookie(&first).unwrap();
    let html = first.text().await.unwrap();
    let name = link.strip_prefix("/l/").unwrap();
    assert!(html.contains("Tell a friend") && html.contains("Naar Fern"), "{html}");
    assert!(html.contains(&format!("https:&#x2f;&#x2f;fern.example&#x2f;?regulars_link={name}")), "{html}");
    for path in [link.clone(), link.to_lowercase()] {
        let again = stage.page(&public, &path, &[BROWSER, from("203.0.113.7"), ("cookie", &cookie)]).await;
        assert_eq!(again.status(), 200);
        assert!(again.headers().get("set-cookie").is_none(), "it has its cookie");
    }
    let visits = stage.told_of("link.visited").await;
    assert_eq!(visits.len(), 1, "{visits:?}");
    assert_eq!(visits[0]["link"], name);
    assert_eq!(words(&visits[0], "kind"), ["ip", "ip-agent", "device"]);
    assert!(!visits[0].to_string().contains("203.0.113.7"), "who it was is not told: {}", visits[0]);
    let event = stage.events().await.into_iter().find(|event| event["topic"] == "link.visited").unwrap();
    assert_eq!(event["customer"], MIRA, "the link's customer");

    // Another device behind the same address.
    assert_eq!(stage.page(&public, &link, &[BROWSER, from("203.0.113.7")]).await.status(), 200);
    let visits = stage.told_of("link.visited").await;
    assert_eq!(visits.len(), 2);
    let [one, other] = [&visits[0], &visits[1]].map(|visit| words(visit, "key"));
    assert!(one[..2] == other[..2] && one[2] != other[2], "{visits:?}");
}

#[tokio::test]
async fn what_nobody_looks_at_is_no_visit() {
    let stage = Stage::open().await;
    let (public, link) = (stage.host.webhooks_url().to_owned(), stage.link().await);
    assert_eq!(stage.head(&public, &link, &[BROWSER]).await.status(), 200);
    for headers in [&[BROWSER, ("sec-purpose", "prefetch")][..], &[("user-agent", "Googlebot/2.1")], &[]] {
        assert_eq!(stage.page(&public, &link, headers).await.status(), 200, "{headers:?}");
    }
    assert_eq!(stage.told_of("link.visited").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_link_that_leads_nowhere_says_so() {
    let stage = Stage::open().await;
    let (public, link) = (stage.host.webhooks_url().to_owned(), stage.link().await);
    let page = stage.page(&public, "/l/NOSUCH", &[BROWSER, ("accept-language", "de-CH")]).await;
    assert_eq!(page.status(), 404);
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"de\">") && html.contains("funktioniert nicht mehr"), "{html}");
    stage.run(&["plugin", "disable", DOMAIN, NAME]);
    assert_eq!(stage.page(&public, &link, &[BROWSER]).await.status(), 404, "its plugin is off");
    stage.run(&["plugin", "enable", DOMAIN, NAME, "--grant-all"]);
    assert_eq!(stage.page(&public, &link, &[BROWSER]).await.status(), 200, "and on again");
}

#[tokio::test]
async fn a_visitor_may_ask_something_of_the_links_plugin_once_for_each_form() {
    let stage = Stage::open().await;
    let (public, link) = (stage.host.webhooks_url().to_owned(), stage.link().await);
    let page = stage.page(&public, &link, &[BROWSER]).await;
    let cookie = cookie(&page).unwrap();
    let keys = form_keys(&page.text().await.unwrap());
    let body = format!("email=+friend%40example.com&link=forged&signals=forged&regulars-key={}", keys[0]);
    let headers = [BROWSER, ("cookie", cookie.as_str())];
    let path = format!("{link}/actions/join");
    for _ in 0..2 {
        let answer = stage.form(&public, &path, body.clone(), &headers).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], format!("../../{}?taken", link.strip_prefix("/l/").unwrap()));
    }
    let asked = stage.told_of("shopper.action").await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["email"], "friend@example.com");
    assert_eq!(asked[0]["link"], link.strip_prefix("/l/").unwrap(), "what the host knows cannot be forged");
    assert_eq!(words(&asked[0], "kind"), ["ip", "ip-agent", "device"]);
    let visit = &stage.told_of("link.visited").await[0];
    assert_eq!(words(visit, "key"), words(&asked[0], "key"), "the visitor is the same");

    let taken = stage.page(&public, &format!("{link}?taken"), &headers).await.text().await.unwrap();
    assert!(taken.contains("role=\"status\""), "{taken}");
    let large = format!("regulars-key=k&email={}", "x".repeat(17 << 10));
    for body in [large.as_str(), "email=x"] {
        assert_eq!(stage.form(&public, &path, body.to_owned(), &headers).await.status(), 400);
    }
    assert_eq!(stage.told_of("shopper.action").await.len(), 1);
}

#[tokio::test]
async fn one_address_cannot_keep_the_host_busy_and_another_is_served_meanwhile() {
    let stage = Stage::open().await;
    let (public, link) = (stage.host.webhooks_url().to_owned(), stage.link().await);
    let path = format!("{link}/actions/join");
    let mut statuses = Vec::new();
    // More than are let through in two hours: one may begin anew meanwhile.
    for _ in 0..61 {
        let answer = stage.form(&public, &path, "regulars-key=one".to_owned(), &[BROWSER, from("203.0.113.7")]).await;
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.contains(&429) && statuses[0] == 303, "{statuses:?}");
    let other = stage.form(&public, &path, "regulars-key=two".to_owned(), &[BROWSER, from("198.51.100.1")]).await;
    assert_eq!(other.status(), 303);
}
