//! Which of an installation's store views and websites are the shop's: those at its host name. An installation may serve
//! several, in several currencies, and a listing's path chooses among none of them.

use std::{sync::Arc, time::Duration};

use jiff::{civil::Date, tz::TimeZone};
use reqwest::Url;
use serde::Deserialize;

use super::{RestClient, permanent};
use crate::{
    domain::{Currency, Timestamp},
    platform::Failure,
};

/// How long what was read of the views is believed: shops gain views and websites, if seldom.
const BELIEVED_FOR: Duration = Duration::from_secs(3_600);

/// What was read of the views, and when.
pub(super) struct ReadViews {
    views: Arc<Views>,
    at: Timestamp,
}

/// The shop's part of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Views {
    pub stores: Vec<u64>,
    pub websites: Vec<u64>,
    /// Of the first view: what the shop's amounts are in, its clock and its language.
    pub currency: Currency,
    pub time_zone: String,
    pub locale: String,
}

impl Views {
    /// The day that it is in the shop at a moment. Magento asks by the shop's calendar on which days codes are good.
    pub fn day_of(&self, at: Timestamp) -> Result<Date, Failure> {
        Ok(at.date_in(&self.zone()?))
    }

    pub fn zone(&self) -> Result<TimeZone, Failure> {
        TimeZone::get(&self.time_zone).map_err(|error| permanent(format!("the shop's time zone: {error}")))
    }
}

#[derive(Deserialize)]
struct View {
    id: u64,
    website_id: u64,
    base_url: String,
    secure_base_url: String,
    base_currency_code: String,
    timezone: String,
    locale: String,
}

impl View {
    fn is_at(&self, host: &str) -> bool {
        let mut urls = [&self.base_url, &self.secure_base_url].into_iter().filter_map(|url| Url::parse(url).ok());
        urls.any(|url| url.host_str().is_some_and(|named| named.eq_ignore_ascii_case(host)))
    }
}

impl RestClient {
    /// The shop's views, read at most an hour ago.
    pub async fn views(&self) -> Result<Arc<Views>, Failure> {
        let mut held = self.views.lock().await;
        let at = self.clock.now();
        if let Some(read) = held.as_ref().filter(|read| at.since(read.at) < BELIEVED_FOR) {
            return Ok(Arc::clone(&read.views));
        }
        let views = Arc::new(self.read_views().await?);
        *held = Some(ReadViews { views: Arc::clone(&views), at });
        Ok(views)
    }

    async fn read_views(&self) -> Result<Views, Failure> {
        let all: Option<Vec<View>> = self.find(&["store", "storeConfigs"]).await?;
        let host = self.shop.host.as_str();
        let own: Vec<_> = all.unwrap_or_default().into_iter().filter(|view| view.is_at(host)).collect();
        let Some(first) = own.first() else {
            return Err(permanent(format!(
                "no store view of this Magento has a base URL at {host}: add the shop under the host name of its base URL"
            )));
        };
        let mut websites: Vec<_> = own.iter().map(|view| view.website_id).collect();
        websites.sort_unstable();
        websites.dedup();
        Ok(Views {
            stores: own.iter().map(|view| view.id).collect(),
            websites,
            currency: first
                .base_currency_code
                .parse()
                .map_err(|error| permanent(format!("the shop's currency: {error}")))?,
            time_zone: first.timezone.clone(),
            locale: first.locale.clone(),
        })
    }
}

/// Ids as a condition lists them.
pub(super) fn listed(ids: &[u64]) -> String {
    ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}
