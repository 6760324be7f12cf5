//! How long a tier is kept, and what becomes of who does not keep it.

use regulars_sdk::test::Bench;
use serde_json::json;

use super::*;

fn gold() -> Bench {
    let mut shop = shop();
    pay(&mut shop, "1", 1000);
    shop
}

#[test]
fn a_tier_is_kept_for_twelve_months_and_a_month_of_grace_and_then_goes_down_by_one() {
    let mut shop = gold();
    assert_eq!(until(&shop), Some(day("2027-01-01")));
    until_noon(&mut shop, "2027-01-30");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    let fired = until_noon(&mut shop, "2027-01-31");
    assert_eq!(why(&fired[0]), "A tier was lost");
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
    assert_eq!(until(&shop), Some(day("2028-01-31")));
    assert_eq!(worn(&shop, "c1"), ["tier-silver"], "never two tiers at once");
    until_noon(&mut shop, "2028-03-01");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("bronze"), None));
    assert_eq!(shop.due(&member_key("c1")), None, "a tier that asks for nothing has no end");
}

#[test]
fn the_order_that_won_a_tier_does_not_win_its_next_term() {
    let mut shop = gold();
    until_noon(&mut shop, "2027-02-15");
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
}

#[test]
fn what_is_spent_in_the_term_wins_the_next_one() {
    let mut shop = gold();
    until_noon(&mut shop, "2026-01-02");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2027-01-01");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2028-01-01"))));
    let mail = mails(&shop).into_iter().next_back().unwrap();
    assert_eq!((mail.template.as_str(), var(mail, "kept"), var(mail, "until")), ("entered", "yes", "2027-12-31"));
}

#[test]
fn an_order_in_the_days_of_grace_saves_the_tier() {
    let mut shop = gold();
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 600);
    until_noon(&mut shop, "2027-01-29");
    let told = pay(&mut shop, "3", 400);
    assert_eq!(why(&told), "The tier was earned for another term");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2028-01-01"))));
}

#[test]
fn a_term_that_began_on_a_leap_day_loses_and_counts_no_day_twice() {
    let at = |text: &str| shop().at(noon(text));
    let mut shop = at("2028-02-29");
    pay(&mut shop, "1", 1000);
    assert_eq!(until(&shop), Some(day("2029-02-28")));
    until_noon(&mut shop, "2028-03-01");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2029-02-28");
    assert_eq!(until(&shop), Some(day("2030-02-28")), "the day after the leap day is in the term");

    let mut shop = at("2027-03-01");
    pay(&mut shop, "1", 1000);
    until_noon(&mut shop, "2027-03-02");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2028-03-01");
    assert_eq!(until(&shop), Some(day("2029-03-01")), "a year with a leap day in it has 366 days");
}

#[test]
fn the_term_of_the_calendar_is_the_rest_of_the_year_and_the_next() {
    let mut shop = shop().setting("keep", "calendar").at(noon("2026-12-31"));
    pay(&mut shop, "1", 1000);
    assert_eq!(until(&shop), Some(day("2028-01-01")));
    until_noon(&mut shop, "2027-01-01");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2028-01-01");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2030-01-01"))));
}

#[test]
fn a_calendar_year_counts_from_new_years_day() {
    let mut shop = shop().setting("window", "calendar_year").at(noon("2026-12-31"));
    pay(&mut shop, "1", 200);
    until_noon(&mut shop, "2027-01-01");
    pay(&mut shop, "2", 200);
    assert_eq!(tier(&shop).as_deref(), Some("bronze"));
    pay(&mut shop, "3", 100);
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("silver"), Some(day("2029-01-01"))));
}

#[test]
fn a_lifetime_counts_everything_however_long_ago() {
    let mut shop = shop().setting("window", "lifetime");
    pay(&mut shop, "1", 600);
    until_noon(&mut shop, "2033-06-01");
    pay(&mut shop, "2", 400);
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    until_noon(&mut shop, "2036-06-01");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
}

#[test]
fn an_order_leaves_a_rolling_window_on_its_anniversary() {
    let mut shop = shop();
    pay(&mut shop, "1", 200);
    until_noon(&mut shop, "2027-01-01");
    pay(&mut shop, "2", 100);
    assert_eq!(tier(&shop).as_deref(), Some("bronze"));

    let mut shop = self::shop();
    pay(&mut shop, "1", 200);
    until_noon(&mut shop, "2026-12-31");
    pay(&mut shop, "2", 100);
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
}

#[test]
fn who_does_not_keep_a_tier_goes_where_the_merchant_says() {
    for (downgrade, left) in [("one_down", "silver"), ("recalculate", "bronze"), ("none", "gold")] {
        let mut shop = shop().setting("downgrade", downgrade);
        pay(&mut shop, "1", 1000);
        until_noon(&mut shop, "2027-06-01");
        assert_eq!(tier(&shop).as_deref(), Some(left), "{downgrade}");
    }
}

#[test]
fn less_may_be_asked_to_stay_than_to_enter_and_never_more() {
    let mut shop = shop().setting("tiers", tiers(json!({}), json!({ "retain_threshold": "500" })));
    pay(&mut shop, "1", 1000);
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 500);
    until_noon(&mut shop, "2027-06-01");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));

    let mut shop = self::shop().setting("tiers", tiers(json!({}), json!({ "retain_threshold": "5000" })));
    pay(&mut shop, "1", 1000);
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2027-06-01");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2028-01-01"))));
}

#[test]
fn a_host_that_was_asleep_for_years_comes_to_the_same() {
    let mut awake = gold();
    until_noon(&mut awake, "2029-06-01");
    let asleep = gold();
    let mut asleep = asleep.at(noon("2029-06-01"));
    pay(&mut asleep, "9", 1);
    assert_eq!(member(&awake, "c1").standing, member(&asleep, "c1").standing);
}

#[test]
fn an_order_after_the_grace_saves_nothing_though_the_timer_comes_late() {
    let mut awake = gold();
    until_noon(&mut awake, "2027-03-15");
    pay(&mut awake, "2", 1000);
    let mut late = gold().at(noon("2027-03-15"));
    pay(&mut late, "2", 1000);
    assert_eq!(until(&awake), Some(day("2028-03-15")));
    assert_eq!(until(&late), until(&awake));
}

#[test]
fn who_has_too_little_is_told_once_before_the_term_ends() {
    let mut shop = gold();
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 600);
    let fired = until_noon(&mut shop, "2026-12-02");
    let mail = fired[0].calls.mails().next().unwrap();
    assert_eq!(mail.template, "falling");
    assert_eq!((var(mail, "until"), var(mail, "missing_amount")), ("2026-12-31", "400.00 EUR"));
    assert!(!mail.guards.is_empty(), "an order on the way makes it wrong");
    pay(&mut shop, "3", 1);
    until_noon(&mut shop, "2027-01-01");
    assert_eq!(templates(shop.calls()).iter().filter(|it| **it == "falling").count(), 1);
}

#[test]
fn who_has_earned_the_next_term_is_not_warned() {
    let mut shop = gold();
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 1000);
    until_noon(&mut shop, "2026-12-20");
    assert!(!templates(shop.calls()).contains(&"falling"));
}

#[test]
fn who_loses_a_tier_is_written_nothing_then() {
    let mut shop = gold();
    until_noon(&mut shop, "2027-01-02");
    let before = mails(&shop).len();
    until_noon(&mut shop, "2027-02-15");
    assert_eq!((tier(&shop).as_deref(), mails(&shop).len()), (Some("silver"), before));
}
