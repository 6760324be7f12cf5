//! `/v1/stores/{store}/plugins/{plugin}/templates`: a plugin's mails as a store's customers get them, and what the
//! merchant puts in their place. `/v1/stores/{store}/letterhead`: what stands in each of them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    plugin_name, read, store_id,
};
use crate::{
    catalog::{
        Enabled, StoreEntry,
        templates::{ChangedMail, Locale, Part, Shop},
    },
    domain::PluginName,
    host::Host,
    store::{CommitError, Error, Letterhead, TemplateOverride, Transaction, keys},
};

/// A mail shows what a plugin and a merchant wrote: it may load pictures and run nothing.
const PREVIEW_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'; base-uri 'none'",
);

/// Bytes of a postal address: some lines on an envelope.
const ADDRESS_BYTES: usize = 500;

/// What a merchant has changed, and whether it is sent.
#[derive(Serialize)]
struct ChangeView {
    locale: String,
    version: u32,
    /// Why the plugin's own is sent instead.
    warning: Option<String>,
}

impl From<&ChangedMail> for ChangeView {
    fn from(change: &ChangedMail) -> Self {
        Self {
            locale: change.locale.to_string(),
            version: change.version,
            warning: change.warning.as_ref().map(ToString::to_string),
        }
    }
}

/// The plugin's mails, their languages, and what is changed of them.
pub async fn list(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
) -> Result<Json<Vec<Value>>> {
    let entry = host.catalog.store_named(&store)?;
    let mails = &host.catalog.enabled(&entry, &plugin_name(&plugin))?.mails;
    let view = |name: &str| {
        let changes = mails.changes.iter().filter(|change| change.mail == name).map(ChangeView::from);
        json!({
            "template": name,
            "locales": mails.own.locales().map(ToString::to_string).collect::<Vec<_>>(),
            "has_sample": mails.own.sample_of(name).is_some(),
            "changes": changes.collect::<Vec<_>>(),
        })
    };
    Ok(Json(mails.own.names().map(view).collect()))
}

/// One mail in one language, found by a path.
struct Named {
    entry: Arc<StoreEntry>,
    plugin: PluginName,
    mail: String,
    locale: Locale,
}

type NamedPath = Path<(String, String, String, String)>;

impl Named {
    fn find(host: &Host, (store, plugin, mail, locale): (String, String, String, String)) -> Result<Self> {
        let entry = host.catalog.store_named(&store)?;
        let plugin = plugin_name(&plugin);
        let Some(locale) = Locale::parse(&locale) else {
            return Err(Problem::bad_request(format!("`{locale}` is no language tag, such as `de` or `pt-BR`")));
        };
        if !host.catalog.enabled(&entry, &plugin)?.mails.own.contains(&mail) {
            return Err(Problem::missing(format!("the plugin `{plugin}` has no mail `{mail}`")));
        }
        Ok(Self { entry, plugin, mail, locale })
    }

    fn enabled(&self, host: &Host) -> Result<&Enabled> {
        Ok(host.catalog.enabled(&self.entry, &self.plugin)?)
    }
}

/// What the merchant sends to change a mail; what is left out stays the plugin's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    #[serde(default)]
    texts: BTreeMap<String, String>,
    mjml: Option<String>,
    text: Option<String>,
}

/// The plugin's own, the merchant's latest change, and all versions of it.
pub async fn show(State(host): State<Arc<Host>>, Path(path): NamedPath) -> Result<Json<Value>> {
    let named = Named::find(&host, path)?;
    let mails = &named.enabled(&host)?.mails;
    let versions = host.catalog.template_versions(named.entry.id(), &named.plugin, &named.mail, &named.locale)?;
    let change = versions.last().filter(|(_, change)| !change.is_empty());
    let standing = mails.changes.iter().find(|it| it.mail == named.mail && it.locale == named.locale);
    let own = &mails.own;
    Ok(Json(json!({
        "plugin": named.plugin,
        "template": named.mail,
        "locale": named.locale.to_string(),
        "own": {
            "texts": own.texts_of(&named.mail, &named.locale),
            "mjml": own.source_of(&named.mail, Part::Mjml),
            "text": own.source_of(&named.mail, Part::Text),
        },
        "sample": own.sample_of(&named.mail),
        "change": change.map(|(_, change)| json!({
            "texts": change.texts,
            "mjml": change.mjml,
            "text": change.text,
        })),
        "warning": standing.and_then(|it| it.warning.as_ref()).map(ToString::to_string),
        "versions": versions.iter().map(|(version, change)| json!({
            "version": version,
            "saved_at": change.saved_at,
            "is_own": change.is_empty(),
        })).collect::<Vec<_>>(),
    })))
}

/// Puts the merchant's words in place of the plugin's, if the mail renders with them.
pub async fn save(
    State(host): State<Arc<Host>>,
    Path(path): NamedPath,
    Json(body): Json<ChangeBody>,
) -> Result<Json<Value>> {
    let named = Named::find(&host, path)?;
    let change =
        TemplateOverride { texts: body.texts, mjml: body.mjml, text: body.text, ..TemplateOverride::default() };
    if change.is_empty() {
        return Err(Problem::bad_request("nothing is changed: send `texts`, `mjml` or `text`, or delete the change"));
    }
    put(&host, named, change).await
}

/// Brings back the plugin's own.
pub async fn reset(State(host): State<Arc<Host>>, Path(path): NamedPath) -> Result<Json<Value>> {
    put(&host, Named::find(&host, path)?, TemplateOverride::default()).await
}

async fn put(host: &Host, named: Named, change: TemplateOverride) -> Result<Json<Value>> {
    let Named { entry, plugin, mail, locale } = named;
    let version = host.catalog.change_template(&entry.record.domain, &plugin, &mail, &locale, change).await?;
    Ok(Json(json!({ "template": mail, "locale": locale.to_string(), "version": version })))
}

#[derive(Deserialize)]
pub struct PreviewQuery {
    /// As marketing, with its ways out.
    #[serde(default)]
    marketing: bool,
    /// The plain-text twin.
    #[serde(default)]
    text: bool,
}

/// The mail as this store's customers get it, with the sample that the plugin's manifest gives.
pub async fn preview(
    State(host): State<Arc<Host>>,
    Path(path): NamedPath,
    Query(query): Query<PreviewQuery>,
) -> Result<Response> {
    let named = Named::find(&host, path)?;
    let letterhead = letterhead_of(&host, &named.entry)?;
    let record = &named.entry.record;
    let shop = Shop { name: &record.name, url: &record.url, postal_address: letterhead.postal_address.as_deref() };
    let mails = &named.enabled(&host)?.mails;
    let rendered =
        mails.preview(&named.mail, &named.locale, shop, query.marketing).map_err(crate::catalog::Error::from)?;
    let Some(rendered) = rendered else {
        let sample = format!("[templates.{}.sample]", named.mail);
        return Err(Problem::missing(format!("the plugin's manifest has no {sample} to show the mail with")));
    };
    let (kind, body) = match query.text {
        true => ("text/plain; charset=utf-8", format!("{}\n\n{}", rendered.subject, rendered.text)),
        false => ("text/html; charset=utf-8", rendered.html),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, PREVIEW_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, body).into_response())
}

fn letterhead_of(host: &Host, entry: &StoreEntry) -> Result<Letterhead, Error> {
    Ok(read(host, &keys::letterhead(entry.id()))?.unwrap_or_default())
}

/// What stands in each of a store's mails.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterheadView {
    postal_address: Option<String>,
}

pub async fn letterhead(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<LetterheadView>> {
    let entry = host.catalog.store_named(&store)?;
    Ok(Json(LetterheadView { postal_address: letterhead_of(&host, &entry)?.postal_address }))
}

pub async fn set_letterhead(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<LetterheadView>,
) -> Result<Json<LetterheadView>> {
    let store = store_id(&host, &store)?;
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let postal_address = body.postal_address.map(one_line).filter(|address| !address.is_empty());
    if postal_address.as_ref().is_some_and(|address| address.len() > ADDRESS_BYTES) {
        return Err(Problem::bad_request(format!("`postal_address` has more than {ADDRESS_BYTES} bytes")));
    }
    let letterhead = Letterhead { postal_address };
    let mut transaction = Transaction::new(Arc::clone(&host.outbox.store));
    transaction.put(keys::letterhead(store), &letterhead);
    transaction.commit().await.map_err(|error| match error {
        CommitError::Conflict => crate::catalog::Error::Conflict.into(),
        CommitError::Store(error) => Problem::from(error),
    })?;
    Ok(Json(LetterheadView { postal_address: letterhead.postal_address }))
}
