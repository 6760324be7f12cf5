//! `/preferences/{token}`: what a recipient wants to get, when, and nothing at all.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use minijinja::{Value, context};

use super::{
    html,
    unsubscribe::{Denied, Reader, reader},
    words,
};
use crate::{
    catalog::{StoreEntry, templates::date_in_words},
    domain::{Capability, PluginName, Timestamp},
    effects::contacts::{self, Choice, Pause},
    host::Host,
};

/// What the page's address ends in after something was saved.
const SAVED: &str = "saved";

const DAY: Duration = Duration::from_secs(86_400);

/// `GET /preferences/{token}`
pub async fn show(
    State(host): State<Arc<Host>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Denied> {
    Ok(page(&reader(&host, &token)?, host.clock.now(), query.as_deref() == Some(SAVED)))
}

fn page(reader: &Reader, now: Timestamp, saved: bool) -> Response {
    let (words, contact) = (reader.words, &reader.standing.contact);
    let is_unsubscribed = reader.standing.is_unsubscribed();
    let topics: Vec<Value> = topics(&reader.store)
        .map(|(plugin, title)| {
            let wanted = !is_unsubscribed && !contact.topics_off.contains(plugin);
            context! { plugin => plugin.as_str(), title, wanted }
        })
        .collect();
    let paused_until = contact.paused_until.filter(|until| *until > now);
    let choice = |value: &str, label: String, chosen: bool| context! { value, label, chosen };
    let mut pauses = vec![choice("none", words.no_pause.into(), paused_until.is_none())];
    if let Some(until) = paused_until {
        pauses.insert(0, choice("keep", words.paused_until.replace("{}", &day_of(reader, until)), true));
    }
    pauses.extend([choice("30", words.pause_30.into(), false), choice("90", words.pause_90.into(), false)]);
    reader.page("preferences.html", words.preferences_title, context! { topics, pauses, is_unsubscribed, saved })
}

/// One topic for each plugin of the store that writes mails: its name and what merchants call it.
fn topics(store: &StoreEntry) -> impl Iterator<Item = (&PluginName, &str)> {
    let manifests = store.enabled.iter().map(|enabled| &enabled.installed.package.manifest);
    let writing = manifests.filter(|manifest| manifest.capabilities.contains(&Capability::Mail));
    writing.map(|manifest| (&manifest.name, manifest.title.as_str()))
}

/// The day of an instant where the shop is, in words.
fn day_of(reader: &Reader, at: Timestamp) -> String {
    let instant = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let date = reader.store.context.time_zone.to_datetime(instant.unwrap_or_default()).date();
    date_in_words(date, &reader.locale)
}

/// `POST /preferences/{token}`
pub async fn save(State(host): State<Arc<Host>>, Path(token): Path<String>, body: Bytes) -> Result<Response, Denied> {
    let reader = reader(&host, &token)?;
    let recipient = &reader.recipient;
    let Ok(fields) = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&body) else {
        let words = words::of(reader.words.lang);
        return Ok(html::notice(StatusCode::BAD_REQUEST, words, words.unreadable).into_response());
    };
    match fields.iter().any(|(name, _)| name == "leave") {
        true => contacts::unsubscribe(&host.outbox, recipient.store, recipient.contact).await?,
        false => contacts::choose(&host.outbox, recipient, &choice(&reader.store, &fields)).await?,
    }
    Ok(Redirect::to(&format!("?{SAVED}")).into_response())
}

/// What a form says; of topics and pauses that it was not offered, nothing.
fn choice(store: &StoreEntry, fields: &[(String, String)]) -> Choice {
    let offered: BTreeSet<PluginName> = topics(store).map(|(plugin, _)| plugin.clone()).collect();
    let said =
        |field: &'static str| fields.iter().filter(move |(name, _)| name == field).map(|(_, value)| value.as_str());
    let wanted = said("topic").map(PluginName::from).filter(|plugin| offered.contains(plugin)).collect();
    let pause = match said("pause").next_back() {
        Some("none") => Pause::None,
        Some("30") => Pause::For(30 * DAY),
        Some("90") => Pause::For(90 * DAY),
        _ => Pause::Keep,
    };
    Choice { offered, wanted, pause }
}
