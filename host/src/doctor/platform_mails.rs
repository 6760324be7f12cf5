//! Mails that a plugin sends and the platform may send as well. No API tells whether it does, so that each is something to look
//! at.

use std::collections::BTreeSet;

use super::finding::{Finding, Subject};
use crate::{
    catalog::StoreEntry,
    domain::{Capability, Platform, Topic},
};

/// A mail of which there may be two.
struct Overlap {
    /// What stands in the name of the plugin's own mail, where that tells it.
    template: &'static str,
    /// The topic that it follows, where that tells it.
    topic: Option<Topic>,
    mail: &'static str,
    /// Where the shop's own is switched off.
    shopify: &'static str,
    magento: &'static str,
}

static OVERLAPS: [Overlap; 8] = [
    Overlap {
        template: "checkout",
        topic: Some(Topic::CHECKOUT_UPDATED),
        mail: "reminders of abandoned checkouts",
        shopify: "Marketing > Automations, and Settings > Notifications > Customer notifications > Abandoned checkout",
        magento: "Marketing > Communications > Email Reminder Rules (Commerce)",
    },
    Overlap {
        template: "birthday",
        topic: None,
        mail: "birthday mails",
        shopify: "Marketing > Automations",
        magento: "Marketing > Communications > Email Reminder Rules (Commerce), and extensions that send them",
    },
    Overlap {
        template: "welcome",
        topic: None,
        mail: "mails that welcome new customers",
        shopify: "Marketing > Automations, and Settings > Notifications > Customer notifications > Customer account welcome",
        magento: "Stores > Configuration > Customers > Customer Configuration > Create New Account Options, and Newsletter > \
             Subscription Options",
    },
    Overlap {
        template: "review",
        topic: None,
        mail: "requests for reviews",
        shopify: "the settings of the shop's review app",
        magento: "the settings of the shop's review extension",
    },
    Overlap {
        template: "back-in-stock",
        topic: None,
        mail: "mails that something is back in stock",
        shopify: "Marketing > Automations, and the settings of apps that send them",
        magento: "Stores > Configuration > Catalog > Catalog > Product Alerts",
    },
    Overlap {
        template: "confirmation",
        topic: None,
        mail: "order confirmations",
        shopify: "Settings > Notifications > Customer notifications > Order confirmation",
        magento: "Stores > Configuration > Sales > Sales Emails > Order",
    },
    Overlap {
        template: "shipped",
        topic: None,
        mail: "shipping confirmations",
        shopify: "Settings > Notifications > Customer notifications > Shipping confirmation",
        magento: "Stores > Configuration > Sales > Sales Emails > Shipment",
    },
    Overlap {
        template: "win-back",
        topic: None,
        mail: "mails that win customers back",
        shopify: "Marketing > Automations",
        magento: "Marketing > Communications > Email Reminder Rules (Commerce)",
    },
];

/// What a plugin sends, as far as its manifest tells.
struct Sends {
    plugin: String,
    templates: BTreeSet<String>,
    topics: Vec<Topic>,
    gives_gift_cards: bool,
}

pub(super) fn judge(store: &StoreEntry) -> Vec<Finding> {
    let writes = store.enabled.iter().filter(|enabled| enabled.record.is_granted(Capability::Mail));
    let sends: Vec<_> = writes
        .map(|enabled| Sends {
            plugin: enabled.name().to_string(),
            templates: enabled.installed.package.manifest.templates.keys().cloned().collect(),
            topics: enabled.installed.package.manifest.topics.clone(),
            gives_gift_cards: enabled.record.is_granted(Capability::GiftCards),
        })
        .collect();
    of_platform(store.record.platform, &sends)
}

fn of_platform(platform: Platform, sends: &[Sends]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sends in sends {
        let overlaps = OVERLAPS.iter().filter(|overlap| {
            let is_named = sends.templates.iter().any(|template| template.contains(overlap.template));
            is_named || overlap.topic.as_ref().is_some_and(|topic| sends.topics.contains(topic))
        });
        for overlap in overlaps {
            let page = match platform {
                Platform::Shopify => overlap.shopify,
                Platform::Magento => overlap.magento,
            };
            findings.push(finding(&sends.plugin, overlap.mail, page));
        }
        // Shopify writes to the customer whose card it is.
        if platform == Platform::Shopify && sends.gives_gift_cards {
            let page = "Settings > Notifications > Customer notifications > Gift card created";
            findings.push(finding(&sends.plugin, "mails with gift cards", page));
        }
    }
    if findings.is_empty() {
        findings.push(Subject::PlatformMails.well("no plugin sends what the platform sends as well"));
    }
    findings
}

fn finding(plugin: &str, mail: &str, page: &str) -> Finding {
    Subject::PlatformMails.warning(
        format!("{plugin} sends {mail}; the shop may send them as well, which cannot be seen from here"),
        format!("look in the shop's admin, {page}: leave on one of the two"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn sends(templates: &[&str], topics: &[Topic], gives_gift_cards: bool) -> Sends {
        let templates = templates.iter().map(|template| (*template).to_owned()).collect();
        Sends { plugin: "points".into(), templates, topics: topics.to_vec(), gives_gift_cards }
    }

    fn remedies(platform: Platform, sends: Sends) -> Vec<String> {
        of_platform(platform, &[sends]).into_iter().filter_map(|finding| finding.remedy).collect()
    }

    #[test]
    fn each_mail_of_which_there_may_be_two_names_the_page_where_the_other_is_switched_off() {
        let own = || sends(&["welcome"], &[Topic::CHECKOUT_UPDATED], true);
        let shopify = remedies(Platform::Shopify, own());
        assert_eq!(shopify.len(), 3, "{shopify:?}");
        for (remedy, page) in
            shopify.iter().zip(["Abandoned checkout", "Customer account welcome", "Gift card created"])
        {
            assert!(remedy.contains(page), "{remedy}");
        }
        let magento = remedies(Platform::Magento, own());
        assert!(magento.len() == 2 && magento[1].contains("Create New Account Options"), "{magento:?}");
    }

    #[test]
    fn what_no_platform_sends_is_well() {
        let well = of_platform(Platform::Shopify, &[sends(&["earned", "entered"], &[Topic::ORDER_PAID], false)]);
        assert_eq!(well.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Well]);
    }
}
