//! Sign-up points.

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
