//! Customers: sign-up points, and accounts that become one.

use regulars_sdk::{Context, Event, Mail, Result};

use crate::{
    ledger::{self, Kind},
    notes::{mail_if_granted, note},
    rewards::with_prospects,
    settings::Settings,
};

pub fn created(event: &Event, cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return note(cx, "No sign-up points: the customer is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let account = ledger::account(cx, &customer.id)?;
    if let Some(tag) = settings.excluded_tag(&customer) {
        return note(cx, "No sign-up points: customers with this tag are excluded", &[("tag", tag)], 0, Some(&account));
    }
    if settings.signup_points == 0 {
        return note(cx, "No sign-up points: the settings give none", &[], 0, Some(&account));
    }
    if account.signed_up {
        return note(cx, "No sign-up points: they were given before", &[], 0, Some(&account));
    }
    let points = i64::from(settings.signup_points);
    let account = ledger::append(event, cx, &customer.id, Kind::SignUp, points, None)?;
    let mail = || {
        let mail = Mail::new(&customer.id, "welcome").var("points", points.to_string());
        with_prospects(mail, &settings, account.shown())
    };
    let mailed = mail_if_granted(cx, settings.mail_on_signup, mail)?;
    note(cx, "Sign-up points given", &[("mail", mailed)], points, Some(&account))
}

pub fn merged(event: &Event, cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else {
        return note(cx, "No points moved: the merge is not complete", &[], 0, None);
    };
    let fields = [("from", merge.absorbed_id.as_str())];
    match ledger::merge(event, cx, &merge.absorbed_id, &merge.kept_id)? {
        Some((account, points)) => note(cx, "Points moved: two customers became one", &fields, points, Some(&account)),
        None => {
            let account = ledger::account(cx, &merge.kept_id)?;
            note(cx, "No points moved: the absorbed customer has none", &fields, 0, Some(&account))
        }
    }
}
