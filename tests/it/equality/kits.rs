//! The plugins, each with settings under which much happens, and with what is asked of it.

use regulars_sdk::{Context, Event, Result};
use regulars_tests::random::Random;
use serde_json::{Value, json};

/// Writes an amount of so many euros, or what is like it in another currency.
type Amounts<'a> = &'a dyn Fn(u32) -> String;

pub struct Kit {
    pub name: &'static str,
    pub handle: fn(&Event, &mut Context) -> Result,
    pub manifest: &'static str,
    pub settings: fn(Amounts<'_>) -> Value,
    /// Settings that are changed now and then.
    pub changes: fn(Amounts<'_>) -> Vec<(&'static str, Value)>,
    /// Days, more or less, on each of which something happens.
    pub days: u32,
    /// Bounds on what it gives, in the currency's minor units where it is money.
    pub budgets: &'static [(&'static str, u64)],
    /// What somebody asks of it.
    pub asks: fn(&mut Random, &Sight) -> Ask,
}

/// What those who ask know of.
pub struct Sight {
    pub codes: Vec<String>,
    pub order: String,
    pub tasks: Vec<String>,
}

pub struct Ask {
    pub by_merchant: bool,
    pub name: &'static str,
    pub input: Value,
}

fn shopper(name: &'static str, input: Value) -> Ask {
    Ask { by_merchant: false, name, input }
}

fn merchant(name: &'static str, input: Value) -> Ask {
    Ask { by_merchant: true, name, input }
}

fn day(random: &mut Random) -> (u64, u64) {
    (random.within(1..13), random.within(1..32))
}

fn one_of(random: &mut Random, texts: &[String]) -> String {
    let index = random.below(texts.len().max(1) as u64) as usize;
    texts.get(index).cloned().unwrap_or_else(|| "NONE-SUCH".into())
}

/// What asks for everything there is.
pub const PROBE: Kit = Kit {
    name: "probe",
    handle: probe::handle,
    manifest: include_str!("../../probe/manifest.toml"),
    settings: |_| json!({ "word": "one" }),
    changes: |_| vec![("word", json!("two")), ("word", json!("three"))],
    days: 120,
    budgets: &[("words", 400), ("money", 150_000), ("mails", 60), ("gifts", 9), ("tasks", 30)],
    asks: |random, _| match random.below(3) {
        0 => merchant("refused", json!({})),
        _ => shopper("look", json!({ "at": "this" })),
    },
};

pub const LOYALTY: Kit = Kit {
    name: "loyalty-points",
    handle: loyalty_points::handle,
    manifest: include_str!("../../../manifests/plugins/loyalty-points.toml"),
    settings: |amount| {
        json!({
            "pending_days": 3, "expiry": "after_earning", "expiry_days": 40, "expiry_mail_days": [30, 3],
            "historic_days": 30,
            "product_rules": [{ "match": "product", "value": "71", "multiplier": "2" }],
            "rewards": [
                { "id": "off", "title": "Off", "cost": 40, "value": amount(5), "max_live_codes": 2 },
                { "id": "slide", "title": "Slide", "type": "sliding", "cost": 10, "value": amount(1), "min_points": 20 },
                { "id": "share", "title": "Share", "type": "percent", "cost": 30, "value": "12.5", "code_valid_days": 9 },
                { "id": "ship", "title": "Ship", "type": "free_shipping", "cost": 20 },
                { "id": "thing", "title": "Thing", "type": "free_product", "cost": 25, "products": ["71", "73"] },
                { "id": "credit", "title": "Credit", "type": "store_credit", "cost": 30, "value": amount(3) },
                { "id": "card", "title": "Card", "type": "gift_card", "cost": 30, "value": amount(3) },
            ],
        })
    },
    changes: |_| {
        let [award_on, historic_days] = ["award_on", "historic_days"];
        vec![
            (award_on, json!("delivered")),
            (award_on, json!("paid")),
            (historic_days, json!(60)),
            (historic_days, json!(90)),
        ]
    },
    days: 180,
    budgets: &[("points", 6_000), ("money", 9_000), ("mails", 400)],
    asks: |random, sight| match random.below(8) {
        0..=2 => {
            let reward = random.pick(&["off", "slide", "share", "ship", "thing", "credit", "card"]);
            shopper("redeem", json!({ "reward": reward, "points": "20", "product": "73" }))
        }
        3 => shopper("return", json!({ "code": one_of(random, &sight.codes) })),
        4 => {
            let (month, day) = day(random);
            shopper("birthday", json!({ "birthday": format!("{month:02}-{day:02}") }))
        }
        5 => shopper("redeem", json!({ "reward": ["no", "text"] })),
        6 => merchant("adjust", json!({ "points": random.pick(&["120", "-30"]), "reason": "sorry" })),
        _ => merchant("import", json!({ "points": "75", "mode": random.pick(&["add", "reset"]) })),
    },
};

pub const PARCELS: Kit = Kit {
    name: "parcel-surprise",
    handle: parcel_surprise::handle,
    manifest: include_str!("../../../manifests/plugins/parcel-surprise.toml"),
    settings: |amount| {
        json!({
            "rules": [
                { "name": "Every 2nd", "every_nth": 2 }, { "name": "Luck", "chance": 4000 },
                { "name": "Green", "product_tags": ["green"], "min_basket": amount(40) },
            ],
            "gifts": [
                { "id": "soap", "title": "Soap", "variant_id": "501", "stock": 12, "cost": amount(2) },
                { "id": "tea", "title": "Tea", "stock": 9, "cost": amount(3), "weight": 3 },
                { "id": "pen", "title": "Pen", "stock": 4, "cost": amount(1), "weight": 0 },
            ],
            "monthly_budget": amount(60), "how": "line", "thanks_after_days": 6,
        })
    },
    changes: |amount| vec![("monthly_budget", json!(amount(20))), ("monthly_budget", json!(amount(80)))],
    days: 180,
    budgets: &[("gifts", 30), ("mails", 400)],
    asks: |random, sight| match random.below(5) {
        0 => merchant("give", json!({ "order": sight.order, "gift": random.pick(&["soap", "pen", "none"]) })),
        1 => merchant("restock", json!({ "gift": random.pick(&["soap", "tea"]), "pieces": 5 })),
        2 => merchant("cards", json!({ "count": random.below(260), "percent": 10, "valid_days": 30 })),
        3 => merchant("end-cards", json!({ "code": "CARD-NONE" })),
        _ => merchant("restock", json!({ "task": one_of(random, &sight.tasks), "reason": "7" })),
    },
};

pub const REFERRALS: Kit = Kit {
    name: "referral-vouchers",
    handle: referral_vouchers::handle,
    manifest: include_str!("../../../manifests/plugins/referral-vouchers.toml"),
    settings: |amount| {
        json!({
            "friend_amount": amount(8), "friend_min_cart": amount(10), "advocate_amount": amount(10),
            "min_order": amount(10), "hold_delivered_days": 3, "hold_paid_days": 6, "review_deadline_days": 4,
            "claw_back": true,
        })
    },
    changes: |_| vec![("advocate_reward", json!("code")), ("advocate_reward", json!("store_credit"))],
    days: 180,
    budgets: &[("money", 40_000), ("tasks", 60)],
    asks: |random, sight| match random.below(6) {
        0..=2 => shopper("share", json!({})),
        3 => {
            let task = one_of(random, &sight.tasks);
            merchant(random.pick(&["approve", "reject"]), json!({ "task": task, "reason": "looked at" }))
        }
        4 => merchant("ban", json!({ "reason": "chargebacks" })),
        _ => merchant("unban", json!({ "reason": "a mistake" })),
    },
};

pub const BIRTHDAYS: Kit = Kit {
    name: "birthday-mail",
    handle: birthday_mail::handle,
    manifest: include_str!("../../../manifests/plugins/birthday-mail.toml"),
    settings: |amount| {
        json!({
            "order_marks": [2, 4], "lifetime_marks": [amount(100), amount(300)], "milestone_wait_days": 4,
            "order_reward": { "kind": "amount", "amount": amount(4) },
            "lifetime_reward": { "kind": "percent", "percent": 20, "min_cart": amount(30) },
            "birthday_reward": { "kind": "percent", "percent": 10 }, "reward_lead_days": 2, "change_lock_days": 20,
            "ask_year": true,
        })
    },
    changes: |_| vec![("days_before", json!(0)), ("days_before", json!(7))],
    days: 180,
    budgets: &[("mails", 300), ("money", 9_000)],
    asks: |random, _| {
        let (month, day) = day(random);
        match random.below(6) {
            0..=2 => shopper("birthday", json!({ "day": day, "month": month, "year": random.within(1950..2030) })),
            3 => shopper("birthday", json!({ "birthday": format!("{month:02}-{day:02}") })),
            4 => shopper("forget-birthday", json!({})),
            _ => merchant("birthday", json!({ "day": day, "month": month })),
        }
    },
};

pub const TIERS: Kit = Kit {
    name: "vip-tiers",
    handle: vip_tiers::handle,
    manifest: include_str!("../../../manifests/plugins/vip-tiers.toml"),
    settings: |amount| {
        json!({
            "tiers": [
                { "id": "bronze", "title": "Bronze" },
                { "id": "silver", "title": "Silver", "threshold": amount(60), "reward": "amount", "reward_value": amount(5),
                  "order_tag": "silver-order", "early_access_tag": "early", "send_within_hours": 24 },
                { "id": "gold", "title": "Gold", "threshold": amount(160), "free_shipping": true, "reward": "percent",
                  "benefits": ["early access"] },
            ],
            "keep_months": 1, "grace_days": 5, "notify_downgrade_days": 6, "window_days": 30, "greet_raised": true,
            "reward_skipped_tiers": true,
        })
    },
    changes: |_| vec![("notify_near", json!(50)), ("notify_near", json!(80))],
    days: 180,
    budgets: &[("mails", 400), ("money", 20_000)],
    asks: |random, _| match random.below(4) {
        0 | 1 => merchant("lock", json!({ "tier": "gold", "until": "2026-03-15", "reason": "friend", "greet": true })),
        2 => merchant("unlock", json!({})),
        _ => merchant(
            "preview",
            json!({ "tiers": [{ "id": "silver", "threshold": "40" }, { "id": "gold", "threshold": "90" }] }),
        ),
    },
};
